"""The config as text nodes that know where they stand: what YAML says, not yet what it means.

Every scalar keeps its source text, so that `on`, `yes`, `012`, `1:30` and `1.0` arrive as written.
Lines and columns count from 1; columns count code points.
"""

from msgspec import Struct

_ABSENT = frozenset({"", "~", "null", "Null", "NULL"})
_BROKEN = "*"


class Text(Struct, gc=False):
    """A scalar. `style` is the empty text for a plain one, else its first character in the file.

    `typed` marks an explicit tag such as `!!str`, with which `null` and the like are texts.
    """

    value: str
    line: int
    column: int
    style: str = ""
    typed: bool = False


class Sequence(Struct, gc=False):
    """A list. `uses` are the places of those items that are aliases, by index."""

    items: "list[Node]"
    line: int
    column: int
    uses: dict[int, tuple[int, int]] = {}


class Mapping(Struct, gc=False):
    """A mapping, merge keys already merged; `keys` are the nodes of the keys of `values`."""

    keys: dict[str, Text]
    values: "dict[str, Node]"
    line: int
    column: int


Node = Text | Sequence | Mapping


def is_absent(node: "Node | None") -> bool:
    """Whether the value is missing, empty or null (which mean the same)."""
    if type(node) is not Text:
        return node is None
    return (not node.style and not node.typed and node.value in _ABSENT) or node.style == _BROKEN


def broken(line: int, column: int) -> Text:
    """What stands for an alias of nothing: absent, but its mistake has been told already."""
    return Text("", line, column, _BROKEN)


def is_broken(node: "Node | None") -> bool:
    """Whether the value, or an entry of the list, is an alias of nothing."""
    if type(node) is Sequence:
        return any(map(is_broken, node.items))
    return type(node) is Text and node.style == _BROKEN
