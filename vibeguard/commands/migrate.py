"""`vibeguard migrate`."""

import os
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.commands.caller_folders import shown_path
from vibeguard.commands.loading import locate
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.commands.streams import (
    unwritable_is_told,
    wants_colour,
    write_document,
    write_err,
    write_out,
)
from vibeguard.core.config.migrate import Migration
from vibeguard.core.config.migrate import migrate as compare
from vibeguard.core.config.mistakes import MOST_SHOWN
from vibeguard.core.model.report import ErrorReport
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import Problem, UsageError
from vibeguard.core.wording.problems import render_problems
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural
from vibeguard.system.discovery.whereabouts import read_config
from vibeguard.system.rundir.files import replace_file

# What holds for every config, and so has no line.
EVERYWHERE = (
    "A selected check brings what it requires along (--no-deps undoes it).",
    "A tag that no check has is an error; it used to run nothing and pass.",
    "Exit codes are 0 to 5, 129, 130 and 143; anything but 0 is no pass.",
    "--json prints one document on stdout, and nothing else there.",
    "A timeout ends the whole process tree of a check, at the timeout.",
)
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MARK = b"\xef\xbb\xbf"

Kind = Literal["refused", "mended", "different"]


class MigrateOptions(Options, frozen=True, kw_only=True):
    """`migrate`: look, or mend too."""

    write: Annotated[
        bool,
        Parameter(help="Mend the file where that changes no meaning."),
    ] = False


class Finding(Struct, frozen=True):
    """One difference as `migrate --json` tells it."""

    kind: Kind
    file: str
    line: int
    column: int
    message: str
    hint: str


class MigrationReport(Struct, frozen=True):
    """`migrate --json`. `errors` are the refused ones again, as in every document."""

    config_path: str
    findings: tuple[Finding, ...]
    everywhere: tuple[str, ...]
    written: bool
    exit_code: int
    errors: tuple[ErrorReport, ...]


def migrate(*, common: GlobalOptions, options: MigrateOptions) -> int:
    """Say, line by line, what a config of the original does differently here, and why.

    Exit 2 while something keeps the config from loading, else 0.
    """
    located = locate(common)
    data = read_config(located.path)
    path = shown_path(located.path)
    found = compare(data, path)
    written = options.write and bool(found.mended)
    if written:
        data = _encoded(data, found.text)
        # The rest is told where it will stand. Nothing is written that cannot be read.
        found = replace(compare(data, path), mended=found.mended)
        _replace(located.path, data)
    left = found.refused if written or not found.mended else (*found.mended, *found.refused)
    code = ExitCode.USAGE if left else 0
    if common.json:
        write_document(_report(found, path, written=written, code=code))
    else:
        _print(found, path, written=written)
    return code


def _print(found: Migration, path: str, *, written: bool) -> None:
    """The three kinds, each under its heading, on stdout; the sum on stderr."""
    mended = "Mended" if written else "Refused here, and mended by --write"
    _section("Refused here", found.refused)
    _section(mended, found.mended)
    _section("Different here", found.different)
    write_out("For every config\n" + "".join(f"- {sentence}\n" for sentence in EVERYWHERE))
    parts = [
        plural(len(found.refused), "mistake"),
        f"{len(found.mended)} mended" if written else f"{len(found.mended)} to mend",
        plural(len(found.different), "difference"),
    ]
    write_err(f"vibeguard: {sanitise(path)}: {', '.join(parts)}.\n")


def _section(heading: str, problems: Sequence[Problem]) -> None:
    if problems:
        text = render_problems(_first(problems), colour=wants_colour())
        write_out(f"{heading}\n{text}\n")


def _first(problems: Sequence[Problem]) -> list[Problem]:
    """As many as somebody reads, and how many more there are."""
    shown = list(problems[:MOST_SHOWN])
    more = len(problems) - len(shown)
    if more:
        shown.append(Problem(f"and {more} more of these", "", problems[0].file))
    return shown


def _report(found: Migration, path: str, *, written: bool, code: int) -> MigrationReport:
    kinds: tuple[Kind, ...] = ("refused", "mended", "different")
    findings = tuple(
        Finding(kind, problem.file, problem.line, problem.column, problem.what, problem.do)
        for kind in kinds
        for problem in _first(getattr(found, kind))
    )
    errors = tuple(
        ErrorReport(each.file, each.line, each.column, each.message, each.hint)
        for each in findings
        if each.kind == "refused" or (each.kind == "mended" and not written)
    )
    return MigrationReport(path, findings, EVERYWHERE, written, code, errors)


def _encoded(data: bytes, text: str) -> bytes:
    """The mended text as bytes, with the mark that the file had. Raises UsageError for UTF-16."""
    if data.startswith(UTF16_MARKS):
        raise UsageError("the config is UTF-16, which --write leaves alone", "save it as UTF-8")
    return (MARK if data.startswith(MARK) else b"") + text.encode()


def _replace(path: str, data: bytes) -> None:
    """Put the new content there in one step, with the old mode. Raises UsageError."""
    path = os.path.realpath(path)
    with unwritable_is_told(path, "make it writable"):
        replace_file(path, data, mode=os.stat(path).st_mode & 0o7777)
