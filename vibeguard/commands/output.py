"""Where commands write: human text to stderr, machine formats and asked-for data to stdout."""

import os
import sys

import msgspec

from vibeguard.core.wording.sanitise import harmless_json


def write_out(text: str) -> None:
    """Data on stdout, for a person or a pipe. A closed stdout takes nothing, silently."""
    if sys.stdout is not None:
        sys.stdout.write(text)


def write_err(text: str) -> None:
    """What a person should know, on stderr."""
    if sys.stderr is not None:
        sys.stderr.write(text)


def write_json(document: object) -> None:
    """One JSON document on stdout, indented, harmless to a terminal and to a CI service."""
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=2)
    write_out(harmless_json(encoded.decode("utf-8"), ci=under_ci()) + "\n")


def under_ci() -> bool:
    """Whether a CI service reads along."""
    return bool(os.environ.get("CI"))


def wants_colour() -> bool:
    """Whether stderr is a terminal that may be coloured (https://no-color.org)."""
    return sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("NO_COLOR")
