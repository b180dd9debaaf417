"""Where a check's command is of a tool whose results can be read, what to write for that."""

import re
from collections.abc import Iterator

from vibeguard.core.model.config import Config

# A tool, how a command calls it, the flag that it needs, and what to write.
_PROPOSALS = (
    ("pytest", ("pytest",), "--junitxml=out/{id}.xml", "{{junit: out/{id}.xml}}"),
    ("go test", ("go test",), "-json", "{{json: go-test}}"),
    ("ruff", ("ruff check",), "", "{{matcher: ruff}}"),
    ("mypy", ("mypy",), "", "{{matcher: mypy}}"),
    ("eslint", ("eslint",), "", "{{matcher: eslint-stylish}}"),
    ("tsc", ("tsc",), "", "{{matcher: tsc}}"),
    ("cargo", ("cargo build", "cargo check", "cargo clippy"), "", "{{matcher: cargo}}"),
    ("shellcheck", ("shellcheck",), "", "{{matcher: shellcheck}}"),
    ("pyright", ("pyright", "basedpyright"), "", "{{matcher: pyright}}"),
    ("pylint", ("pylint",), "", "{{matcher: pylint}}"),
    ("flake8", ("flake8",), "", "{{matcher: flake8}}"),
)


def propose_results(config: Config) -> Iterator[str]:
    """A sentence for each check whose single results could be read and are not."""
    every = [call for _, calls, _, _ in _PROPOSALS for call in calls]
    for check in config.checks:
        if check.results or not any(call in check.run for call in every):
            continue
        for tool, calls, flag, source in _PROPOSALS:
            if any(_calls(check.run, call) for call in calls):
                added = f"{flag.format(id=check.id)} and " if flag else ""
                what = f"{added}results: {source.format(id=check.id)}"
                yield f"{check.id} runs {tool}: {what} tells each result"
                break


def _calls(command: str, call: str) -> bool:
    """Whether the words stand in a command; looking for the text first costs next to nothing."""
    return call in command and re.search(rf"\b{call}\b", command) is not None
