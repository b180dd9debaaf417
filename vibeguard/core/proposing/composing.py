"""Proposals of many files -> the checks of one config, and its text.

Each check once, each with a name of its own, and a comment that says where it comes from.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.proposing.base import AT_REPORTS, REPORTS, Proposal, quoted

MOST_CHECKS = 40
_PLAIN_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")


class Composed(Struct, frozen=True):
    """The checks, and how many more there would have been."""

    checks: tuple[Proposal, ...]
    left_out: int = 0


def compose(found: Iterable[Proposal]) -> Composed:
    """Each tool of a folder once; no recipe whose tools are all there by themselves."""
    unique: dict[tuple[str, str], Proposal] = {}
    for proposal in filter(_writable, found):
        unique.setdefault((proposal.folder, proposal.tool or proposal.run), proposal)
    direct = {proposal.tool for proposal in unique.values() if proposal.tool}
    wanted = [p for p in unique.values() if not p.wraps or not p.wraps <= direct]
    # Quick ones first: that is the order in which a report tells them.
    wanted.sort(key=lambda proposal: "test" in proposal.tags)
    return Composed(tuple(_named(wanted[:MOST_CHECKS])), max(len(wanted) - MOST_CHECKS, 0))


def _writable(proposal: Proposal) -> bool:
    """Whether every text of it can stand in a config: names of files may be anything."""
    texts = (proposal.run, proposal.folder, proposal.source, proposal.fix)
    if proposal.folder and not {"", ".", ".."}.isdisjoint(proposal.folder.split("/")):
        return False
    return not any("{{" in text or _CONTROL.search(text) for text in texts)


def _named(proposals: Iterable[Proposal]) -> list[Proposal]:
    """The same, with ids that differ: by the folder, by the language, by a number."""
    named: dict[str, Proposal] = {}
    for proposal in proposals:
        place = re.sub(r"[^A-Za-z0-9_]+", "-", proposal.folder).strip("-")
        plain = proposal.id if _PLAIN_NAME.fullmatch(proposal.id) else proposal.language
        wishes = [f"{place}-{plain}" if _PLAIN_NAME.fullmatch(place) else plain]
        wishes += [f"{proposal.language}-{wishes[0]}"]
        wishes += [f"{wishes[0]}-{number}" for number in range(2, MOST_CHECKS + 3)]
        name = next(wish for wish in wishes if wish not in named)
        named[name] = replace(proposal, id=name)
    return list(named.values())


_HEAD = """\
# What the files of this project say about how it is checked; each check names its source.
# `vibeguard validate` says whether this file is right, `vibeguard run` runs it.
version: "1"

checks:
"""
# What YAML reads as the text that it looks like.
_PLAIN_TEXT = re.compile(r"[A-Za-z./][\w./=+@-]*(?: [\w./=+@%-][\w./=+@%:-]*)*", re.ASCII)
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
    if _PLAIN_TEXT.fullmatch(text) and text.lower() not in _WORDS and not text.endswith(":"):
        return text
    return quoted(text)
