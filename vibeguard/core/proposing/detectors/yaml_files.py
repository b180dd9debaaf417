"""What YAML of other programs says: the hooks of pre-commit, and the workflows of GitHub."""

import re
from collections.abc import Iterator

from vibeguard.core.proposing.base import Guard, Project, Proposal
from vibeguard.core.proposing.known_tools import PYTHON, guard_in, tools_in

_TOOLS = {"ruff-check": "ruff", "ruff-format": "ruff format", "golangci-lint-full": "golangci-lint"}
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


def detect_hooks(project: Project, path: str) -> Iterator[Proposal]:
    """All of them as one check; it adds nothing where every tool is proposed by itself."""
    document = _read_yaml(project.texts.get(path, ""))
    hooks = [
        str(hook.get("id", ""))
        for repository in _tables(document, "repos")
        for hook in _tables(repository, "hooks")
    ]
    if not hooks:
        return
    yield Proposal(
        id="pre-commit",
        run="pre-commit run --all-files --show-diff-on-failure",
        source=path,
        language="hooks",
        wraps=frozenset(_TOOLS.get(hook, hook) for hook in hooks),
        tags=("lint",),
        timeout="5m",
        # It is content with hooks that found no file.
        guard=Guard(r"(?m)\.(?P<ran>Passed)$", 'ran == "Passed"'),
        note="Some hooks mend as they check: such a change fails this check.",
    )


def detect_commands(project: Project, path: str) -> Iterator[Proposal]:
    """Simple command lines as CI runs them, in the folder in which it does."""
    document = _read_yaml(project.texts.get(path, ""))
    for job in _tables(document, "jobs"):
        for step in _tables(job, "steps"):
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


def _read_yaml(text: str) -> object:
    """The document; None where it is not YAML."""
    import yaml  # noqa: PLC0415 - rare

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _tables(document: object, key: str) -> Iterator[dict[object, object]]:
    """The mappings in the list (or mapping) that stands at a key."""
    found = document.get(key) if isinstance(document, dict) else None
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list):
        yield from (each for each in found if isinstance(each, dict))
