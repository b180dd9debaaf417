"""The mark of a refused start: it leaves no run, yet no older pass is to be replayed.

While the mark is newer than the newest run, `report` without an id exits 2 and says why
(DESIGN section 2).
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

from vibeguard.core.problems import ConfigError, LogWriteError, Problem, VibeGuardError
from vibeguard.system.rundir.files import open_or_create, read_regular, replace_file
from vibeguard.system.rundir.ids import is_run_id, new_run_id, started_ns
from vibeguard.system.rundir.order import note_started, outermost, read_order
from vibeguard.system.rundir.state_folder import StateFolderRefused, state_folder

_NAME: Final = "refused"
_LARGEST_BYTES: Final = 16 << 20
_LAST_NS: Final = 253_402_300_799 * 10**9  # the last second of 9999, which an id can just hold
_UNREADABLE: Final = Problem("a start was refused; why can no longer be read", "run it again")


class Refusal(Struct, frozen=True):
    """A start that was refused: when (`stamp` sorts among run ids) and every problem."""

    stamp: str
    problems: tuple[Problem, ...]


@contextlib.contextmanager
def refusals_marked(
    state_dir: str, wall_ns: Callable[[], int], *, launched_ns: int | None = None
) -> Iterator[None]:
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

    A folder that no reader trusts gets none either, and what refused the start stays the news.
    """
    with contextlib.suppress(LogWriteError, StateFolderRefused, OSError):
        if "VIBEGUARD_RUN" not in os.environ and not _has_begun(state_dir, launched_ns):
            state_folder(os.path.dirname(state_dir), override=state_dir, create=False)
            mark_refused(state_dir, problems, now_ns=now_ns)


def _has_begun(state_dir: str, launched_ns: int | None) -> bool:
    if launched_ns is None:
        return False
    newest = max((run.run_id for run in read_order(state_dir)), default="")
    return newest != "" and started_ns(newest) >= launched_ns // 1000 * 1000


def _problems_of(refusal: BaseException) -> Sequence[Problem]:
    if isinstance(refusal, ConfigError):
        return refusal.problems
    if isinstance(refusal, VibeGuardError):
        return (Problem(refusal.what, refusal.do),)
    if isinstance(refusal, KeyboardInterrupt):
        return (Problem(f"no run was begun: {refusal} came before", "run it again"),)
    return (Problem(f"no run was begun: {type(refusal).__name__}: {refusal}", "run it again"),)


def mark_refused(state_dir: str, problems: Sequence[Problem], *, now_ns: int) -> None:
    """Leave the mark, with its reasons where there is room. Raises LogWriteError."""
    path = os.path.join(state_dir, _NAME)
    try:
        newest = max((run.run_id for run in read_order(state_dir)), default="")
        stamp = new_run_id(now_ns, newest=newest)
        try:
            replace_file(path, json.encode(Refusal(stamp, tuple(map(_storable, problems)))))
        except OSError:
            _mark_without_words(state_dir, stamp)
    except OSError as error:
        raise LogWriteError(f"{path}: {error.strerror}") from error


def _mark_without_words(state_dir: str, stamp: str) -> None:
    """Leave the mark where no file can be written: a full disk often still takes a name."""
    path = os.path.join(state_dir, _NAME)
    try:
        os.close(open_or_create(path, flags=os.O_WRONLY | os.O_TRUNC))
        os.utime(path, ns=(started_ns(stamp),) * 2, follow_symlinks=False)
    except OSError:
        note_started(state_dir, stamp)  # a run without a folder: no older one is the latest


def _storable(problem: Problem) -> Problem:
    """The problem, with bytes that are no text escaped: a caller may use any."""
    what, do, file = (
        text.encode("utf-8", "backslashreplace").decode()
        for text in (problem.what, problem.do, problem.file)
    )
    return replace(problem, what=what, do=do, file=file)


def refused_since(state_dir: str, known: Sequence[str] | None = None) -> Refusal | None:
    """The refused start that is newer than every run of `known`, if there is one.

    Without `known` the record of the order says which runs there are.
    """
    path = os.path.join(state_dir, _NAME)
    try:
        written_ns = os.lstat(path).st_mtime_ns
    except FileNotFoundError:
        return None
    # Cut short or meddled with: that something was refused, and when, is all it still says.
    refusal = _read(path) or Refusal(new_run_id(min(written_ns, _LAST_NS)), (_UNREADABLE,))
    if known is None:
        known = outermost(read_order(state_dir))
    return refusal if refusal.stamp > max(known, default="") else None


def _read(path: str) -> Refusal | None:
    """The mark; None where it says nothing. A check can put anything in its place."""
    try:
        refusal = json.decode(read_regular(path, _LARGEST_BYTES), type=Refusal)
    except (OSError, DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return refusal if refusal.problems and is_run_id(refusal.stamp) else None


def forget_refused(state_dir: str) -> None:
    """Remove the mark: a start was answered by a run that was there already."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(state_dir, _NAME))
