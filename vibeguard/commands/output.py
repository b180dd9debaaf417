"""Where commands write: human text to stderr, machine formats and asked-for data to stdout."""

import os
import sys

import msgspec

from vibeguard.core.report.encode import encode_document


def write_out(text: str) -> None:
    """Data on stdout, for a person or a pipe. A closed stdout takes nothing, silently."""
    if sys.stdout is not None:
        sys.stdout.write(text)


def write_err(text: str) -> None:
    """What a person should know, on stderr."""
    if sys.stderr is not None:
        sys.stderr.write(text)


def write_document(document: msgspec.Struct) -> None:
    """One JSON document on stdout, harmless to a terminal and to a CI service."""
    write_out(encode_document(document, ci=under_ci()))


def under_ci() -> bool:
    """Whether a CI service reads along."""
    return bool(os.environ.get("CI"))


def wants_colour() -> bool:
    """Whether stderr is a terminal that may be coloured (https://no-color.org)."""
    return sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
