"""Where a check's command is of a tool whose results can be read, what to write for that."""

import re
from collections.abc import Iterator

from vibeguard.core.model.config import Config

_PROPOSALS = (
    (re.compile(r"\bpytest\b"), "pytest", "--junitxml=out/{id}.xml", "{{junit: out/{id}.xml}}"),
    (re.compile(r"\bgo test\b"), "go test", "-json", "{{json: go-test}}"),
    (re.compile(r"\bruff check\b"), "ruff", "", "{{matcher: ruff}}"),
    (re.compile(r"\bmypy\b"), "mypy", "", "{{matcher: mypy}}"),
    (re.compile(r"\beslint\b"), "eslint", "", "{{matcher: eslint-stylish}}"),
    (re.compile(r"\btsc\b"), "tsc", "", "{{matcher: tsc}}"),
    (re.compile(r"\bcargo (?:build|check|clippy)\b"), "cargo", "", "{{matcher: cargo}}"),
    (re.compile(r"\bshellcheck\b"), "shellcheck", "", "{{matcher: shellcheck}}"),
    (re.compile(r"\bflake8\b"), "flake8", "", "{{matcher: flake8}}"),
)


def propose_results(config: Config) -> Iterator[str]:
    """A sentence for each check whose single results could be read and are not."""
    for check in config.checks:
        if check.results:
            continue
        for pattern, tool, flag, source in _PROPOSALS:
            if pattern.search(check.run):
                added = f"{flag.format(id=check.id)} and " if flag else ""
                what = f"{added}results: {source.format(id=check.id)}"
                yield f"{check.id} runs {tool}: {what} tells each result"
                break
