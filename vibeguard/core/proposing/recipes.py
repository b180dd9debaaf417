"""What the name and the text of a project's own recipe (a target, a script, a session) tell."""

import re
from collections.abc import Iterator

from vibeguard.core.proposing.base import Proposal
from vibeguard.core.proposing.known_tools import guard_in, tools_in

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
