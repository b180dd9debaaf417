"""A start that is refused leaves a mark, and whoever vouches for older runs learns of it."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from vibeguard.core.problems import LogWriteError, Problem, VibeGuardError
from vibeguard.system.clock import wall_ns
from vibeguard.system.discovery.environment import is_in_a_check
from vibeguard.system.rundir.ids import run_folder, started_ns
from vibeguard.system.rundir.order import read_order
from vibeguard.system.rundir.refused import mark_refused
from vibeguard.system.rundir.state_folder import StateFolderRefused, state_folder
from vibeguard.system.vouching.inquiry import tell_all
from vibeguard.system.vouching.statement import Tell


@contextlib.contextmanager
def refusals_marked(state_dir: str, *, launched_ns: int | None = None) -> Iterator[None]:
    """Around what comes before a run is there: whatever it raises leaves the mark.

    Inside a check none is left: what is started there is never the latest run. Nor where a run was
    recorded since `launched_ns`, the moment that one was launched: that is the answer.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as refusal:
        leave_mark(state_dir, _problems_of(refusal), wall_ns(), launched_ns=launched_ns)
        raise


def leave_mark(
    state_dir: str, problems: Sequence[Problem], now_ns: int, *, launched_ns: int | None
) -> None:
    """Leave the mark of a refused start, but where `refusals_marked` leaves none.

    A folder that no reader trusts gets none either, and what refused the start stays the news, also
    where there is no memory for the mark.
    """
    with contextlib.suppress(LogWriteError, StateFolderRefused, OSError, MemoryError):
        if not is_in_a_check(os.environb) and not _has_begun(state_dir, launched_ns, now_ns):
            state_folder(state_dir, create=False)
            recorded = mark_refused(state_dir, problems, now_ns=now_ns)
            if recorded is not None:  # a supervisor that has not exited yet names its own run else
                tell_all(state_dir, Tell(recorded))


def _has_begun(state_dir: str, launched_ns: int | None, now_ns: int) -> bool:
    """Whether the run that was launched is there; if in doubt (the clock was set back), it is not.

    One that could not be given its folder stands in the record, too.
    """
    newest = max((run.run_id for run in read_order(state_dir)), default="")
    if launched_ns is None or not newest:
        return False
    since_launch = launched_ns // 1000 * 1000 <= started_ns(newest) <= now_ns
    return since_launch and os.path.lexists(run_folder(state_dir, newest))


def _problems_of(refusal: BaseException) -> Sequence[Problem]:
    if isinstance(refusal, VibeGuardError):
        return refusal.problems
    signalled = isinstance(refusal, KeyboardInterrupt)
    why = f"{refusal} came before" if signalled else f"{type(refusal).__name__}: {refusal}"
    return (Problem(f"no run was begun: {why}", "run it again"),)
