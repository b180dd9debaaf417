"""YAML to a tree of text nodes with their places, built from parser events.

PyYAML's own loader is not used: it takes `on:` for true, keeps the last of two equal keys, and its
C part crashes on deep nesting. Events do none of that; see ADR 0011 for the limits set here.
"""

import re
from functools import partial

import yaml
from msgspec import Struct
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from vibeguard.core.config.mistakes import Findings
from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text, broken, is_absent, is_broken
from vibeguard.core.config.positions import length_of_properties
from vibeguard.core.config.source import Source
from vibeguard.core.config.yaml_parsers import EventParser, ParserEvent, open_parser, syntax_problem
from vibeguard.core.lang.errors import quoted
from vibeguard.core.problems import ConfigError
from vibeguard.core.wording.suggest import did_you_mean

MAX_DEPTH = 100  # the C parser is quadratic in the depth of brackets, and nobody reads deeper
MAX_COLLECTIONS = 150_000  # three times those of 10,000 checks; empty ones are quick to write
_MOST_DOCUMENTS = 20  # there should be one
MAX_ALIASED_NODES = 1_000_000  # nodes that aliases repeat
_MOST_TAG_LINES = 32  # the C parser compares each %TAG with all others

# What the original took without a word: `migrate` says more about these two.
SECOND_DOCUMENT = "a second document begins here"
NOT_KNOWN = " is not known here"  # behind the tag

