"""What the user is told when a command ends early, and with which exit code (DESIGN section 8)."""

import contextlib
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

from vibeguard.commands.output import under_ci, wants_colour, write_err, write_out
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import (
    ConfigError,
    LogCorrupt,
    LogWriteError,
    Problem,
    RunIncomplete,
    UsageError,
    VibeGuardError,
)
from vibeguard.core.wording.problems import render_problems

CODES: tuple[tuple[type[VibeGuardError], ExitCode], ...] = (
    (ConfigError, ExitCode.USAGE),
    (UsageError, ExitCode.USAGE),
    (LogCorrupt, ExitCode.CORRUPT),
    (LogWriteError, ExitCode.CORRUPT),
    (RunIncomplete, ExitCode.INCOMPLETE),
)


def make_streams_safe() -> None:
    """UTF-8 on both streams, whatever the locale; what has no encoding is escaped, never fatal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def finish_output(code: int) -> int:
    """Hand over what is still buffered; a reader that has gone changes no exit code."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _silence_stdout()
    return code


def tell(error: BaseException, arguments: list[str], verb: str) -> int:
    """Say what went wrong on stderr, or as a JSON document on stdout; returns the exit code."""
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return ExitCode.INCOMPLETE if verb in ("run", "check", "tail", "report", "wait") else 0
    problems, code = explain(error, verb)
    with contextlib.suppress(BrokenPipeError):
        if wants_json(arguments):
            _print_document(problems, code)
        else:
            _print_text(problems)
    return finish_output(code)


def explain(error: BaseException, verb: str) -> tuple[tuple[Problem, ...], ExitCode]:
    """The problems that an exception stands for, and the exit code that it means."""
    if isinstance(error, ConfigError):
        return error.problems, ExitCode.USAGE
    if isinstance(error, VibeGuardError):
        code = next(code for kind, code in CODES if isinstance(error, kind))
        return (Problem(what=error.what, do=error.do),), code
    if type(error).__module__.startswith("cyclopts"):
        return (_usage_problem(error, verb),), ExitCode.USAGE
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        what = f"Cannot write the output: {os.strerror(error.errno)}"
        return (Problem(what=what, do="make room, or write somewhere else"),), ExitCode.INCOMPLETE
    path = _keep_traceback(error)
    what = f"A defect of VibeGuard itself: {type(error).__name__}: {error}"
    return (Problem(what=what, do=f"please report it, with {path}"),), ExitCode.INCOMPLETE


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a document is asked for, told from words that may not even parse."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    previous = ("", *options)
    return any(
        word in ("--json", "--json=true", "--format=json") or (before, word) == ("--format", "json")
        for before, word in zip(previous, options, strict=False)
    )


def _print_text(problems: Sequence[Problem]) -> None:
    """Every problem on stderr, with its place; one that has no place is signed with our name."""
    for problem in problems:
        text = render_problems([problem], colour=wants_colour(), ci=under_ci())
        write_err(text if problem.file else f"vibeguard: {text}")


def _usage_problem(error: BaseException, verb: str) -> Problem:
    """The parser's own sentence, with the place where the flags are written down."""
    from cyclopts.exceptions import UnusedCliTokensError  # noqa: PLC0415 - it is loaded here

    command = f"vibeguard {verb} --help" if verb and verb != "--" else "vibeguard --help"
    what = str(error).rstrip(".")
    if isinstance(error, UnusedCliTokensError):
        what = f"One word too many: {' '.join(error.unused_tokens or ())}"
    return Problem(what=what, do=f"see {command}")


def _print_document(problems: Sequence[Problem], code: ExitCode) -> None:
    """The same, for a machine."""
    from vibeguard.core.report.errors import problems_document  # noqa: PLC0415 - only on failure

    write_out(problems_document(problems, code))


def _keep_traceback(error: BaseException) -> str:
    """Write the traceback to a file of its own and return the path, else print it on stderr."""
    lines = traceback.format_exception(error)
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="vibeguard-traceback-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.writelines(lines)
    except OSError:
        write_err("".join(lines))
        return "the traceback above"
    return file.name


def _silence_stdout() -> None:
    """Nobody reads stdout any more: what is still buffered must not complain at exit."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.close(descriptor)
