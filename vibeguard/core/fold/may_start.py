"""What must hold when a check starts, beside its slot. Raises LogCorrupt where it does not."""

from vibeguard.core.fold.states import SETTLED
from vibeguard.core.model.plan import CONFIRMING
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome, WhilePending
from vibeguard.core.problems import LogCorrupt

# Names for members: see checks.py.
_PASSED = Outcome.PASSED
_PROCEED = WhilePending.PROCEED


def check_requirements(state: State, record: CheckRecord) -> None:
    """Every requirement has passed or was waived; those that it runs before are noted."""
    check = record.planned.id
    for requirement in record.planned.requires:
        required = state.checks[requirement.check]
        if record.waived.get(requirement.check) == _PROCEED:
            if requirement.check not in record.ran_before:
                record.ran_before = (*record.ran_before, requirement.check)
        elif required.state is not SETTLED:
            raise LogCorrupt(f"{check} started before {requirement.check} settled")
        elif required.outcome is not _PASSED:
            raise LogCorrupt(f"{check} started although {requirement.check} did not pass")
        else:
            note_unconfirmed(state, record, requirement.check)


def note_unconfirmed(state: State, record: CheckRecord, required: str) -> None:
    """Note that the check runs before a reused requirement has been confirmed."""
    confirming = state.checks.get(f"{required}{CONFIRMING}")
    if confirming is None or confirming.state is SETTLED or confirming is record:
        return
    if confirming.planned.id not in record.ran_before:
        record.ran_before = (*record.ran_before, confirming.planned.id)


def enter_group(state: State, record: CheckRecord) -> None:
    """Enter the group of the check: no other check of it may be running."""
    check, holder = record.planned.id, state.groups.get(record.group)
    if holder is not None:
        raise LogCorrupt(f"{check} and {holder} of group {record.group} ran together")
    state.groups[record.group] = check
