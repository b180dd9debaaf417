"""How long to wait before the next attempt: exponential, capped, with recorded jitter.

"Equal jitter" of Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): half of
the delay is fixed, half is drawn. The draw comes from the run's recorded seed, so that a log says
why each retry came when it did.
"""

from hashlib import blake2b

BASE_NS = 500_000_000
CAP_NS = 30_000_000_000


def retry_delay_ns(seed: int, check: str, attempt: int) -> int:
    """Nanoseconds before attempt number `attempt` (2 is the first retry)."""
    full = min(BASE_NS << min(attempt - 2, 16), CAP_NS)
    digest = blake2b(f"{seed}/{check}/{attempt}".encode(), digest_size=8).digest()
    drawn = int.from_bytes(digest, "big") / (1 << 64)
    return full // 2 + int(full // 2 * drawn)
