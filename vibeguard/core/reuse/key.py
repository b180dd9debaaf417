"""The key of a check: SHA-256 over everything that its result may depend on (DESIGN section 11).

A key is made of named parts, so that two keys can be told apart by name. Every field is preceded by
its length (msgpack): no two different lists of fields are the same bytes.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Final

import msgspec
from msgspec import Struct

from vibeguard.core.model.config import CheckKeys

KEY_FORMAT: Final = "6"
# What changes how a result is shown or counted, and never the result.
IRRELEVANT: Final = frozenset(
    {"suggestion", "fix", "on", "tags", "severity", "slow_after_ns", "reuse", "reuse_for_ns"}
)
# Variables of the caller that change what shells and common tools do, and what such names begin
# with (BASH_ENV, and the functions that take the place of programs).
WATCHED_VARIABLES: Final = (
    b"PATH", b"CDPATH", b"SHELLOPTS", b"POSIXLY_CORRECT", b"TZ", b"CI", b"VIRTUAL_ENV",
)  # fmt: skip
_WATCHED_PREFIXES: Final = (b"BASH", b"LANG", b"LC_", b"LD_", b"NODE_", b"PYTHON")
_encode = msgspec.msgpack.Encoder().encode
_canonical = msgspec.json.Encoder(order="sorted").encode


class Part(Struct, frozen=True, array_like=True):
    """One named part of a key."""

    name: str
    sha256: str


@lru_cache(maxsize=4096)
def part(name: str, *fields: bytes) -> Part:
    """A part over these fields. Most parts of most checks are those of others."""
    return Part(name, _digest(fields))


def key_of(parts: Iterable[Part]) -> str:
    """The key, as 64 hexadecimal digits. The order of the parts counts."""
    return _digest(tuple(parts))


def definition_parts(check: CheckKeys) -> list[Part]:
    """A part for each key of the config that can change the result.

    `requires` counts by the keys of what is required, the values of `env` by `variable_parts`.
    """
    return [
        part(f"config {name}", _canonical(getattr(check, name)))
        for name in CheckKeys.__struct_fields__
        if name not in IRRELEVANT and name != "requires"
    ]


def variable_parts(
    names: Iterable[str], environment: Mapping[bytes, bytes], secret: bytes
) -> list[Part]:
    """A part for each variable by a keyed hash: a record gives no value away, not even to guessing.

    `names` are those of `env` and `env_inputs`, `environment` is what the check is going to get;
    those that are watched come in. Absent is not empty.
    """
    watched = sorted(name for name in environment if name.startswith(_WATCHED_PREFIXES))
    asked = (*WATCHED_VARIABLES, *watched, *map(str.encode, sorted(names)))
    parts = []
    for name in dict.fromkeys(asked):
        value = environment.get(name)
        told = b"" if value is None else hmac_digest(secret, value, "sha256")
        parts.append(part(f"variable {name.decode('utf-8', 'backslashreplace')}", told))
    return parts


def differing_parts(before: Iterable[Part], now: Iterable[Part]) -> list[str]:
    """The names of the parts that differ, in the order of the newer key, then of the older."""
    old = {p.name: p.sha256 for p in before}
    new = {p.name: p.sha256 for p in now}
    return [name for name in dict.fromkeys((*new, *old)) if old.get(name) != new.get(name)]


def _digest(fields: tuple[bytes, ...] | tuple[Part, ...]) -> str:
    return sha256(_encode(fields)).hexdigest()
