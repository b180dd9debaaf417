"""What a flag or a word of a command line is, declared once, at the field that it fills.

cyclopts knows these facts as its own `Parameter`, and takes longer to import than most commands
take to run. So they are written down as values of our own: `commands/plain.py` reads usual command
lines by them, `commands/translated.py` makes them cyclopts' own for all others (docs/adr/0170).
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from msgspec import Struct


class Parameter(Struct, frozen=True, kw_only=True):
    """A flag or a word: each field means what cyclopts' of that name means; None leaves it open."""

    name: str | list[str] | None = None
    help: str | None = None
    metavar: str | None = None
    converter: Callable[..., object] | None = None
    n_tokens: int | None = None
    accepts_keys: bool | None = None
    allow_leading_hyphen: bool | None = None

    def said(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        said = {name: value for name, value in fields.items() if value is not None}
        return {"show_choices": False, **said} if self.metavar else said  # it names them all


class Word(Struct, frozen=True):
    """One value as it stands on the command line; cyclopts' tokens have the same attribute."""

    value: str


class Options(Struct, frozen=True, kw_only=True):
    """Flags that belong together: a field a flag, its annotation says how it is read."""

    @classmethod
    def annotations(cls) -> dict[str, Any]:
        """The annotation of each field, inherited ones included."""
        found: dict[str, Any] = {}
        for kind in reversed(cls.__mro__):
            found |= getattr(kind, "__annotations__", {})
        return {name: found[name] for name in cls.__struct_fields__}


def split(annotation: Any) -> tuple[Any, dict[str, Any]]:
    """The bare type of an annotation, and the fields that its parameters set; the last one wins."""
    if get_origin(annotation) is not Annotated:
        return annotation, {}
    kind, *parameters = get_args(annotation)
    said: dict[str, Any] = {}
    for parameter in parameters:
        said |= parameter.said()
    return kind, said


def names_of(field: str, said: Mapping[str, Any]) -> list[str]:
    """How the flag of a field is spelt."""
    name = said.get("name")
    if name is None:
        return [f"--{field.replace('_', '-')}"]
    return [name] if isinstance(name, str) else list(name)


def members(kind: Any) -> list[Any]:
    """The types that a value may have; None (not said) is none of them."""
    if get_origin(kind) is Literal or kind in (bool, int, str):
        return [kind]
    return [member for member in get_args(kind) if member is not NoneType]