_SCALAR_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge"})
_SEQUENCE_TAGS = frozenset({"seq"})
_MAPPING_TAGS = frozenset({"map"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG_PREFIX = "tag:yaml.org,2002:"


class Document(Struct, frozen=True):
    """The root of the tree (None for an empty file), and what is wrong with its structure.

    `shared` are the nodes that an alias repeats, by `id`.
    """

    root: Node | None
    findings: Findings
    shared: set[int]


def read_document(source: Source) -> Document:
    """Read the one YAML document of a file; raises `ConfigError` if it is not YAML, or a bomb."""
    if len(re.findall(r"^%TAG", source.text, re.MULTILINE)) > _MOST_TAG_LINES:
        raise ConfigError([source.problem("too many %TAG directives", "remove them", 1, 1)])
    builder = _Builder(source)
    try:
        return builder.build(open_parser(source.text))
    except yaml.YAMLError as error:
        raise ConfigError([syntax_problem(error, source, builder.opened)]) from None


class _Open(Struct):
    """A list or mapping that has not ended; children of a mapping are key, value, key ..."""

    line: int
    column: int
    is_mapping: bool = False
    children: list[Node] = []
    uses: dict[int, tuple[int, int]] = {}
    anchor: str | None = None
    size_before: int = 0


class _Builder:
    """Turns events into nodes, without recursion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._findings = Findings(source)
        self._shared: set[int] = set()
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._size = 0  # nodes so far, those that aliases repeat included
        self._repeated = 0
        self._collections = 0
        self._stack: list[_Open] = [_Open(1, 1)]  # the lowest takes the roots of documents

    @property
    def opened(self) -> tuple[int, int]:
        """Where the innermost list or mapping begins that has not ended."""
        return self._stack[-1].line, self._stack[-1].column

    def build(self, parser: EventParser) -> Document:
        """Read all events. Plain scalars come first, without a call: they are most of a file."""
        get_event = parser.get_event
        stack = self._stack
        children = stack[0].children
        while True:
            event = get_event()
            kind: type[object] = type(event)
            if kind is ScalarEvent:
                if event.style or event.tag is not None or event.anchor is not None:
                    children.append(self._scalar(event))
                    continue
                mark = event.start_mark
                children.append(Text(event.value, mark.line + 1, mark.column + 1))
                self._size += 1
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                stack.append(self._open(event))
                children = stack[-1].children
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                node = self._close(stack.pop())
                children = stack[-1].children
                children.append(node)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is StreamEndEvent or len(stack[0].children) > _MOST_DOCUMENTS:
                return self._document(stack[0].children)

    def _document(self, roots: list[Node]) -> Document:
        for extra in roots[1:]:
            if not is_absent(extra):
                self._problem(SECOND_DOCUMENT, "one file holds one config", extra)
                self._findings.refuse(extra)
        return Document(roots[0] if roots else None, self._findings, self._shared)

    def _scalar(self, event: ParserEvent) -> Text:
        mark = event.start_mark
        node = Text(event.value, mark.line + 1, mark.column + 1, event.style or "")
        if event.anchor is not None or event.tag is not None:
            self._move_behind_properties(node, mark.index)
        self._size += 1
        if node.style == '"' and _SURROGATE.search(node.value):
            what, do = "this escape is not a character", "use the escape of a character"
            raise ConfigError([self._source.problem(what, do, node.line, node.column)])
        if event.tag is not None:
            self._check_tag(event, _SCALAR_TAGS)
            node.typed = event.tag != _TAG_PREFIX + "null"
            if not node.typed:
                node.style = ""  # '' is as absent as nothing
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)
        return node

    def _move_behind_properties(self, node: Text, index: int) -> None:
        """Give a scalar its own place; the mark of its event stands before anchor and tag."""
        if node.value or node.style:
            length = length_of_properties(self._source.text, index)
            node.line, node.column = self._source.place(index + length)

    def _open(self, event: ParserEvent) -> _Open:
        mark = event.start_mark
        is_mapping = isinstance(event, MappingStartEvent)
        opened = _Open(mark.line + 1, mark.column + 1, is_mapping=is_mapping)
        self._collections += 1
        if self._collections > MAX_COLLECTIONS:
            what = f"more than {MAX_COLLECTIONS:,} lists and mappings"
            problem = self._source.problem(what, "split the config", opened.line, opened.column)
            raise ConfigError([problem])
        if len(self._stack) > MAX_DEPTH:
            what = f"more than {MAX_DEPTH} levels of nesting"
            do = "a config needs no more than ten"
            raise ConfigError([self._source.problem(what, do, opened.line, opened.column)])
        if event.tag is not None:
            self._check_tag(event, _MAPPING_TAGS if is_mapping else _SEQUENCE_TAGS)
        if event.anchor is not None:
            opened.anchor = event.anchor
            self._anchors.pop(event.anchor, None)
        opened.size_before = self._size
        self._size += 1
        return opened

    def _close(self, opened: _Open) -> Node:
        if opened.is_mapping:
            node: Node = self._mapping(opened)
        else:
            node = Sequence(opened.children, opened.line, opened.column, opened.uses)
        if opened.anchor is not None:
            self._anchors[opened.anchor] = (node, self._size - opened.size_before)
        return node

    def _alias(self, event: ParserEvent) -> None:
        """Put in what the anchor stands for: the node itself, so that its place is kept."""
        name = str(event.anchor)
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        top = self._stack[-1]
        if name not in self._anchors:
            inside = any(opened.anchor == name for opened in self._stack)
            what = f"*{name} stands inside what it names" if inside else f"*{name} names no anchor"
            do = f"put &{name} before the value, or quotes around the text"
            meant = None if inside else partial(did_you_mean, name, self._anchors)
            do = "it must name something complete" if inside else do
            self._findings.add(what, do, line, column, meant)
            top.children.append(broken(line, column))
            return
        node, size = self._anchors[name]
        self._size += size
        self._repeated += size
        if self._repeated > MAX_ALIASED_NODES:
            what = f"aliases repeat more than {MAX_ALIASED_NODES:,} values"
            raise ConfigError([self._source.problem(what, "write it out", line, column)])
        self._shared.add(id(node))
        top.uses[len(top.children)] = (line, column)
        top.children.append(node)

    def _mapping(self, opened: _Open) -> Mapping | Text:
        """The mapping of a list of keys and values; a key that is wrong is told."""
        keys: dict[str, Text] = {}
        values: dict[str, Node] = {}
        children = opened.children
        for key, value in zip(children[::2], children[1::2], strict=True):
            if is_broken(key):
                continue
            if type(key) is not Text:
                if template := self._unquoted_template(opened):
                    return template
                self._problem("a key must be a text", "put it in quotes", key)
            elif key.value in keys:
                what = f"duplicate key {quoted(key.value)}, first in line {keys[key.value].line}"
                self._problem(what, "keep one of them", key)
                self._findings.refuse(value)
            else:
                keys[key.value] = key
                values[key.value] = value
        mapping = Mapping(keys, values, opened.line, opened.column)
        merge = keys.get("<<")
        if merge is not None and not merge.style:
            del keys["<<"]
            self._merge(mapping, values.pop("<<"))
        return mapping

    def _merge(self, mapping: Mapping, bases: Node) -> None:
        """Add what `<<` names; the mapping's own keys win, then the first base that has the key."""
        for base in bases.items if type(bases) is Sequence else [bases]:
            if is_absent(base):
                continue
            if type(base) is not Mapping:
                self._problem("<< merges mappings only", "name the anchor of a mapping", base)
                continue
            for name, key in base.keys.items():
                if name not in mapping.keys:
                    mapping.keys[name] = key
                    mapping.values[name] = base.values[name]

    def _unquoted_template(self, opened: _Open) -> Text | None:
        """What `{{.name}}` without quotes was meant to be; YAML takes it for mappings as keys."""
        line, column = opened.line, opened.column
        written = self._source.lines[line - 1][column - 1 :].strip()
        if not written.startswith("{{"):
            return None
        what = 'a text that begins with "{{" needs quotes'
        do = f"write {quoted(written)}"
        self._findings.add(what, do, line, column)
        return Text(written, line, column, '"')

    def _check_tag(self, event: ParserEvent, allowed: frozenset[str]) -> None:
        tag = str(event.tag)
        if tag.startswith(_TAG_PREFIX) and tag[len(_TAG_PREFIX) :] in allowed:
            return
        name = "!!" + tag[len(_TAG_PREFIX) :] if tag.startswith(_TAG_PREFIX) else tag
        mark = event.start_mark
        what = f"the tag {quoted(name)}{NOT_KNOWN}"
        # Of `run: ! grep TODO` YAML would leave the opposite.
        do = (
            "put the whole value in quotes"
            if tag == "!"
            else "remove it, or put the value in quotes"
        )
        self._findings.add(what, do, mark.line + 1, mark.column + 1)

    def _problem(self, what: str, do: str, node: Node) -> None:
        self._findings.add(what, do, node.line, node.column)
