"""The tools that are known: how each is called to check, and recognised in a recipe."""

import re
from collections.abc import Iterator

from msgspec import Struct

from vibeguard.core.proposing.base import AT_REPORTS, Guard, Proposal


class Tool(Struct, frozen=True):
    """`check` are the words behind the tool's name that make it check and change nothing."""

    id: str
    check: str
    fix: str = ""
    results: str = ""
    tests: bool = False


# Tools of Python, by module name; the words behind "ruff format" are of the same tool.
PYTHON = {
    "ruff": Tool("lint", "check .", fix="check --fix .", results="{matcher: ruff}"),
    "ruff format": Tool("format", "--check .", fix="."),
    "black": Tool("format", "--check .", fix="."),
    "isort": Tool("imports", "--check-only .", fix="."),
    "flake8": Tool("lint", ".", results="{matcher: flake8}"),
    "mypy": Tool("types", ".", results="{matcher: mypy}"),
    "pyright": Tool("types", "", results="{matcher: pyright}"),
    "basedpyright": Tool("types", "", results="{matcher: pyright}"),
    "pytest": Tool(
        "tests",
        f"-q --junitxml={AT_REPORTS}/@ID@.xml",
        results=f"{{junit: {AT_REPORTS}/@ID@.xml}}",
        tests=True,
    ),
}

# What shows that a runner has run something, where its results are not read.
PYTEST = Guard("%{INT:passed} passed", "passed > 0")
UNITTEST = Guard(r"(?m)^Ran (?P<ran>\d+) tests?", "ran > 0")
CARGO = Guard(r"(?P<passed>[1-9]\d*) passed;", "passed > 0")
GO = Guard(r"(?m)^(?P<tested>ok)\s+\S+\s+(?:[\d.]+s|\(cached\))", 'tested == "ok"')
NODE = Guard(r"(?m)^\S+ pass (?P<ran>\d+)$|(?P<ran>\d+) (?:tests? )?pass(?:ed|ing)", "ran > 0")

# The tools that are recognised in a command line, and how each is spelt there if not by its name.
_KNOWN = (
    *("ruff format", "ruff", "black", "isort", "flake8", "mypy", "basedpyright", "pyright"),
    *("pytest", "unittest", "go test", "go vet", "gofmt", "golangci-lint"),
    *("cargo test", "cargo clippy", "cargo fmt", "shellcheck", "node tests"),
)
_SPELT = {
    "ruff": r"\bruff (?!format\b)",
    "pytest": r"\b(?:pytest|py\.test)\b",
    "unittest": r"\bpython3? -m unittest\b",
    "gofmt": r"\b(?:gofmt|go fmt)\b",
    "node tests": r"\b(?:node --test|jest|vitest|mocha|ava|playwright test|react-scripts test)\b",
}
_GUARDS = {
    "pytest": PYTEST,
    "unittest": UNITTEST,
    "go test": GO,
    "cargo test": CARGO,
    "node tests": NODE,
}


def _runs(name: str, text: str) -> bool:
    return re.search(_SPELT.get(name, rf"\b{name}\b"), text) is not None


def tools_in(text: str) -> frozenset[str]:
    """The known tools that a recipe runs."""
    return frozenset(name for name in _KNOWN if _runs(name, text))


def guard_in(text: str) -> Guard | None:
    """What shows that the tests of a recipe have run; None where its runner is not known."""
    return next((guard for name, guard in _GUARDS.items() if _runs(name, text)), None)


def python_check(name: str, runner: str, source: str, folder: str) -> Proposal:
    """The check of a tool of Python; `runner` is what stands before it, as in `uv run `."""
    tool = PYTHON[name]

    def called(words: str) -> str:
        return f"{runner}{name} {words}".rstrip()

    return Proposal(
        id=tool.id,
        run=called(tool.check),
        source=source,
        language="python",
        tool=name,
        folder=folder,
        tags=("test",) if tool.tests else ("fast", "lint"),
        timeout="10m" if tool.tests else "60s",
        fix=called(tool.fix) if tool.fix else "",
        results=tool.results,
        expect="{min: 1}" if tool.tests else "",
    )


_TESTS = re.compile(r"(?:unit)?-?tests?(?:[:_-]\w+)*|spec|check[:_-]tests?")
_QUICK = re.compile(
    r"(?:lint|types?|type-?check|mypy|tsc|flake8|ruff|fmt-check|format[:_-]check|check[:_-]format|"
    r"prettier|style|check|vet|spell(?:ing|check)?|typos)(?:[:_-]\w+)*"
)
_CHANGES = re.compile(
    r"(?:^|[:_-])(?:watch|fix|write|update|dev|debug|ui|snapshots?|clean|install)"
)
_SAFE = re.compile(r"[A-Za-z0-9][\w.:-]*")
# What is content with everything, and the test of a project that `npm init` has made.
_NOTHING = re.compile(r"\s*(?:(?:@?echo\b[^;&|]*|@?true|@?:|exit 0)\s*(?:&&|;|\n|$)\s*)*")
_MENDS = re.compile(r"--(?:fix|write|watch)\b")
_NO_TEST = "no test specified"


def recipe(name: str, text: str, run: str, *, source: str, language: str) -> Iterator[Proposal]:
    """The check that a recipe is, unless it is none, or would be content with nothing.

    `name` is the recipe's, `text` what it runs, `run` the command line that runs it.
    """
    if not _SAFE.fullmatch(name) or _CHANGES.search(name):
        return
    tests = _TESTS.fullmatch(name) is not None
    if not tests and not _QUICK.fullmatch(name):
        return
    if _NOTHING.fullmatch(text) or _NO_TEST in text or _MENDS.search(text):
        return
    yield Proposal(
        id=name.strip(".:").replace(".", "-").replace(":", "-"),
        run=run,
        source=source,
        language=language,
        wraps=tools_in(text),
        tags=("test",) if tests else ("fast", "lint"),
        timeout="10m" if tests else "60s",
        guard=guard_in(text),
    )
