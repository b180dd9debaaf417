"""What is told of an error that nobody expected: it is not always a defect of ours."""

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from vibeguard.core.problems import DISK_TROUBLE, RunIncomplete, shortage
from vibeguard.system.rundir.notes import keep_traceback

# What a sandbox lets a call fail with.
REFUSALS: Final = frozenset(
    {
        errno.EPERM,
        errno.EACCES,
        errno.ENOSYS,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
        errno.EAFNOSUPPORT,
    }
)


def try_to_wake() -> None:
    """Use a pair of sockets as Trio does to wake its loop. Raises OSError.

    Where one of these calls is refused, it hangs, or calls that an internal error of its own.
    """
    import socket  # noqa: PLC0415 - not for the front of a run

    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"\0")
        theirs.recv(1)


def told_of(
    error: BaseException,
    keep: Callable[[str], str] = keep_traceback,
    *,
    mend: str = "please report it",
    show: Callable[[str], object] | None = None,
) -> RunIncomplete:
    """The sentence, and what to do: `mend` where it is a defect. `keep` gets the traceback.

    Its last line is that sentence, for whoever looks at the run later. `show` gets that of a defect
    which cannot be kept.
    """
    from traceback import format_exception  # noqa: PLC0415 - only on failure

    root = error
    while isinstance(root, BaseExceptionGroup):
        root = root.exceptions[0]
    whose = "" if isinstance(root, ImportError) else "a defect of VibeGuard itself: "
    what = f"{whose}{type(root).__name__}: {root}"
    known = shortage(root) or _refusal(error)
    told = known or RunIncomplete(what, mend)
    path = ""
    with suppress(OSError, MemoryError):
        traceback = "".join((*format_exception(error), told.what))
        path = keep(traceback)
        if not path and known is None and show is not None:
            show(f"{traceback}\n")
            path = "above"
    return RunIncomplete(told.what, f"{told.do}; its traceback: {path}") if path else told


def _refusal(error: BaseException) -> RunIncomplete | None:
    """What is told of a call that the system or a disk refused; None for any other error."""
    from traceback import extract_tb  # noqa: PLC0415 - only on failure

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in REFUSALS | DISK_TROUBLE:
            # Without a file, the error does not name what was refused: the line of code does.
            lines = [f" ({place.line})" for place in extract_tb(cause.__traceback__)[-1:]]
            named = "".join(lines) if cause.filename is None else f" ({cause.filename})"
            if cause.errno in DISK_TROUBLE:
                what = f"a disk does not do what VibeGuard needs: {cause.strerror}{named}"
                return RunIncomplete(what, "make room there, or see to the disk")
            what = f"the system refuses what VibeGuard cannot do without: {cause.strerror}{named}"
            allows = "sandbox" if cause.filename is None else "rights of that file"
            return RunIncomplete(what, f"let the {allows} allow it")
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__
    return None
