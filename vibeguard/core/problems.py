"""Mistakes of users are values; the exceptions are the ways in which a command can end early."""

import errno
from collections.abc import Sequence
from typing import ClassVar, Final

from msgspec import DecodeError, Struct

from vibeguard.core.names import ExitCode

# What msgspec raises for bytes that anybody may have written: no such value, no text, too deep.
UNDECODABLE: Final = (DecodeError, UnicodeDecodeError, RecursionError)


class Problem(Struct, frozen=True):
    """One mistake in a config or a command line, with its place and what to do about it.

    `line` and `column` count from 1 (code points); 0 means that the problem has no place.
    `excerpt` is the offending line as it stands in the file; of a long one, the part around the
    place, which begins in `excerpt_column`.
    """

    what: str
    do: str
    file: str = ""
    line: int = 0
    column: int = 0
    excerpt: str = ""
    excerpt_column: int = 1


class VibeGuardError(Exception):
    """What went wrong in one sentence, and what the user can do about it: as a problem, too."""

    exit_code: ClassVar[ExitCode]  # of the command that it ends

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do
        self.problems: tuple[Problem, ...] = (Problem(what, do),)


class ConfigError(VibeGuardError):
    """The config cannot be used; carries every problem of the stage that failed."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].what, problems[0].do)
        self.problems = tuple(problems)


class UsageError(VibeGuardError):
    """The command line asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class LogCorrupt(VibeGuardError):
    """The log is damaged or contradicts itself.

    `byte` and `line` say where; `line` counts from 1, 0 when the place is the whole file.
    """

    exit_code = ExitCode.CORRUPT

    def __init__(self, what: str, *, byte: int = 0, line: int = 0) -> None:
        super().__init__(what)
        self.byte = byte
        self.line = line


class LogWriteError(VibeGuardError):
    """The log, or something beside it, cannot be written."""

    exit_code = ExitCode.CORRUPT


class LogAltered(LogWriteError):
    """The log is not what its writer has written so far: somebody else writes to it."""


class RunIncomplete(VibeGuardError):
    """The run ended without a verdict."""

    exit_code = ExitCode.INCOMPLETE


class RunPending(VibeGuardError):
    """The run has not begun yet, and whoever asked waits no longer."""

    exit_code = ExitCode.PENDING


# What a disk fails with: full, broken, read-only by now, or gone with its server.
DISK_TROUBLE: Final = frozenset(
    {
        errno.EIO,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EUCLEAN,
        errno.ESTALE,
        errno.ENOTCONN,
    }
)


def shortage(error: BaseException) -> RunIncomplete | None:
    """What is told of an error that is no defect: the system had no more of something to give."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, MemoryError) or number == errno.ENOMEM:
        return RunIncomplete("no memory is left", "give it more, or run fewer checks at once")
    if number in (errno.EMFILE, errno.ENFILE):
        return RunIncomplete("no file descriptor is left", "raise the limit (ulimit -n)")
    no_thread = isinstance(error, RuntimeError) and str(error) == "can't start new thread"
    if no_thread or number == errno.EAGAIN:
        limits = "raise the limits (ulimit -u, pids.max of the control group)"
        do = f"{limits}, end other processes, or let the sandbox start some"
        return RunIncomplete("no process or thread is left", do)
    if isinstance(error, OverflowError) and "timestamp" in str(error):
        return RunIncomplete("the clock is not in the years 1678 to 2262", "set it right")
    return None
