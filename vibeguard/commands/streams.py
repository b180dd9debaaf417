"""Where commands write: human text to stderr, machine formats and asked-for data to stdout.

Under a CI service whatever it would take for a command is broken here, where no command can forget
it. A reader that has gone (`| head -1`) takes nothing more, silently: it changes no exit code.
"""

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import msgspec

from vibeguard.core.problems import UsageError
from vibeguard.core.report.safe_json import encode_document
from vibeguard.core.wording import terminal
from vibeguard.core.wording.sanitise import break_commands


def write_out(text: str) -> None:
    """Data on stdout, for a person or a pipe. A closed stdout takes nothing, silently."""
    _write(sys.stdout, 1, _without_commands(text))


def write_exact(text: str) -> None:
    """Text on stdout of which a program needs every byte, and in which nothing is a command."""
    _write(sys.stdout, 1, text)


def write_err(text: str) -> None:
    """What a person should know, on stderr."""
    _write(sys.stderr, 2, _without_commands(text))


def _without_commands(text: str) -> str:
    return break_commands(text) if under_ci() else text


def _write(stream: TextIO | None, descriptor: int, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(text)
    except BrokenPipeError:
        silence(descriptor)


def silence(descriptor: int) -> None:
    """Send a stream that nobody reads to /dev/null, so that flushing it at exit raises nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def write_document(document: msgspec.Struct | Sequence[msgspec.Struct]) -> None:
    """One JSON document on stdout, harmless to a terminal and to a CI service."""
    write_exact(encode_document(document, ci=under_ci()))


def write_answer(document: msgspec.Struct, lines: Iterable[str], *, as_json: bool) -> None:
    """What was asked for, on stdout: the document, or else the lines that say the same."""
    if as_json:
        write_document(document)
    else:
        write_out("".join(f"{line}\n" for line in lines))


def write_news(document: msgspec.Struct, text: str, *, as_json: bool) -> None:
    """What was done: the document on stdout, or else the text that says the same, on stderr."""
    if as_json:
        write_document(document)
    else:
        write_err(text)


@contextmanager
def unwritable_is_told(path: str, do: str) -> Iterator[None]:
    """While a file is written there: that it cannot be is the user's to mend. Raises UsageError."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.EIO)
        raise UsageError(f"cannot write {path}: {reason}", do) from error


def under_ci() -> bool:
    """Whether a CI service reads the output."""
    return terminal.is_ci(os.environ)


def wants_colour() -> bool:
    """Whether stderr is to be coloured (https://no-color.org, https://force-color.org)."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return terminal.wants_colour(os.environ, is_terminal=is_terminal)
