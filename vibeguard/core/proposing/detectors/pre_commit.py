"""The hooks of .pre-commit-config.yaml, which run in environments of their own."""

from collections.abc import Iterator

from vibeguard.core.proposing.base import Guard, Project, Proposal
from vibeguard.core.proposing.detectors.documents import read_yaml, tables

_TOOLS = {"ruff-check": "ruff", "ruff-format": "ruff format", "golangci-lint-full": "golangci-lint"}


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """All of them as one check; it adds nothing where every tool is proposed by itself."""
    document = read_yaml(project.texts.get(path, ""))
    hooks = [
        str(hook.get("id", ""))
        for repository in tables(document, "repos")
        for hook in tables(repository, "hooks")
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
