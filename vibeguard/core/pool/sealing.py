"""Every message carries a code that only holders of the pool's key can make (HMAC-SHA256).

The code covers where the message goes, so that one cannot be taken to another pool, queue or
receiver. It does not hide anything: TLS does.
"""

import hmac
from hashlib import sha256
from typing import Final

CODE_BYTES: Final = 32


def seal(key: bytes, place: str, payload: bytes) -> bytes:
    """The code for `payload` at `place`, and the payload."""
    return _code(key, place, payload) + payload


def unseal(key: bytes, place: str, sealed: bytes) -> bytes | None:
    """The payload; None where the code is not that of this key, this place and this payload."""
    code, payload = sealed[:CODE_BYTES], sealed[CODE_BYTES:]
    return payload if hmac.compare_digest(code, _code(key, place, payload)) else None


def _code(key: bytes, place: str, payload: bytes) -> bytes:
    name = place.encode()
    return hmac.digest(key, len(name).to_bytes(4, "big") + name + payload, sha256)
