"""How a key of `vibeguard.yaml` is declared: once, at the field that holds its value.

`weight: Annotated[int, Key("slots it takes", Count(1, 9))] = 1` is all there is to a key: parser
(`core.config.kinds`), JSON Schema and reference page (`scripts/reference`) are read off it. A kind
says how a value is written; it has a line in `kinds` and a case in the schema.
"""

from enum import StrEnum
from functools import cache
from typing import get_type_hints

from msgspec import Struct


class Kind(Struct, frozen=True):
    """How a value is written."""


class Plain(Kind, frozen=True):
    """A text, as it is."""


class Command(Kind, frozen=True):
    """A text that variables are put into."""


class Template(Kind, frozen=True):
    """A text that is rendered when it is shown."""


class Patterns(Kind, frozen=True):
    """One grok pattern or a list of them."""


class Assertion(Kind, frozen=True):
    """An expression."""


class Identifier(Kind, frozen=True):
    """The name of a check or prompt."""


class Tags(Kind, frozen=True):
    """A list of tags."""


class Duration(Kind, frozen=True):
    """A Go duration, in nanoseconds; `zero` says whether 0 is one, or as good as no value."""

    zero: bool = False


class Size(Kind, frozen=True):
    """`64MiB` and the like, in bytes."""


class Count(Kind, frozen=True):
    """A whole number between two bounds."""

    least: int
    most: int


class Choice(Kind, frozen=True):
    """One of a closed set of words; `what` is what a message calls it."""

    words: type[StrEnum]
    what: str


class Choices(Kind, frozen=True):
    """A list of words of a closed set."""

    words: type[StrEnum]
    what: str


class CommandLine(Kind, frozen=True):
    """A command that a shell is given as it is."""


class WebAddress(Kind, frozen=True):
    """An address that something is sent to: `https`, or `http` to this machine."""


class Notifications(Kind, frozen=True):
    """A list of mappings, each with a command or an address."""


class Truth(Kind, frozen=True):
    """`true` or `false`."""


class Placement(Kind, frozen=True):
    """`auto`, `true` or `false`: the words of `async`."""


class Reuse(Kind, frozen=True):
    """`true`, `false` or `confirm`: the words of `reuse`."""


class Folder(Kind, frozen=True):
    """A folder at or below that of the config."""


class Shell(Kind, frozen=True):
    """The name of a known shell, or a command line."""


class Environment(Kind, frozen=True):
    """Names and values of environment variables."""


class VariableNames(Kind, frozen=True):
    """A list of names of environment variables."""


class Globs(Kind, frozen=True):
    """A list of glob patterns over file names (`core.lang.globs`)."""


class Texts(Kind, frozen=True):
    """A list of texts, each as it is."""


class Tools(Kind, frozen=True):
    """A list of command lines; an empty one says something."""


class Date(Kind, frozen=True):
    """A day: `2026-12-31`."""


class ResultSources(Kind, frozen=True):
    """Where single results come from: a mapping, or a list of such."""


class Labels(Kind, frozen=True):
    """A list of labels of workers."""


class Files(Kind, frozen=True):
    """A list of names or globs of files, below where the check runs."""


class PoolName(Kind, frozen=True):
    """What a pool of workers is called."""


class LinkTemplate(Kind, frozen=True):
    """An address with placeholders, or the name of an editor that has one."""


class Requirements(Kind, frozen=True):
    """Ids of checks, alone or with what to do while they are pending."""


class Prompts(Kind, frozen=True):
    """Prompts by event."""


class Version(Kind, frozen=True):
    """The version of the format."""


class Variables(Kind, frozen=True):
    """Names and texts."""


class Section(Kind, frozen=True):
    """A mapping with keys of its own: those of this struct."""

    struct: type[Struct]


class Entries(Kind, frozen=True):
    """A list of such mappings."""

    struct: type[Struct]


class Key(Struct, frozen=True):
    """What a key means in one line, how its value is written, and its name in the file.

    The name is the field's without its unit, unless one is given; `default` is for the reference
    page, where the value does not speak for itself.
    """

    doc: str
    kind: Kind
    name: str = ""
    default: str = ""


class KeyField(Struct, frozen=True):
    """A key and the field that holds its value."""

    field: str
    key: Key


@cache
def keys_of(struct: type[Struct]) -> dict[str, KeyField]:
    """The keys of a mapping of the config, by their names there, in the struct's order."""
    keys: dict[str, KeyField] = {}
    for field, hint in get_type_hints(struct, include_extras=True).items():
        for key in getattr(hint, "__metadata__", ()):
            keys[key.name or field.removesuffix("_ns").removesuffix("_bytes")] = KeyField(
                field, key
            )
    return keys
