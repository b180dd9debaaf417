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
    return code_of(key, place, payload) + payload


def unseal(key: bytes, place: str, sealed: bytes) -> memoryview | None:
    """The payload; None where the code is not that of this key, this place and this payload."""
    whole = memoryview(sealed)
    code, payload = whole[:CODE_BYTES], whole[CODE_BYTES:]
    return payload if hmac.compare_digest(code, code_of(key, place, payload)) else None


def code_of(key: bytes, place: str, payload: bytes | memoryview) -> bytes:
    """What goes before a payload; a long one is not copied for it."""
    name = place.encode()
    code = hmac.new(key, len(name).to_bytes(4, "big") + name, sha256)
    code.update(payload)
    return code.digest()
