"""The tables -> cases, and a case -> what the real command made of it."""

import json
import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from tests.helpers.command import vibeguard

FOLDER = Path(__file__).parent
DEFAULT_ARGV = "run --json"
CONFIG_NAME = "vibeguard.yaml"
OF_ONE_CHECK = ("checks.0.", "violations.0.")
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
        return config_of([{"id": "a"} | self.check])

    @property
    def is_shared(self) -> bool:
        """Whether all that is asked is how one check settles: such checks share a run."""
        default = (self.files, self.env, self.errors, self.stdout, self.stderr, self.output)
        return (
            self.check is not None
            and "id" not in self.check
            and self.argv == DEFAULT_ARGV
            and self.exit in "01"
            and not any(default)
            and not self.never
            and all(path.startswith(OF_ONE_CHECK) for path in self.json)
        )


def config_of(checks: list[dict[str, object]]) -> str:
    """A config with these checks."""
    return yaml.safe_dump({"checks": checks}, sort_keys=False, allow_unicode=True)


@cache
def all_cases() -> list[Case]:
    """Every case of every table. A misspelt key is a TypeError with the case's name."""
    cases = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for row in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CBaseLoader):
            try:
                cases.append(Case(table=path.stem, **row))
            except TypeError as error:
                raise TypeError(f"{path.name}, {row.get('case')}: {error}") from error
    return cases


def run_alone(case: Case) -> subprocess.CompletedProcess[str]:
    """Run the command of the case in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="vibeguard-case-") as name:
        folder = Path(name)
        if case.text is not None:
            (folder / CONFIG_NAME).write_text(case.text, encoding="utf-8", newline="")
        for file, content in case.files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8", newline="")
        return vibeguard(*shlex.split(case.argv), cwd=folder, env=case.env)


@cache
def run_together(table: str) -> dict[str, subprocess.CompletedProcess[str]]:
    """One real run of all checks of a table that can share one: what each alone would have given.

    A check's own exit code is derived: 1 if it is in the way of a pass. (The first of each table
    runs alone, and so do all whose row asks for the run's.)
    """
    cases = [case for case in all_cases() if case.table == table and case.is_shared]
    checks = [{"id": f"case-{n}", **(case.check or {})} for n, case in enumerate(cases)]
    whole = run_alone(Case(table=table, case="together", config=config_of(checks)))
    document = json.loads(whole.stdout)
    parts = {}
    for n, case in enumerate(cases):
        of_one = {
            key: [one | {"id": "a"} for one in document[key] if one["id"] == f"case-{n}"]
            for key in ("checks", "violations")
        }
        stands = any(one["severity"] == "error" for one in of_one["violations"])
        parts[case.case] = subprocess.CompletedProcess(
            whole.args, int(stands), json.dumps(of_one), whole.stderr
        )
    return parts


def problems_of(case: Case, done: subprocess.CompletedProcess[str]) -> list[str]:
    """Every way in which the result is not what the case says."""
    found: list[str] = []

    def expect(what: str, wanted: object, got: object) -> None:
        if wanted != got:
            found.append(f"{what}: expected {wanted!r}, got {got!r}")

    expect("exit", case.exit, str(done.returncode))
    if "Traceback" in done.stderr or "a defect of VibeGuard" in done.stderr:
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
