"""The chain of checks that decided how long a run took."""

from collections.abc import Iterable

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import duration

_MOST_NAMED = 12
_NAME_CHARACTERS = 80


def critical_path(state: State) -> list[str]:
    """From the check that ended last back through the requirement that each waited for longest.

    In the order in which they ran. A requirement that a check did not wait for held nothing up.
    Empty while nothing has started.
    """
    path: list[str] = []
    last = _latest(state, state.checks)
    while last is not None:
        path.append(last)
        last = _latest(state, _awaited(state.checks[last]))
    return path[::-1]


def path_sentence(state: State) -> str:
    """`unit → coverage: 25s of 26s`; empty where nothing ran.

    What is missing to the length of the run was waiting: for a slot, a group, a retry's delay.
    """
    path = critical_path(state)
    if not path:
        return ""
    names = [shorten(sanitise(check), _NAME_CHARACTERS) for check in path]
    if len(names) > _MOST_NAMED:
        half = _MOST_NAMED // 2
        names = [*names[:half], f"{len(names) - 2 * half} more", *names[-half:]]
    ran_ns = sum(_ran_ns(state, state.checks[check]) for check in path)
    return f"{' → '.join(names)}: {duration(ran_ns)} of {duration(state.last_t)}"


def _awaited(record: CheckRecord) -> Iterable[str]:
    for requirement in record.planned.requires:
        if requirement.check not in record.ran_before:
            yield requirement.check


def _latest(state: State, checks: Iterable[str]) -> str | None:
    """The one that ended last of those that ran; the first in order among equals."""
    ran = [check for check in checks if state.checks[check].first_started_t is not None]
    return max(ran, key=lambda check: _end_t(state, state.checks[check]), default=None)


def _end_t(state: State, record: CheckRecord) -> int:
    return state.last_t if record.settled_t is None else record.settled_t


def _ran_ns(state: State, record: CheckRecord) -> int:
    return _end_t(state, record) - (record.first_started_t or 0)
