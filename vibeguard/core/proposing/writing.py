"""Checks -> the text of a config, with comments that say where each comes from."""

import re
from collections.abc import Iterator, Mapping

from vibeguard.core.proposing.base import AT_REPORTS, REPORTS, Proposal, quoted
from vibeguard.core.proposing.composing import Composed

_HEAD = """\
# What the files of this project say about how it is checked; each check names its source.
# `vibeguard validate` says whether this file is right, `vibeguard run` runs it.
version: "1"

checks:
"""
# What YAML reads as the text that it looks like.
_PLAIN = re.compile(r"[A-Za-z./][\w./=+@-]*(?: [\w./=+@%-][\w./=+@%:-]*)*", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def config_text(composed: Composed, remarks: Mapping[str, tuple[str, ...]]) -> str:
    """The config; `remarks` are lines about a check, by its id."""
    parts = ["\n".join(_check(check, remarks.get(check.id, ()))) for check in composed.checks]
    if composed.left_out:
        parts.append(f"  # {composed.left_out} more were found, and left out.")
    return _HEAD + "\n\n".join(parts) + "\n"


def _check(check: Proposal, remarks: tuple[str, ...]) -> Iterator[str]:
    """The lines of a check."""
    yield f"  # {check.source}" + (f". {check.note}" if check.note else "")
    for remark in remarks:
        yield f"  # {remark}"
    yield f"  - id: {check.id}"
    up = "../" * (check.folder.count("/") + 1) if check.folder else ""
    yield from _run(check.run.replace("@ID@", check.id).replace(AT_REPORTS, up + REPORTS))
    guard = check.guard
    keys = {
        "cwd": check.folder and _scalar(check.folder),
        "timeout": check.timeout,
        "group": check.group,
        "tags": f"[{', '.join(check.tags)}]",
        "results": check.results.replace("@ID@", check.id).replace(AT_REPORTS, REPORTS),
        "stale": check.stale,
        "expect": check.expect,
        "grok": quoted(guard.grok) if guard else "",
        "assert": _scalar(guard.assertion) if guard else "",
        "fix": check.fix and _scalar(check.fix),
    }
    yield from (f"    {key}: {value}" for key, value in keys.items() if value)


def _run(text: str) -> Iterator[str]:
    if "\n" not in text:
        yield f"    run: {_scalar(text)}"
        return
    yield "    run: |"
    yield from (f"      {line}" for line in text.splitlines())


def _scalar(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text.endswith(":"):
        return text
    return quoted(text)
