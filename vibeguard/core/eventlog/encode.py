"""Events to bytes: one event a line, and the seal whose digest covers everything before itself."""

import hashlib
from typing import TYPE_CHECKING

from msgspec import json
from msgspec.structs import force_setattr

from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.model.storable import storable

if TYPE_CHECKING:
    from _hashlib import HASH

# What follows the digest's value on the seal's line: the digest is the last field.
SEAL_END = b'"}\n'
DIGEST_LENGTH = 64

# The digest of no bytes, to go on from.
new_digest = hashlib.sha256
_encode = json.Encoder().encode


def encode_line(event: Event) -> bytes:
    """One line of the log, newline included.

    Raises UnicodeEncodeError when a text holds a lone surrogate (see `make_storable`).
    """
    return _encode(event) + b"\n"


def encode_seal(event: LogSealed, digest: "HASH") -> bytes:
    """The seal's line; `digest` has seen every byte before it. Fills in `event.sha256`."""
    force_setattr(event, "sha256", "")
    before_value = encode_line(event)[: -len(SEAL_END)]
    seen = digest.copy()
    seen.update(before_value)
    force_setattr(event, "sha256", seen.hexdigest())
    return before_value + event.sha256.encode() + SEAL_END


def make_storable(event: Event) -> None:
    """Replace, in place, what UTF-8 cannot hold (undecodable bytes of a file name) by U+FFFD.

    In place, so that the event at hand and its line in the log stay the same event.
    """
    stored = storable(event)
    for field in event.__struct_fields__:
        force_setattr(event, field, getattr(stored, field))
