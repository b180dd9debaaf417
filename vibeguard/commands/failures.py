"""What the user is told when a command ends early, and with which exit code (DESIGN section 8)."""

import contextlib
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from vibeguard.commands.streams import (
    silence,
    wants_colour,
    write_document,
    write_err,
)
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import Problem, VibeGuardError, shortage
from vibeguard.core.wording.problems import render_problems
from vibeguard.version import __version__

if TYPE_CHECKING:
    from cyclopts.exceptions import UnknownCommandError

STARTS = ("run", "check")


def finish_output(code: int) -> int:
    """Flush stdout; that its reader has gone does not change the exit code."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            silence(1)
    return code


def tell(error: BaseException, arguments: list[str], verb: str) -> int:
    """Say what went wrong on stderr, or as a JSON document on stdout; returns the exit code."""
    # The help screens of rich end with SystemExit when their reader has gone.
    if isinstance(error, BrokenPipeError | SystemExit):
        silence(1)
        return ExitCode.INCOMPLETE if verb in ("run", "check", "tail", "report", "wait") else 0
    problems, code = explain(error, verb)
    if verb in STARTS:
        _leave_mark(problems, arguments)
    try:
        if wants_json(arguments):
            _print_document(problems, code)
        else:
            _print_text(problems)
        finish_output(code)
    except OSError:  # the channel itself is what fails: the other one is all that is left
        silence(1)
        if wants_json(arguments):
            with contextlib.suppress(OSError):
                _print_text(problems)
    return code


def explain(error: BaseException, verb: str) -> tuple[tuple[Problem, ...], ExitCode]:
    """The problems that an exception stands for, and the exit code that it means."""
    if isinstance(error, FileNotFoundError) and error.filename is None:
        from vibeguard.commands.caller_folders import gone  # noqa: PLC0415 - seldom needed

        error = gone()  # nothing but the working folder is looked up without a name
    root = error.__cause__ or error  # the parser wraps what a command's module raises
    known = error if isinstance(error, VibeGuardError) else shortage(root)
    if known is not None:
        return known.problems, known.exit_code
    if type(error).__module__.startswith("cyclopts"):
        return (_usage_problem(error, verb),), ExitCode.USAGE
    from vibeguard.system.unexpected import REFUSALS, told_of  # noqa: PLC0415 - seldom needed

    number = error.errno if isinstance(error, OSError) and error.filename is None else None
    if number is not None and number not in REFUSALS:
        what = f"cannot write the output: {os.strerror(number)}"
        return (Problem(what=what, do="make room, or write somewhere else"),), ExitCode.INCOMPLETE
    return told_of(root, show=write_err).problems, ExitCode.INCOMPLETE


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a document is asked for, told from words that may not even parse."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    previous = ("", *options)
    return any(
        word in ("--json", "--json=true", "--format=json") or (before, word) == ("--format", "json")
        for before, word in zip(previous, options, strict=False)
    )


def _leave_mark(problems: Sequence[Problem], arguments: Sequence[str]) -> None:
    """Whatever ends a start before there is a run: no older pass is the answer (DESIGN section 2).

    Its words may not even parse: the state folder is the one that `report` would read now.
    """
    from vibeguard.system.clock import monotonic_s, wall_ns  # noqa: PLC0415 - only on failure
    from vibeguard.system.discovery.whereabouts import find_state_dir  # noqa: PLC0415
    from vibeguard.system.front import early  # noqa: PLC0415
    from vibeguard.system.vouching.refusing import leave_mark  # noqa: PLC0415

    supervisor = early.prepared.get()
    now_ns = wall_ns()
    lasted_ns = int((monotonic_s() - supervisor.began_s) * 1e9) if supervisor else 0
    with contextlib.suppress(OSError):  # the working folder is gone, or nobody tells which it is
        state_dir = find_state_dir(_value_of("--state-dir", arguments), os.environ, os.getcwd())
        leave_mark(state_dir, problems, now_ns, launched_ns=now_ns - lasted_ns)


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    """What is said last with this option, if it is said."""
    words = [word for each in arguments for word in each.split("=", 1)]
    said = [value for name, value in pairwise(words) if name == option]
    return said[-1] if said else None


def _print_text(problems: Sequence[Problem]) -> None:
    """Every problem on stderr, with its place; one that has no place is signed with our name."""
    for problem in problems:
        text = render_problems([problem], colour=wants_colour())
        write_err(text if problem.file else f"vibeguard: {text}")


def _usage_problem(error: BaseException, verb: str) -> Problem:
    """The parser's own sentence, with the place where the flags are written down."""
    from cyclopts.exceptions import (  # noqa: PLC0415 - cyclopts is loaded here, not before
        UnknownCommandError,
        UnknownOptionError,
        UnusedCliTokensError,
    )

    from vibeguard.commands.table import COMMANDS  # noqa: PLC0415 - only on failure
    from vibeguard.core.wording.suggest import nearest  # noqa: PLC0415

    match error:
        case UnusedCliTokensError():
            what = f"one word too many: {' '.join(error.unused_tokens or ())}"
        case UnknownOptionError():
            own = [name for argument in error.argument_collection for name in argument.names]
            what = _unknown_option("", error.token.keyword or error.token.value, own)
        case UnknownCommandError() if (word := _first_word(error)).startswith("-"):
            what = _unknown_option(" before the command", word, ())
        case UnknownCommandError():
            word = _first_word(error) or verb
            # The parser's own suggestion would import every command to list it.
            meant = nearest(word, (*COMMANDS, "check"))
            what = f'Unknown command "{word}"' + (f'. Did you mean "{meant}"?' if meant else "")
        case _:
            what = str(error).rstrip(".")
    of = f" {verb}" if verb in COMMANDS else ""
    return Problem(what=what, do=f"see vibeguard{of} --help")


def _first_word(error: "UnknownCommandError") -> str:
    """What the parser took for the command; a bare `--` is no option."""
    word = next(iter(error.unused_tokens or ()), "")
    return "" if word == "--" else word


def _unknown_option(place: str, word: str, own: Sequence[str]) -> str:
    """With a suggestion out of the global options and a command's own; of a short one, none.

    The parser suggests the command's own flags only, and before the command only global ones stand.
    """
    from vibeguard.commands.options import GlobalOptions  # noqa: PLC0415
    from vibeguard.core.wording.suggest import nearest  # noqa: PLC0415

    word = word.partition("=")[0]
    names = [f"--{name.replace('_', '-')}" for name in GlobalOptions.__struct_fields__]
    meant = nearest(word, (*names, *own)) if word.startswith("--") else ""
    return f"Unknown option{place}: {word}" + (f". Did you mean {meant}?" if meant else "")


def _print_document(problems: Sequence[Problem], code: ExitCode) -> None:
    """The problems as a JSON document on stdout."""
    from vibeguard.core.report.build import problems_document  # noqa: PLC0415 - only on failure

    write_document(problems_document(problems, code, tool_version=__version__))
