"""`init --try`: each proposed check run once, alone, by the command that will run it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from vibeguard.commands.init.project_files import files_of
from vibeguard.commands.streams import unwritable_is_told, write_err
from vibeguard.core.model.report import CheckReport, Report, Violation
from vibeguard.core.names import NOT_FOUND
from vibeguard.core.problems import UNDECODABLE, RunIncomplete
from vibeguard.core.proposing.base import parent
from vibeguard.core.report.brief import first_place
from vibeguard.core.wording.layout import first_line, shorten
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import duration, some
from vibeguard.system.discovery.project import stamps

# How a tool that is not here is missed: by Python, by a shell, by make.
_MISSED = (
    re.compile(r"No module named '?([\w.]+)"),
    re.compile(r"([\w./@+-]+): (?:command )?not found"),
    re.compile(r"^make(?:\[\d+\])?: ([\w./@+-]+): No such file or directory", re.MULTILINE),
)
# What a shell or make says of a command that is not there, and then goes on as if it had run.
_IN_PASSING = re.compile(
    rb"^(?:[\w/.-]*sh: (?:line )?(?:\d+: )?|make(?:\[\d+\])?: )([\w./@+-]+): "
    rb"(?:(?:command )?not found|No such file or directory)$",
    re.MULTILINE,
)
_MOST_BYTES = 1 << 20


def missing_tool(text: str) -> str:
    """What a failed check did not find, as a sentence, from its output; empty if it says none."""
    found = next((one for pattern in _MISSED if (one := pattern.search(text))), None)
    return f"{found[1]} is not installed here" if found else ""


def passed_without(log_file: str | None) -> str:
    """The command that a check did not find although it passed; empty if none."""
    try:
        with open(log_file or os.devnull, "rb") as file:
            found = _IN_PASSING.search(file.read(_MOST_BYTES))
    except OSError:
        return ""
    return found[1].decode() if found else ""


_MOST_COLUMNS = 120


class Tried(Struct, frozen=True):
    """What came of a check: `outcome` is passed, failed, missing, or what a report calls it.

    `left` are files that were not there before, `changed` those that were.
    """

    id: str
    outcome: str
    message: str
    duration_ms: int
    left: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def remarks(self) -> Iterator[str]:
        """The same as lines for people, harmless wherever they stand."""
        why = f": {shorten(sanitise(self.message), _MOST_COLUMNS)}" if self.message else ""
        yield f"Tried: {self.outcome} in {duration(self.duration_ms * 1_000_000)}{why}"
        for what, names in (("leaves behind", self.left), ("changes", self.changed)):
            if names:
                yield f"It {what} {some([sanitise(name) for name in names])}"


def try_all(
    config: str, names: tuple[str, ...], *, gitignore: bool, tell: bool
) -> tuple[list[Tried], list[str]]:
    """Try each check of a config that has been written; with `tell`, say on stderr what came of it.

    The second value are the lines that .gitignore got. Raises RunIncomplete, UsageError.
    """
    tried = []
    for name in names:
        tried.append(try_check(config, name))
        if tell:
            first, *rest = tried[-1].remarks()
            write_err(f"  {name}: {first.removeprefix('Tried: ')}\n")
            write_err("".join(f"    {line}\n" for line in rest))
    lines = to_ignore(tried, files_of(os.curdir))
    if gitignore:
        lines = _ignore(lines)
    if tell and lines:
        what = "added to .gitignore" if gitignore else "for .gitignore (--gitignore adds them)"
        write_err(f"{what}: {' '.join(map(sanitise, lines))}\n")
    return tried, lines if gitignore else []


def _ignore(lines: list[str]) -> list[str]:
    """Add the lines that .gitignore does not have yet; returns these. Raises UsageError."""
    path = Path(".gitignore")
    with unwritable_is_told(".gitignore", "add the lines yourself"):
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        new = [line for line in lines if line not in text.splitlines()]
        if new:
            gap = "" if text.endswith("\n") or not text else "\n"
            added = gap + "".join(f"{line}\n" for line in new)
            with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(added)
    return new


def try_check(config: str, name: str) -> Tried:
    """Run a check of this config once. Raises RunIncomplete where there is no answer."""
    before = stamps(os.curdir, files_of(os.curdir))
    command = [sys.executable, "-I", "-m", "vibeguard", "-c", config]
    argv = [*command, "run", "--no-deps", "--json", "--", name]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    try:
        document = msgspec.json.decode(done.stdout, type=Report)
        check = document.checks[0]
    except (*UNDECODABLE, IndexError) as error:
        raise RunIncomplete(f"{name} could not be tried: run ended with {done.returncode}") from (
            error
        )
    after = stamps(os.curdir, files_of(os.curdir))
    outcome, message = _ended(check, document.violations)
    return Tried(
        id=name,
        outcome=outcome,
        message=message,
        duration_ms=check.duration_ms,
        left=tuple(sorted(path for path in after if path not in before)),
        changed=tuple(sorted(path for path in before if before[path] != after.get(path))),
    )


def _ended(check: CheckReport, violations: tuple[Violation, ...]) -> tuple[str, str]:
    """How it ended, and why."""
    if not violations:
        missed = passed_without(check.log_file)
        why = f"{missed} is not installed here, and the check passes all the same"
        return ("missing", why) if missed else (check.status, "")
    violation = violations[0]
    lines = list(violation.excerpt.lines) if violation.excerpt else []
    missed = missing_tool("\n".join(lines))
    if missed:
        return "missing", missed
    if check.exit_code == NOT_FOUND:
        return "missing", first_line(lines[-1]) if lines else "a command is not installed"
    best = first_place(lines)
    said = _found(check) or ("" if best is None else first_line(lines[best]))
    return check.status, f"{violation.message}: {said}" if said else violation.message


def _found(check: CheckReport) -> str:
    """The first thing that a report of it calls wrong, with its place; empty if there is none."""
    worst = next(iter(check.results.results if check.results else ()), None)
    if worst is None or not (worst.outcome in ("failed", "error") or worst.severity == "error"):
        return ""
    place = f"{worst.file}:{worst.line}" if worst.file else worst.name
    return ": ".join(filter(None, (place, first_line(worst.message))))


def to_ignore(tried: list[Tried], present: frozenset[str]) -> list[str]:
    """Lines for .gitignore: what was left behind, as folders where nothing else lies in them."""
    left = {path for each in tried for path in each.left}
    others = {folder for path in present - left for folder in _folders(path)}
    found = set()
    for path in left:
        free = next((folder for folder in _folders(path) if folder not in others), "")
        found.add(_pattern(f"{free}/" if free else path))
    return sorted(found)


def _folders(path: str) -> list[str]:
    """The folders above a path, the outermost first."""
    folders: list[str] = []
    while path := parent(path):
        folders.insert(0, path)
    return folders


def _pattern(path: str) -> str:
    """A path as a line of .gitignore, anchored; what has a meaning there loses it."""
    return "/" + re.sub(r"([\\*?\[ ])", r"\\\1", path)
