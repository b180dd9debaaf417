"""The commands of GitHub's workflows that call a known tool."""

import re
from collections.abc import Iterator

from vibeguard.core.proposing.base import Project, Proposal
from vibeguard.core.proposing.detectors.documents import read_yaml, tables
from vibeguard.core.proposing.known_tools import PYTHON, guard_in, tools_in

_RUNNER = r"(?:(?:uv|poetry|pdm|pipenv) run |python3? -m |npx |bunx )?"
_COMMAND = re.compile(
    rf"{_RUNNER}(?:ruff|black|isort|flake8|mypy|pyright|basedpyright|pytest|unittest|"
    r"go (?:test|vet)|golangci-lint|cargo (?:test|clippy|fmt)|shellcheck|yamllint|codespell|typos|"
    r"eslint|prettier|markdownlint(?:-cli2)?|actionlint|hadolint|"
    r"deno (?:test|lint|check|fmt --check)|phpunit|rspec|rubocop|"
    r"mvn (?:-\S+ )*(?:test|verify)|(?:\./)?gradlew? (?:-\S+ )*(?:test|check)|dotnet test|mix test|"
    r"swift test|ctest)\b.*"
)
# What a shell would read as more than words, and what only CI can put in.
_MORE = re.compile(r"[$|&;<>`\\(){}\x00-\x1f]|--fix\b|--write\b")
_TESTS = re.compile(r"test|verify|rspec|phpunit")
_MATCHERS = {"eslint": "{matcher: eslint-stylish}", "shellcheck": "{matcher: shellcheck}"}


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """Simple command lines as CI runs them, in the folder in which it does."""
    document = read_yaml(project.texts.get(path, ""))
    for job in tables(document, "jobs"):
        for step in tables(job, "steps"):
            folder = str(step.get("working-directory") or "").removeprefix("./").rstrip("/")
            if folder and not project.any_below(folder, ""):
                continue
            for line in str(step.get("run") or "").splitlines():
                command = line.strip()
                if _COMMAND.fullmatch(command) and not _MORE.search(command):
                    yield _check(command, path, folder)


def _check(command: str, path: str, folder: str) -> Proposal:
    known = sorted(tools_in(command))
    tool = known[0] if known else ""
    words = re.sub(rf"^{_RUNNER}", "", command).split()
    tests = bool(_TESTS.search(" ".join(words[:3])))
    return Proposal(
        id=PYTHON[tool].id if tool in PYTHON else re.sub(r"[^\w-]+", "-", words[0]).strip("-"),
        run=command,
        source=path,
        language="ci",
        tool=tool or words[0],
        folder=folder,
        tags=("test",) if tests else ("fast", "lint"),
        timeout="10m" if tests else "60s",
        results=PYTHON[tool].results
        if tool in PYTHON and not tests
        else _MATCHERS.get(words[0], ""),
        guard=guard_in(command),
    )
