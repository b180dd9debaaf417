"""Who gets the next free slot: heaps by remaining path, weights, groups (sections 3 and 4)."""

from heapq import heappop, heappush

from vibeguard.core.model.plan import Plan, PlannedCheck
from vibeguard.core.names import Pool


class PoolQueue:
    """Checks of one pool in the order of their claims."""

    def __init__(self) -> None:
        """Nobody is waiting."""
        self._queue: list[tuple[int, int, str]] = []

    def push(self, check: PlannedCheck, position: int) -> None:
        """Queue a check: longest remaining path first, then plan order."""
        heappush(self._queue, (-check.remaining_path_ns, position, check.id))

    def head(self) -> str | None:
        """The check whose claim is next."""
        return self._queue[0][2] if self._queue else None

    def pop(self) -> None:
        """The head leaves the queue."""
        heappop(self._queue)


class PoolSlots(PoolQueue):
    """The slots of one pool and the queue for them.

    The head of the queue keeps its claim: while it does not fit, nobody behind it starts, so that
    heavy checks do not starve.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity` slots, all free."""
        super().__init__()
        self.planned = capacity
        self.capacity = capacity
        self.used = 0

    def size_of(self, check: PlannedCheck) -> int:
        """The slots that a check takes: its weight, clamped to the pool as planned."""
        return min(check.weight, self.planned)

    def fits(self, check: PlannedCheck) -> bool:
        """Whether the check could start now. Into an empty pool everything fits."""
        return self.used == 0 or self.used + self.size_of(check) <= self.capacity


class Slots:
    """Both pools, the groups, and what waits for each."""

    def __init__(self, plan: Plan) -> None:
        """Nothing is queued, nothing runs."""
        self._checks = {check.id: check for check in plan.checks}
        self._positions = {check.id: i for i, check in enumerate(plan.checks)}
        self.pools = {
            Pool.FOREGROUND: PoolSlots(plan.settings.parallel),
            Pool.BACKGROUND: PoolSlots(plan.settings.async_parallel),
        }
        self._taken: dict[str, int] = {}
        self._dropped: set[str] = set()
        self.queued: set[str] = set()
        self.group_holder: dict[str, str] = {}
        # What waits for a group, by pool and claim. Of each group that is free only the best claim
        # of a pool must be in that pool's queue: to line up all of them would be quadratic.
        self._group_queue: dict[tuple[str, Pool], PoolQueue] = {}

    def enqueue(self, check: str) -> None:
        """The check wants a slot. A check whose group is held waits for that first, without one."""
        planned = self._checks[check]
        self._dropped.discard(check)
        self.queued.add(check)
        if planned.group and planned.group in self.group_holder:
            self._wait_for_group(planned)
        else:
            self.pools[planned.pool].push(planned, self._positions[check])

    def drop(self, check: str) -> None:
        """The check wants no slot any more."""
        if check in self.queued:
            self.queued.discard(check)
            self._dropped.add(check)

    def offer(self) -> str | None:
        """Give the next free slot to the check with the best claim; None if nobody can use one."""
        for pool in self.pools.values():
            while (check := pool.head()) is not None:
                planned = self._checks[check]
                if check in self._dropped:
                    pool.pop()
                    self._line_up_next(planned.group, planned.pool)
                elif planned.group and planned.group in self.group_holder:
                    pool.pop()
                    self._wait_for_group(planned)
                elif pool.fits(planned):
                    pool.pop()
                    self._take(planned)
                    return check
                else:
                    break
        return None

    def holds(self, check: str) -> bool:
        """Whether the check has slots now, or its group without one."""
        return check in self._taken

    def slots_of(self, check: str) -> int:
        """How many slots the check has now."""
        return self._taken.get(check, 0)

    def wait_outside(self, check: str) -> None:
        """Another run has the check's group: it gives back its slots until that is free.

        Within this run it holds the group, so that one asks for all who want it.
        """
        self.pools[self._checks[check].pool].used -= self._taken[check]
        self._taken[check] = 0
        self.queued.add(check)

    def release(self, check: str) -> None:
        """Give back slots and group; the best claims among the group's waiters line up again."""
        planned = self._checks[check]
        taken = self._taken.pop(check, None)
        if taken is None:
            return
        self.pools[planned.pool].used -= taken
        if planned.group and self.group_holder.get(planned.group) == check:
            del self.group_holder[planned.group]
            for pool in self.pools:
                self._line_up_next(planned.group, pool)

    def degrade(self, *, parallel: int, async_parallel: int) -> None:
        """Lower the capacities; what runs goes on."""
        self.pools[Pool.FOREGROUND].capacity = parallel
        self.pools[Pool.BACKGROUND].capacity = async_parallel

    def _wait_for_group(self, planned: PlannedCheck) -> None:
        queue = self._group_queue.setdefault((planned.group, planned.pool), PoolQueue())
        queue.push(planned, self._positions[planned.id])

    def _line_up_next(self, group: str, pool: Pool) -> None:
        """Let the best claim of a pool on a free group line up for a slot."""
        queue = self._group_queue.get((group, pool))
        while queue is not None and group not in self.group_holder:
            check = queue.head()
            if check is None:
                return
            queue.pop()
            if check not in self._dropped:
                self.pools[pool].push(self._checks[check], self._positions[check])
                return

    def _take(self, planned: PlannedCheck) -> None:
        pool = self.pools[planned.pool]
        self._taken[planned.id] = pool.size_of(planned)
        pool.used += self._taken[planned.id]
        self.queued.discard(planned.id)
        if planned.group:
            self.group_holder[planned.group] = planned.id
