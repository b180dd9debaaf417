"""The tools that are known: how each is called to check, and recognised in a recipe."""

import re

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

# How a tool is recognised in a command line; the guard is for those that run tests.
_KNOWN: tuple[tuple[str, re.Pattern[str], Guard | None], ...] = (
    ("ruff format", re.compile(r"\bruff format\b"), None),
    ("ruff", re.compile(r"\bruff (?!format\b)"), None),
    ("black", re.compile(r"\bblack\b"), None),
    ("isort", re.compile(r"\bisort\b"), None),
    ("flake8", re.compile(r"\bflake8\b"), None),
    ("mypy", re.compile(r"\bmypy\b"), None),
    ("basedpyright", re.compile(r"\bbasedpyright\b"), None),
    ("pyright", re.compile(r"\bpyright\b"), None),
    ("pytest", re.compile(r"\b(?:pytest|py\.test)\b"), PYTEST),
    ("unittest", re.compile(r"\bpython3? -m unittest\b"), UNITTEST),
    ("go test", re.compile(r"\bgo test\b"), GO),
    ("go vet", re.compile(r"\bgo vet\b"), None),
    ("gofmt", re.compile(r"\b(?:gofmt|go fmt)\b"), None),
    ("golangci-lint", re.compile(r"\bgolangci-lint\b"), None),
    ("cargo test", re.compile(r"\bcargo test\b"), CARGO),
    ("cargo clippy", re.compile(r"\bcargo clippy\b"), None),
    ("cargo fmt", re.compile(r"\bcargo fmt\b"), None),
    ("shellcheck", re.compile(r"\bshellcheck\b"), None),
    (
        "node tests",
        re.compile(r"\b(?:node --test|jest|vitest|mocha|ava|playwright test|react-scripts test)\b"),
        NODE,
    ),
)


def tools_in(text: str) -> frozenset[str]:
    """The known tools that a recipe runs."""
    return frozenset(name for name, pattern, _ in _KNOWN if pattern.search(text))


def guard_in(text: str) -> Guard | None:
    """What shows that the tests of a recipe have run; None where its runner is not known."""
    return next((guard for _, pattern, guard in _KNOWN if guard and pattern.search(text)), None)


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
