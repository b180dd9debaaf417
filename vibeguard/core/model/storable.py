"""Values whose texts can be written: UTF-8 holds no undecodable bytes of a file's name."""

from collections.abc import Callable
from typing import TypeVar

from msgspec import convert, to_builtins

from vibeguard.core.wording.sanitise import all_well_formed

T = TypeVar("T")


def encoded(value: T, encode: Callable[[T], bytes]) -> bytes:
    """The bytes of a value, made storable only where that is needed."""
    try:
        return encode(value)
    except UnicodeEncodeError:
        return encode(storable(value))


def storable(value: T) -> T:
    """The same, with U+FFFD for what UTF-8 cannot hold; bytes stay as they are."""
    same: T = convert(all_well_formed(to_builtins(value, builtin_types=(bytes,))), type(value))
    return same
