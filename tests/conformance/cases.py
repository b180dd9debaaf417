"""The tables -> cases, and a case -> what the real command made of it."""

import json
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.helpers.command import environment

FOLDER = Path(__file__).parent
DEFAULT_ARGV = "run --json"
CONFIG_NAME = "vibeguard.yaml"
TIMEOUT_S = 60
PLACE = re.compile(r"(?:(\d+:\d+): )?(.*)")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of a table; the README explains every field."""

    table: str
    case: str
    config: str | None = None
    check: dict[str, object] | None = None
    files: dict[str, str] = field(default_factory=dict)
    argv: str = DEFAULT_ARGV
    env: dict[str, str] = field(default_factory=dict)
    exit: str = "0"
    statuses: dict[str, str] | None = None
    status: str | None = None
    extracted: dict[str, dict[str, str]] | None = None
    values: dict[str, str] | None = None
    errors: list[str] | None = None
    stdout: list[str] | None = None
    stderr: list[str] | None = None
    output: str | None = None
    never: list[str] = field(default_factory=list)
    json: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        """The config to write, if there is one."""
        if self.check is None:
            return self.config
        return yaml.safe_dump(
            {"checks": [{"id": "a"} | self.check]}, sort_keys=False, allow_unicode=True
        )


def all_cases() -> list[Case]:
    """Every case of every table. A misspelt key is a TypeError with the case's name."""
    cases = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for row in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader):
            try:
                cases.append(Case(table=path.stem, **row))
            except TypeError as error:
                raise TypeError(f"{path.name}, {row.get('case')}: {error}") from error
    return cases


def run_case(case: Case) -> subprocess.CompletedProcess[str]:
    """Run the command of the case in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="vibeguard-case-") as name:
        folder = Path(name)
        if case.text is not None:
            (folder / CONFIG_NAME).write_text(case.text, encoding="utf-8", newline="")
        for file, content in case.files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="")
        return subprocess.run(
            [sys.executable, "-m", "vibeguard", *shlex.split(case.argv)],
            cwd=folder,
            env=environment(**case.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )


def problems_of(case: Case, done: subprocess.CompletedProcess[str]) -> list[str]:
    """Every way in which the result is not what the case says."""
    found: list[str] = []

    def expect(what: str, wanted: object, got: object) -> None:
        if wanted != got:
            found.append(f"{what}: expected {wanted!r}, got {got!r}")

    expect("exit", case.exit, str(done.returncode))
    if "Traceback" in done.stderr or "A defect of VibeGuard" in done.stderr:
        found.append("a defect instead of an answer")
    _compare_text(case, done, found)
    _compare_errors(case, done, found)
    statuses = {"a": case.status} if case.status is not None else case.statuses
    extracted = {"a": case.values} if case.values is not None else case.extracted
    if statuses is None and extracted is None and not case.json:
        return found
    try:
        document = json.loads(done.stdout)
    except ValueError:
        return [*found, "stdout is not one JSON document"]
    listed = document.get("checks", []) if isinstance(document, dict) else []
    checks = {check["id"]: check for check in listed} if isinstance(listed, list) else {}
    if statuses is not None:
        expect("statuses", statuses, {id_: check["status"] for id_, check in checks.items()})
    for id_, values in (extracted or {}).items():
        expect(f"extracted by {id_}", values or {}, checks.get(id_, {}).get("extracted"))
    for path, wanted in case.json.items():
        expect(path, wanted, _at(document, path))
    return found


def _compare_text(case: Case, done: subprocess.CompletedProcess[str], found: list[str]) -> None:
    for name, parts, text in (
        ("stdout", case.stdout, done.stdout),
        ("stderr", case.stderr, done.stderr),
    ):
        if parts == [] and text:
            found.append(f"{name} is not empty")
        found += [f"{name} lacks {part!r}" for part in parts or () if part not in text]
    if case.output is not None and case.output != done.stdout:
        found.append(f"stdout: expected {case.output!r}")
    found += [f"says {part!r}" for part in case.never if part in done.stdout + done.stderr]


def _compare_errors(case: Case, done: subprocess.CompletedProcess[str], found: list[str]) -> None:
    """One told problem for each entry; a told problem is a line that begins with a place or our name."""
    if case.errors is None:
        return
    heads = (f"{CONFIG_NAME}:", "vibeguard: ")
    told = [line for line in done.stderr.splitlines() if line.startswith(heads)]
    if len(told) != len(case.errors):
        found.append(f"{len(case.errors)} problems expected, {len(told)} told")
    for wanted in case.errors:
        place, rest = PLACE.fullmatch(wanted).groups()
        start = f"{CONFIG_NAME}:{place}: " if place else ""
        if not any(line.startswith(start) and rest in line for line in told):
            found.append(f"no problem told like {wanted!r}")


def _at(document: object, path: str) -> str:
    """The text of what stands at a path of keys and numbers; lists and objects as JSON."""
    here = document
    for step in path.split("."):
        try:
            if isinstance(here, list):
                here = len(here) if step == "length" else here[int(step)]
            else:
                here = here[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return f"nothing at {step}"
    return here if isinstance(here, str) else json.dumps(here, ensure_ascii=False)
