"""Takes values of one kind out of mappings, and collects every problem that it meets on the way.

A value with a problem reads as if it were absent.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import TypeVar

from vibeguard.core.config.document import Document
from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text, is_absent, is_broken
from vibeguard.core.lang.errors import LanguageError, quoted
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


def _key_advice(name: str, known: Collection[str]) -> str:
    meant, colon, value = name.partition(":")
    if colon and meant in known:
        return f"put a blank behind its colon: {meant}: {value}"
    meant = key_meant(name, known)
    return f'did you mean "{meant}"?' if meant else ""


def key_meant(name: str, known: Collection[str]) -> str:
    """The known key that an unknown one was probably meant to be, or the empty text."""
    synonym = _SYNONYMS.get(name, "")
    return synonym if synonym in known else nearest(name, known)


class Reader:
    """Reads one config; what is wrong with it goes into `findings`."""

    def __init__(self, document: Document) -> None:
        self.findings = document.findings
        self.source = document.findings.source
        self.shared = document.shared
        self._read_before: dict[tuple[str, int], object] = {}

    def misshapen(self, what: str, do: str, node: Node) -> None:
        """Record that what stands here is of the wrong kind, and not read."""
        self.findings.add(what, do, node.line, node.column)
        self.findings.refuse(node)

    def only_keys(self, mapping: Mapping, known: Collection[str], owner: str) -> None:
        """Refuse every key that is not known and does not begin with `x-`."""
        for name, key in mapping.keys.items():
            if name in known or name.startswith("x-"):
                continue
            self.findings.add(
                f"unknown key {quoted(name)} in {owner}",
                "remove it; keys of your own begin with x-",
                key.line,
                key.column,
                partial(_key_advice, name, known),
            )
            self.findings.refuse(mapping.values[name])

    def read_once(
        self, mapping: Mapping, key: str, read: "Callable[[Reader, Mapping, str], object]"
    ) -> object:
        """What `read` makes of a value that aliases repeat (its `id` is in `shared`)."""
        memory = (key, id(mapping.values[key]))
        if memory not in self._read_before:
            self._read_before[memory] = read(self, mapping, key)
        return self._read_before[memory]

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
        before = len(self.findings)
        text = self.text(mapping, key)
        if text is not None and text.value.strip():
            return text
        place = place_of(mapping, key)
        if len(self.findings) == before and not is_broken(mapping.values.get(key)):
            is_empty = key in mapping.keys
            what = f'"{key}" of {owner} is empty' if is_empty else f'{owner} has no "{key}"'
            self.findings.add(what, f'add "{key}: ..."', place.line, place.column)
            if key == "id":  # any text that is there may be meant as the name
                self.findings.refuse(place)
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
            self.findings.add_error(error, node.line, node.column)
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
            elif is_broken(item):
                self.findings.names_are_missing = True

    def texts(self, mapping: Mapping, key: str) -> list[Text]:
        """The texts of the list under a key, null ones left out; an empty one is a mistake."""
        texts = []
        for item, _ in self.items(mapping, key):
            if type(item) is not Text:
                what = f'an entry of "{key}" is a text, not {kind(item)}'
                self.misshapen(what, _quote_help(item), item)
            elif self.is_filled(item, key):
                texts.append(item)
        return texts

    def is_filled(self, item: Text, key: str) -> bool:
        """Whether an entry of a list says something; where it does not, that is a mistake."""
        if not item.value:
            # Dropped, it would silently take a requirement, a tag or a prompt away.
            what = f'an entry of "{key}" is empty'
            self.findings.add(what, "write one, or remove it", item.line, item.column)
        return bool(item.value)

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
