"""The seal at the end of a log, looked at without decoding what stands before it."""

import os
from hashlib import sha256
from typing import Final

from msgspec import json

from vibeguard.core.eventlog.encode import DIGEST_LENGTH, SEAL_END
from vibeguard.core.model.events import LogSealed
from vibeguard.core.problems import UNDECODABLE, LogCorrupt
from vibeguard.system.journal.reader import open_log

_WITHIN_BYTES: Final = 512
_CHUNK_BYTES: Final = 1 << 18
_decode = json.Decoder(LogSealed).decode


def seal_at_end(folder: str) -> str:
    """The digest that the last line of the log in a run folder gives; empty without such a line."""
    try:
        with open(open_log(folder), "rb") as log:
            log.seek(max(os.fstat(log.fileno()).st_size - _WITHIN_BYTES, 0))
            return _decode(log.read(_WITHIN_BYTES).rstrip(b"\n").rpartition(b"\n")[2]).sha256
    except (LogCorrupt, OSError, *UNDECODABLE):
        return ""


def bears_seal(folder: str, seal: str) -> bool:
    """Whether the log, read to its end now, is exactly the one that this seal is of."""
    try:
        with open(open_log(folder), "rb", buffering=0) as log:
            return _bears(log.fileno(), seal)
    except (LogCorrupt, OSError):
        return False


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
