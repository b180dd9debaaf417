"""The seal at the end of a log, looked at without decoding what stands before it."""

import os
from hashlib import sha256
from typing import Final

from msgspec import DecodeError, json

from vibeguard.core.eventlog.encode import DIGEST_LENGTH, SEAL_END
from vibeguard.core.model.events import LogSealed
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal.reader import open_log

_WITHIN_BYTES: Final = 512
_CHUNK_BYTES: Final = 1 << 18
_decode = json.Decoder(LogSealed).decode


def seal_at_end(folder: str) -> str:
    """The digest that the last line of the log in a run folder gives; empty without such a line."""
    try:
        descriptor = open_log(folder)
    except LogCorrupt:
        return ""
    try:
        size = os.fstat(descriptor).st_size
        end = os.pread(descriptor, _WITHIN_BYTES, max(size - _WITHIN_BYTES, 0))
        return _decode(end.rstrip(b"\n").rpartition(b"\n")[2]).sha256
    except (OSError, DecodeError, UnicodeDecodeError):
        return ""
    finally:
        os.close(descriptor)


def bears_seal(folder: str, seal: str) -> bool:
    """Whether the log, read to its end now, is exactly the one that this seal is of."""
    try:
        descriptor = open_log(folder)
    except LogCorrupt:
        return False
    try:
        return _bears(descriptor, seal)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _bears(descriptor: int, seal: str) -> bool:
    end = seal.encode() + SEAL_END
    before = os.fstat(descriptor).st_size - DIGEST_LENGTH - len(SEAL_END)
    digest = sha256()
    offset = 0
    while offset < before:
        chunk = os.pread(descriptor, min(_CHUNK_BYTES, before - offset), offset)
        if not chunk:
            return False
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest() == seal and os.pread(descriptor, len(end) + 1, before) == end
