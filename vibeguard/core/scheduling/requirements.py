"""How many requirements each check still waits for: counters over the State.

They can be made anew from the State at any moment. Without them each settlement would have to look
at every requirement of every dependent.
"""

from collections.abc import Iterator

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Outcome, WhilePending
from vibeguard.core.planning.graph import waiting_closure

_WAIT = WhilePending.WAIT


class Requirements:
    """Answers whether a check may go on, at the cost of what has changed."""

    def __init__(self, state: State) -> None:
        self._checks = checks = state.checks
        self._dependents: dict[str, list[tuple[str, WhilePending]]] = {name: [] for name in checks}
        # Of each check: the requirements that it waits for and that have not passed, nor been
        # skipped as the config asked; the skip and proceed requirements that have not passed; and
        # the first requirement, if any, that was skipped as the config asked.
        self._unmet: dict[str, int] = {}
        self._pending: dict[str, int] = {}
        self._excused: dict[str, CheckRecord] = {}
        for check, record in checks.items():
            unmet = pending = 0
            for requirement in record.planned.requires:
                choice = requirement.while_pending
                self._dependents[requirement.check].append((check, choice))
                if checks[requirement.check].outcome is not Outcome.PASSED:
                    unmet += choice is _WAIT
                    pending += choice is not _WAIT
            self._unmet[check] = unmet
            self._pending[check] = pending
        self._first = _offered_first(state)
        self._first_left = sum(
            checks[check].state is not CheckState.SETTLED for check in self._first
        )

    def are_met(self, check: str) -> bool:
        """Whether everything that the check waits for has passed."""
        return self._unmet[check] == 0 and check not in self._excused

    def is_one_pending(self, check: str) -> bool:
        """Whether a skip or proceed requirement of the check has not passed (yet)."""
        return self._pending[check] > 0

    def must_defer(self, check: str) -> bool:
        """Whether a ready check lets the others go first, since a requirement is pending."""
        return self.is_one_pending(check) and self._first_left > 0

    @property
    def all_others_settled(self) -> bool:
        """Whether every check that goes before the deferred ones has settled."""
        return self._first_left == 0

    def settled(self, record: CheckRecord) -> None:
        """Count a settlement, whatever the outcome."""
        self._first_left -= record.planned.id in self._first

    def passed(self, check: str) -> Iterator[tuple[str, bool]]:
        """Count a pass; yields who becomes ready by it (True) or need not be deferred (False)."""
        for dependent, choice in self._dependents[check]:
            counts = self._unmet if choice is _WAIT else self._pending
            counts[dependent] -= 1
            if counts[dependent] == 0:
                yield dependent, choice is _WAIT

    def excused(self, check: str) -> CheckRecord | None:
        """The requirement for which a check that waits for nothing more is skipped, if any."""
        return self._excused.get(check)

    def not_passed(self, required: CheckRecord) -> Iterator[CheckRecord]:
        """The dependents that must not start because `required` did not pass, in plan order.

        A dependent that has started, or has waived this requirement, is not among them. Nor is, for
        a skip that the config asked for, one that waits for others: if one of these fails, its own
        skip fails the run, whichever settles first.
        """
        check, settled = required.planned.id, required.settled
        is_excused = settled is not None and settled.waived
        for dependent, choice in self._dependents[check]:
            if is_excused:
                self._excused.setdefault(dependent, required)
                self._unmet[dependent] -= choice is _WAIT
                if self._unmet[dependent]:
                    continue
            record = self._checks[dependent]
            if record.first_started_t is None and check not in record.waived:
                yield record


def _offered_first(state: State) -> frozenset[str]:
    """The foreground checks that start before any deferred check does.

    Checks that wait for a background check are not among them. Nor are checks that wait for a
    deferred one: the two would wait for each other for ever (docs/adr/0006).
    """
    requires = {check: record.planned.requires for check, record in state.checks.items()}
    deferred = [
        check
        for check, requirements in requires.items()
        if any(r.while_pending is not _WAIT for r in requirements)
    ]
    behind = waiting_closure(requires, deferred)
    return frozenset(
        check
        for check, record in state.checks.items()
        if not record.planned.outlasts_foreground and check not in behind
    )
