"""Proposals of many files -> the checks of one config: each once, each with a name of its own."""

import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.proposing.base import Proposal

MOST_CHECKS = 40
_PLAIN = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
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
        plain = proposal.id if _PLAIN.fullmatch(proposal.id) else proposal.language
        wishes = [f"{place}-{plain}" if _PLAIN.fullmatch(place) else plain]
        wishes += [f"{proposal.language}-{wishes[0]}"]
        wishes += [f"{wishes[0]}-{number}" for number in range(2, MOST_CHECKS + 3)]
        name = next(wish for wish in wishes if wish not in named)
        named[name] = replace(proposal, id=name)
    return list(named.values())
