"""What is told of an error that nobody expected: it is not always a defect of ours."""

import errno
from collections.abc import Callable
from contextlib import suppress
from traceback import extract_tb, format_exception
from typing import Final

from vibeguard.core.problems import RunIncomplete, shortage
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


def told_of(
    error: BaseException,
    keep: Callable[[str], str] = keep_traceback,
    *,
    mend: str = "please report it",
) -> RunIncomplete:
    """The sentence, and what to do: `mend` where it is a defect. `keep` gets the traceback.

    Its last line is that sentence, for whoever looks at the run later.
    """
    root = error
    while isinstance(root, BaseExceptionGroup):
        root = root.exceptions[0]
    what = f"a defect of VibeGuard itself: {type(root).__name__}: {root}"
    told = shortage(root) or _refusal(error) or RunIncomplete(what, mend)
    path = ""
    with suppress(OSError, MemoryError):
        path = keep("".join((*format_exception(error), told.what)))
    return RunIncomplete(told.what, f"{told.do}; its traceback: {path}") if path else told


def _refusal(error: BaseException) -> RunIncomplete | None:
    """What is told of a call that the system refused; None for any other error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.filename is None and cause.errno in REFUSALS:
            # The error itself does not name the call: the line of code does.
            line = "".join(f" ({place.line})" for place in extract_tb(cause.__traceback__)[-1:])
            what = f"the system refuses what VibeGuard cannot do without: {cause.strerror}{line}"
            return RunIncomplete(what, "let the sandbox allow it")
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__
    return None
