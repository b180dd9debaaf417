"""The mark of a refused start: it leaves no run, yet no older pass is to be replayed.

While the mark is newer than the newest run, `report` without an id exits 2 and says why
(DESIGN section 2).
"""

import contextlib
import os
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, json
from msgspec.structs import replace

from vibeguard.core.problems import UNDECODABLE, LogWriteError, Problem
from vibeguard.system.rundir.files import open_or_create, read_regular, replace_file
from vibeguard.system.rundir.ids import is_run_id, new_run_id, started_ns
from vibeguard.system.rundir.order import OrderedRun, note_started, outermost, read_order

_NAME: Final = "refused"
_LARGEST_BYTES: Final = 16 << 20
_LAST_NS: Final = 253_402_300_799 * 10**9  # the last second of 9999, which an id can just hold
_AFTER_ALL: Final = "~"
_UNREADABLE: Final = Problem("a start was refused; why can no longer be read", "run it again")


class Refusal(Struct, frozen=True):
    """A start that was refused: when (`stamp` sorts among run ids) and every problem."""

    stamp: str
    problems: tuple[Problem, ...]


def mark_refused(state_dir: str, problems: Sequence[Problem], *, now_ns: int) -> OrderedRun | None:
    """Leave the mark, with its reasons where there is room. Raises LogWriteError.

    Where nothing but the order of runs took it: the run without a folder that stands there.
    """
    path = os.path.join(state_dir, _NAME)
    try:
        newest = max((run.run_id for run in read_order(state_dir)), default="")
        stamp = new_run_id(now_ns, newest=newest)
        try:
            replace_file(path, json.encode(Refusal(stamp, tuple(map(_storable, problems)))))
        except OSError:
            return _mark_without_words(state_dir, stamp)
    except OSError as error:
        raise LogWriteError(f"{path}: {error.strerror}") from error
    return None


def _mark_without_words(state_dir: str, stamp: str) -> OrderedRun | None:
    """Leave the mark where no file can be written: a full disk often still takes a name."""
    path = os.path.join(state_dir, _NAME)
    try:
        os.close(open_or_create(path, flags=os.O_WRONLY | os.O_TRUNC))
        os.utime(path, ns=(started_ns(stamp),) * 2, follow_symlinks=False)
    except OSError:
        note_started(state_dir, stamp)  # a run without a folder: no older one is the latest
        return OrderedRun(stamp)
    return None


def _storable(problem: Problem) -> Problem:
    """The problem, with bytes that are no text escaped: a caller may use any."""
    what, do, file = (
        text.encode("utf-8", "backslashreplace").decode()
        for text in (problem.what, problem.do, problem.file)
    )
    return replace(problem, what=what, do=do, file=file)


def refused_since(state_dir: str, known: Sequence[str]) -> Refusal | None:
    """The refused start that is newer than every run of `known`, if there is one."""
    path = os.path.join(state_dir, _NAME)
    try:
        written_ns = os.lstat(path).st_mtime_ns
    except FileNotFoundError:
        return None
    # Cut short or meddled with: that something was refused, and when, is all it still says.
    refusal = _read(path) or Refusal(new_run_id(min(written_ns, _LAST_NS)), (_UNREADABLE,))
    return refusal if refusal.stamp > max(known, default="") else None


def newest_start(state_dir: str) -> str:
    """What sorts as the id of the newest start there, a refused one too; empty for none."""
    try:
        known = outermost(read_order(state_dir))
    except OSError:
        return _AFTER_ALL  # so that its reader says what is wrong with it
    refusal = refused_since(state_dir, known)
    return refusal.stamp if refusal else max(known, default="")


def _read(path: str) -> Refusal | None:
    """The mark; None where it says nothing. A check can put anything in its place."""
    try:
        refusal = json.decode(read_regular(path, _LARGEST_BYTES), type=Refusal)
    except (OSError, *UNDECODABLE):
        return None
    return refusal if refusal.problems and is_run_id(refusal.stamp) else None


def forget_refused(state_dir: str) -> None:
    """Remove the mark: a start was answered by a run that was there already."""
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(state_dir, _NAME))
