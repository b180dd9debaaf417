"""Which checks may go on when another settles: counters by event, never a rescan (section 4)."""

from collections.abc import Sequence

from msgspec import Struct

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import Pool, WhilePending
from vibeguard.core.planning.graph import waiting_closure


class Skip(Struct, frozen=True):
    """A check that will never start, the root cause, and whether the config asked for it."""

    check: str
    cause: str
    waived: bool


class Frontier:
    """Counts what each check still waits for. Every method is O(what it changes)."""

    def __init__(self, checks: Sequence[PlannedCheck]) -> None:
        self._order = [check.id for check in checks]
        self._unsettled = set(self._order)
        self._started: set[str] = set()
        self._held: dict[str, None] = {}
        self._freed: list[str] = []
        self._dependents: dict[str, list[tuple[str, WhilePending]]] = {c.id: [] for c in checks}
        self._waits: dict[str, int] = {}
        self._waivable: dict[str, dict[str, WhilePending]] = {}
        for check in checks:
            for requirement in check.requires:
                self._dependents[requirement.check].append((check.id, requirement.while_pending))
            self._waivable[check.id] = {
                r.check: r.while_pending
                for r in check.requires
                if r.while_pending is not WhilePending.WAIT
            }
            self._waits[check.id] = len(check.requires) - len(self._waivable[check.id])
        self._ahead = _offered_before_the_last(checks)

    def first(self) -> list[str]:
        """The first frontier: the checks that wait for nothing, in plan order."""
        return [check for check in self._order if self._waits[check] == 0]

    def started(self, check: str) -> None:
        """`check` runs: what its requirements do from now on is not its business any more."""
        self._started.add(check)

    def passed(self, check: str) -> list[str]:
        """`check` has passed: the checks that have become ready by it, in plan order."""
        self._settle(check)
        ready = []
        for dependent, while_pending in self._dependents[check]:
            if dependent not in self._unsettled:
                continue
            if while_pending is WhilePending.WAIT:
                self._waits[dependent] -= 1
                if self._waits[dependent] == 0:
                    ready.append(dependent)
            else:
                del self._waivable[dependent][check]
                if not self._waivable[dependent] and dependent in self._held:
                    self._freed.append(dependent)
        return ready

    def not_passed(self, check: str, *, cause: str, waived: bool) -> list[Skip]:
        """`check` has settled without passing: all that is skipped for it, nearest first."""
        self._settle(check)
        skips: list[Skip] = []
        unsuccessful = [check]
        for settled in unsuccessful:
            for dependent, _ in self._dependents[settled]:
                if dependent in self._unsettled and dependent not in self._started:
                    self._settle(dependent)
                    skips.append(Skip(dependent, cause, waived))
                    unsuccessful.append(dependent)
        return skips

    def cancelled(self, check: str) -> None:
        """`check` was cancelled with the whole run: nobody is skipped for it."""
        self._settle(check)

    def unsettled(self) -> list[str]:
        """The checks that have not settled, in plan order."""
        return [check for check in self._order if check in self._unsettled]

    def waivable(self, check: str) -> dict[str, WhilePending]:
        """The skip and proceed requirements of `check` that have not settled."""
        return self._waivable[check]

    def hold(self, check: str) -> bool:
        """Whether a ready check has to let the others go first; if so it is held until `freed`."""
        if self._waivable[check] and self._ahead:
            self._held[check] = None
            return True
        return False

    def freed(self) -> list[str]:
        """The held checks that may line up now, in the order in which they were held."""
        if self._ahead:
            free = [check for check in self._freed if check in self._held]
        else:
            free = list(self._held)
        self._freed.clear()
        for check in free:
            del self._held[check]
        return free

    def _settle(self, check: str) -> None:
        self._unsettled.discard(check)
        self._ahead.discard(check)
        self._held.pop(check, None)


def _offered_before_the_last(checks: Sequence[PlannedCheck]) -> set[str]:
    """The foreground checks that checks with a skip or proceed requirement let go first.

    Left out are those that wait for a background check, and those that wait for a last one: the
    last ones would wait for them for ever.
    """
    last = [
        check.id
        for check in checks
        if any(r.while_pending is not WhilePending.WAIT for r in check.requires)
    ]
    behind = waiting_closure({check.id: check.requires for check in checks}, last)
    return {
        check.id
        for check in checks
        if check.pool is Pool.FOREGROUND and not check.after_background and check.id not in behind
    }
