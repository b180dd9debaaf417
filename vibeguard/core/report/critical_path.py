"""The chain of checks that decided how long a run took."""

from collections.abc import Iterable

from msgspec import Struct

from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import duration

_MOST_NAMED = 12
_NAME_CHARACTERS = 80


class CriticalPath(Struct, frozen=True):
    """The checks in the order they ran, and how long they ran together, in nanoseconds.

    What is missing to the length of the run was waiting: for a slot, a group, a retry's delay.
    """

    checks: tuple[str, ...] = ()
    ns: int = 0


def critical_path(state: State) -> CriticalPath:
    """From the check that ended last back through the requirement that each waited for longest.

    A requirement that a check did not wait for held nothing up. Empty while nothing has started.
    """
    last = _latest(state, state.checks)
    path: list[str] = []
    while last is not None:
        path.append(last)
        record = state.checks[last]
        last = _latest(state, _awaited(record))
    path.reverse()
    return CriticalPath(tuple(path), sum(_ran_ns(state, state.checks[check]) for check in path))


def path_sentence(state: State) -> str:
    """`unit → coverage: 25s of 26s`; empty where nothing ran."""
    path = critical_path(state)
    if not path.checks:
        return ""
    names = [shorten(sanitise(check), _NAME_CHARACTERS) for check in path.checks]
    if len(names) > _MOST_NAMED:
        half = _MOST_NAMED // 2
        names = [*names[:half], f"{len(names) - 2 * half} more", *names[-half:]]
    return f"{' → '.join(names)}: {duration(path.ns)} of {duration(state.last_t)}"


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
