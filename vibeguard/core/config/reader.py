"""Takes values of one kind out of mappings, and collects every problem that it meets on the way.

Two lists of problems: those of structure (a list where a text belongs, an unknown key) and those of
single values (a duration without a unit). A value with a problem reads as if it were absent.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text, is_absent, is_broken
from vibeguard.core.config.source import Source
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.problems import Problem
from vibeguard.core.wording.suggest import nearest

Value = TypeVar("Value")

# What other tools call it, for the suggestion.
_SYNONYMS = {
    "needs": "requires", "depends_on": "requires", "dependsOn": "requires", "deps": "requires",
    "dependencies": "requires", "command": "run", "cmd": "run", "script": "run", "name": "id",
    "environment": "env", "working_directory": "cwd", "working-directory": "cwd", "dir": "cwd",
    "workdir": "cwd", "pattern": "grok", "condition": "assert", "level": "severity",
    "hint": "suggestion", "variables": "vars", "tasks": "checks", "steps": "checks",
    "jobs": "parallel", "text": "content", "when_pending": "while_pending", "id": "check",
    "background": "async",
}  # fmt: skip


def key_meant(name: str, known: Iterable[str]) -> str:
    """The known key that an unknown one was probably meant to be, or the empty text."""
    synonym = _SYNONYMS.get(name, "")
    return synonym if synonym in known else nearest(name, known)


class Reader:
    """Reads one config; `structure` and `values` are the problems so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.structure: list[Problem] = []
        self.values: list[Problem] = []

    def misshapen(self, what: str, do: str, node: Node) -> None:
        """Record a problem of structure at this node."""
        self.structure.append(self.source.problem(what, do, node.line, node.column))

    def only_keys(self, mapping: Mapping, known: Iterable[str], owner: str) -> None:
        """Refuse every key that is not known and does not begin with `x-`."""
        known = tuple(known)
        for name, key in mapping.keys.items():
            if name in known or name.startswith("x-"):
                continue
            meant = key_meant(name, known)
            do = (
                f'did you mean "{meant}"?' if meant else "remove it; keys of your own begin with x-"
            )
            self.misshapen(f"unknown key {quoted(name)} in {owner}", do, key)

    def text(self, mapping: Mapping, key: str) -> Text | None:
        """The text under a key; None if it is absent or empty."""
        node = mapping.values.get(key)
        if node is None or is_absent(node):
            return None
        if type(node) is not Text:
            self.misshapen(f'"{key}" takes a text, not {kind(node)}', _quote_help(node), node)
            return None
        return node if node.value else None

    def string(self, mapping: Mapping, key: str) -> str:
        """The text under a key as it is; the empty text if it is absent."""
        node = self.text(mapping, key)
        return node.value if node else ""

    def required(self, mapping: Mapping, key: str, owner: str) -> Text:
        """The text under a key that must be there; an empty one in its place if it is not."""
        before = len(self.structure)
        text = self.text(mapping, key)
        if text is not None and text.value.strip():
            return text
        place = place_of(mapping, key)
        if len(self.structure) == before and not is_broken(mapping.values.get(key)):
            is_empty = key in mapping.keys
            what = f'"{key}" of {owner} is empty' if is_empty else f'{owner} has no "{key}"'
            self.misshapen(what, f'add "{key}: ..."', place)
        return Text("", place.line, place.column)

    def convert(
        self, mapping: Mapping, key: str, to: Callable[[str], Value], default: Value
    ) -> Value:
        """The text under a key as a value; `default` if it is absent or has a problem."""
        if key not in mapping.values:
            return default
        node = self.text(mapping, key)
        return default if node is None else self.value(node, to, default)

    def value(self, node: Text, to: Callable[[str], Value], default: Value) -> Value:
        """What a text stands for; `default` if it has a problem, which is recorded."""
        try:
            return to(node.value)
        except LanguageError as error:
            problem = self.source.problem(error.what, error.do, node.line, node.column)
            self.values.append(problem)
            return default

    def items(self, mapping: Mapping, key: str) -> Iterator[tuple[Node, tuple[int, int] | None]]:
        """The entries of the list under a key, null ones left out, each with its alias's place."""
        node = mapping.values.get(key)
        if node is None or is_absent(node):
            return
        if type(node) is not Sequence:
            do = f'write "{key}: [...]", or one entry a line that begins with "- "'
            self.misshapen(f'"{key}" takes a list, not {kind(node)}', do, node)
            return
        for index, item in enumerate(node.items):
            if not is_absent(item):
                yield item, node.uses.get(index)

    def texts(self, mapping: Mapping, key: str) -> list[Text]:
        """The texts of the list under a key, null and empty ones left out."""
        texts = []
        for item, _ in self.items(mapping, key):
            if type(item) is not Text:
                what = f'an entry of "{key}" is a text, not {kind(item)}'
                self.misshapen(what, _quote_help(item), item)
            elif item.value:
                texts.append(item)
        return texts

    def text_or_texts(self, mapping: Mapping, key: str) -> list[Text]:
        """The texts under a key that takes one or a list of them."""
        node = mapping.values.get(key)
        if node is None:
            return []
        if type(node) is Text:
            return [node] if node.value and not is_absent(node) else []
        if type(node) is Mapping:
            what = f'"{key}" takes a text or a list, not a mapping'
            self.misshapen(what, _quote_help(node), node)
            return []
        return self.texts(mapping, key)

    def mapping(self, mapping: Mapping, key: str) -> Mapping | None:
        """The mapping under a key; None if it is absent."""
        node = mapping.values.get(key)
        if node is None or is_absent(node):
            return None
        if type(node) is not Mapping:
            do = 'write one "key: value" a line below it'
            self.misshapen(f'"{key}" takes a mapping, not {kind(node)}', do, node)
            return None
        return node

    def names(self, texts: Iterable[Text], check: Callable[[str], str]) -> tuple[str, ...]:
        """Texts that must be well-formed names, each once."""
        return tuple(dict.fromkeys(self.value(text, check, text.value) for text in texts))


def place_of(node: Mapping, key: str) -> Node:
    """Where to point for a value: the key if it is empty, the mapping if there is no key."""
    value = node.values.get(key)
    return node.keys.get(key, node) if value is None or is_absent(value) else value


def kind(node: Node) -> str:
    """What a node is, in a message."""
    if type(node) is Text:
        return "a text"
    return "a list" if type(node) is Sequence else "a mapping"


def _quote_help(node: Node) -> str:
    if type(node) is Text:
        return "write a text"
    bracket = "[" if type(node) is Sequence else "{"
    return f'write one text; put it in quotes if it begins with "{bracket}" or holds ": "'
