"""What a config written for the original VibeGuard does differently here, line by line.

A config that loads here means the same as there except for what DESIGN section 9 names; a config
that does not load was accepted there for the wrong reasons. What can be mended without a change of
meaning (a key that was ignored stays ignored: `x-` before it) is mended in the text, so that
comments and layout stay.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.config.differences import differences, mappings_of
from vibeguard.core.config.document import NOT_KNOWN, SECOND_DOCUMENT, read_document
from vibeguard.core.config.meaning import Meaning
from vibeguard.core.config.nodes import Mapping, Text
from vibeguard.core.config.shape import read_shape
from vibeguard.core.config.source import Source, read_source
from vibeguard.core.config.value_reader import Reader, key_meant
from vibeguard.core.lang.errors import quoted
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Prompt, Requirement, Triggers
from vibeguard.core.model.keys import keys_of
from vibeguard.core.model.settings import Settings
from vibeguard.core.problems import Problem

_LONGEST_KEY = 500  # characters: YAML's limit for a key in its line is 1,024, escapes included
_MOST_UNKNOWN = 10_000  # finding out what a key was meant to be takes time
_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*[ \t]+\Z")  # an anchor or a tag before a key
_LONGEST_PROPERTY = 1000


class Migration(Struct, frozen=True):
    """What was found, each with its place in the file as it is; `text` is the config after mending.

    `refused` keeps the config from loading here, `mended` was put right in `text`, `different`
    loads and behaves otherwise than before.
    """

    refused: tuple[Problem, ...]
    mended: tuple[Problem, ...]
    different: tuple[Problem, ...]
    text: str


def migrate(data: bytes, file: str) -> Migration:
    """Compare a config with what the original made of it. Raises ConfigError if it is not YAML.

    Unlike loading, this goes on behind what is refused, which reads as if it were absent: one
    mistake hides neither a difference nor another mistake.
    """
    source = read_source(data, file)
    document = read_document(source)
    root = document.root
    mended = _in_order(_rename_ignored(root, source)) if type(root) is Mapping else []
    findings = document.findings
    draft = read_shape(document, Reader(document))
    different: list[Problem] = []
    if draft is not None and type(root) is Mapping:
        config = Meaning(draft, findings).config()
        different += differences(config, root, source)
        different.sort(key=lambda problem: (problem.line, problem.column))
    refused = map(_as_it_was, findings.problems())
    return Migration(tuple(refused), tuple(mended), tuple(different), _prefixed(source, mended))


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By place, and each once: what aliases repeat is one difference."""
    unique = {(p.line, p.column, p.what): p for p in problems}
    return [unique[key] for key in sorted(unique)]


def _as_it_was(problem: Problem) -> Problem:
    """A problem of YAML, with what the original did where it said nothing."""
    if problem.what == SECOND_DOCUMENT:
        what = f"{SECOND_DOCUMENT}: it was never read, and is refused"
        return replace(problem, what=what, do="remove it, or move it to a file of its own")
    tag, not_known, _ = problem.what.partition(NOT_KNOWN)
    if not not_known:
        return problem
    if tag.endswith('"!!binary"'):
        what = f"{tag} had this value decoded, and is refused"
        return replace(problem, what=what, do="write the decoded text instead")
    return replace(problem, what=f"{tag} was ignored, and is refused")


def _rename_ignored(root: Mapping, source: Source) -> Iterator[Problem]:
    """Put `x-` before the keys of the tree that the original ignored, and tell each.

    A misspelling of a key that is missing is left: what was meant is the user's to say.
    """
    mappings = list(_mappings(root))
    left = set(_places_to_leave(mappings, root))
    for mapping, _, owner in mappings:
        for name, key in tuple(mapping.keys.items()):
            place = (key.line, key.column)
            if name.startswith("x-") or place in left or not _takes_prefix(key, source):
                continue
            mapping.keys[f"x-{name}"] = mapping.keys.pop(name)
            mapping.values[f"x-{name}"] = mapping.values.pop(name)
            what = f"unknown key {quoted(name)} in {owner}, which was ignored, is an error"
            yield source.problem(what, f"call it x-{name}", *place)


_Known = tuple[Mapping, Collection[str], str]


def _mappings(root: Mapping) -> Iterator[_Known]:
    """The mappings whose keys are checked, the keys that they may have, and their names."""
    yield root, keys_of(Config), "a config"
    if type(settings := root.values.get("settings")) is Mapping:
        yield settings, keys_of(Settings), '"settings"'
    for prompt in mappings_of(root, "prompts"):
        yield prompt, keys_of(Prompt), "a prompt"
    for check in mappings_of(root, "checks"):
        yield check, keys_of(CheckConfig), "a check"
        if type(events := check.values.get("on")) is Mapping:
            yield events, Triggers.__struct_fields__, '"on"'
        for requirement in mappings_of(check, "requires"):
            yield requirement, keys_of(Requirement), "a requirement"


def _places_to_leave(mappings: list[_Known], root: Mapping) -> Iterator[tuple[int, int]]:
    """Where a key stands that something reads: merged, it may be ignored in one place only."""
    looked_at = 0
    for mapping, known, _ in mappings:
        for name, key in mapping.keys.items():
            looked_at += name not in known
            read = name in known or f"x-{name}" in mapping.keys
            # Behind so many unknown keys none is looked at: what may be misspelt is left too.
            if read or looked_at > _MOST_UNKNOWN or _misspelt(name, known, mapping):
                yield key.line, key.column
    named = [root.values.get("vars")]
    named += [check.values.get("env") for check in mappings_of(root, "checks")]
    for node in named:
        if type(node) is Mapping:
            yield from ((key.line, key.column) for key in node.keys.values())


def _misspelt(name: str, known: Collection[str], mapping: Mapping) -> bool:
    """Whether an unknown key was probably meant to be one that the mapping lacks."""
    meant = "" if name.startswith("x-") else key_meant(name, known)
    return bool(meant) and meant not in mapping.keys


def _takes_prefix(key: Text, source: Source) -> bool:
    """Whether the key stands where its place says, plain or in quotes, without anchor or tag.

    With an anchor it may be a key here and a value there: an alias has the place of its anchor.
    """
    line, start = source.lines[key.line - 1], key.column - 1
    if _PROPERTY.search(line, max(0, start - _LONGEST_PROPERTY), start):  # a line may hold them all
        return False
    if key.style in ("'", '"'):
        return line.startswith(key.style, start) and len(key.value) <= _LONGEST_KEY
    plain = not key.style and 0 < len(key.value) <= _LONGEST_KEY
    return plain and line.startswith(key.value, start)


def _prefixed(source: Source, problems: list[Problem]) -> str:
    """The text with `x-` at each place, behind the quote of a key in quotes."""
    text = source.text
    parts: list[str] = []
    done = 0
    for problem in problems:  # in the file's order
        offset = source.offset(problem.line, problem.column)
        offset += text[offset] in "'\""
        parts += text[done:offset], "x-"
        done = offset
    return "".join((*parts, text[done:]))
