"""Who gets the next free slot: heaps by priority and remaining path, weights, groups.

Slots and groups of what runs are in the State. Kept here are the queues, and which checks hold a
slot that the State does not count: from its offer to `check.started`, and, where nothing may start
meanwhile, from the end of the attempt until the check has settled.
"""

from collections import deque
from heapq import heappop, heappush

from vibeguard.core.model.plan import stands_alone
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Pool

BLOCKED = 0  # slots of a check that waits for another run to leave its group

# A heap of claims: by priority, longest remaining path, then plan order.
_Queue = list[tuple[int, int, int, CheckRecord]]


class Slots:
    """The queues of the pools, and of the groups.

    The head of a pool's queue keeps its claim: while it does not fit, no check behind it starts, so
    that heavy checks do not starve.
    """

    def __init__(self, state: State) -> None:
        """`state` says what runs; nothing is queued, no slot held."""
        self._state = state
        self._positions = {check: i for i, check in enumerate(state.checks)}
        self._queues: dict[Pool, _Queue] = {pool: [] for pool in Pool}
        self._held: dict[str, int] = {}
        self._held_slots = dict.fromkeys(Pool, 0)
        self._groups: set[str] = set()  # of the checks that hold slots
        self.left_groups: deque[str] = deque()  # their locks are to be released
        # What waits for a group, by pool and claim. Of each group that is free only the best claim
        # of a pool must be in that pool's queue: to enqueue all of them would be quadratic.
        self._group_queues: dict[tuple[str, Pool], _Queue] = {}
        # Checks that must run alone: first those that have a slot, from its offer until they have
        # settled; then those of the foreground that still wait for a slot.
        self._alone = {c for c, r in state.checks.items() if _is_alone_now(r)}
        self._to_be_alone: set[str] = set()

    def push(self, record: CheckRecord) -> None:
        """A queued check wants a slot; while its group is held it waits for the group first."""
        if stands_alone(record.planned) and record.pool is Pool.FOREGROUND:
            self._to_be_alone.add(record.planned.id)
        if self._is_taken(record.group):
            self._wait_for_group(record)
        else:
            self._claim(self._queues[record.pool], record)

    def offer(self) -> CheckRecord | None:
        """Give the next free slot to the check with the best claim; None if no check can start."""
        for pool, queue in self._queues.items():
            while queue:
                record = queue[0][-1]
                is_queued, taken = record.state is CheckState.QUEUED, self._is_taken(record.group)
                if is_queued and not taken and not self._fits(record):
                    break
                heappop(queue)
                if not is_queued:  # it has settled in the queue
                    self._push_next_of_group(record.group, pool)
                elif taken:
                    self._wait_for_group(record)
                else:
                    self.hold(record)
                    return record
        return None

    def hold(self, record: CheckRecord) -> None:
        """Count the check's slots and its group as taken, although the State does not say so."""
        self._held[record.planned.id] = record.slots
        self._held_slots[record.pool] += record.slots
        self._to_be_alone.discard(record.planned.id)
        if stands_alone(record.planned):
            self._alone.add(record.planned.id)
        if record.group:
            self._groups.add(record.group)

    def give_back(self, record: CheckRecord) -> None:
        """Count no more what the check holds: it runs, and the State has it, or it is over."""
        slots = self._held.pop(record.planned.id, None)
        if slots is not None:
            self._held_slots[record.pool] -= slots
            self._groups.discard(record.group)

    def release(self, record: CheckRecord) -> None:
        """Take back its slots and its group: the attempt is over, or never began."""
        if record.group and self._held.get(record.planned.id) != BLOCKED:
            self.left_groups.append(record.group)
        self.give_back(record)
        self._alone.discard(record.planned.id)
        for pool in self._queues:
            self._push_next_of_group(record.group, pool)

    def release_what_is_held(self, record: CheckRecord) -> None:
        """The same where it still holds slots that the State does not count."""
        if record.planned.id in self._held:
            self.release(record)

    def settled(self, record: CheckRecord) -> None:
        """The check wants nothing any more."""
        self.release_what_is_held(record)
        self._to_be_alone.discard(record.planned.id)

    def block(self, record: CheckRecord) -> None:
        """Another run has the check's group: the check gives back its slots until `unblock`.

        Within this run it keeps the group, so that only one check asks for it.
        """
        self._held_slots[record.pool] -= self._held[record.planned.id]
        self._held[record.planned.id] = BLOCKED
        self._alone.discard(record.planned.id)

    def unblock(self, record: CheckRecord) -> None:
        """The group may be free: the check competes for a slot again."""
        self.release(record)
        self.push(record)

    def _is_taken(self, group: str) -> bool:
        return bool(group) and (group in self._state.groups or group in self._groups)

    def _fits(self, record: CheckRecord) -> bool:
        """Whether the check could start now. Into an empty pool everything fits."""
        pool = record.pool
        if pool is not Pool.WORKERS and not self._may_run_beside_others(record):
            return False
        used = self._state.used[pool] + self._held_slots[pool]
        return used == 0 or used + record.slots <= self._state.slots[pool]

    def _may_run_beside_others(self, record: CheckRecord) -> bool:
        """Whether no other check must run alone, and one that must finds no other check running.

        A background check may take long: it waits while a foreground check that must run alone is
        queued.
        """
        if self._alone or (record.pool is Pool.BACKGROUND and self._to_be_alone):
            return False
        if not stands_alone(record.planned):
            return True
        here = (Pool.FOREGROUND, Pool.BACKGROUND)
        return not any(self._state.used[pool] or self._held_slots[pool] for pool in here)

    def _wait_for_group(self, record: CheckRecord) -> None:
        self._claim(self._group_queues.setdefault((record.group, record.pool), []), record)

    def _claim(self, queue: _Queue, record: CheckRecord) -> None:
        planned = record.planned
        position = self._positions[planned.id]
        heappush(queue, (-planned.priority, -planned.remaining_path_ns, position, record))

    def _push_next_of_group(self, group: str, pool: Pool) -> None:
        """Let the best claim of a pool on a free group compete for a slot."""
        queue = self._group_queues.get((group, pool))
        while queue and not self._is_taken(group):
            claim = heappop(queue)
            if claim[-1].state is CheckState.QUEUED:
                heappush(self._queues[pool], claim)
                return


def _is_alone_now(record: CheckRecord) -> bool:
    return record.state is CheckState.RUNNING and stands_alone(record.planned)
