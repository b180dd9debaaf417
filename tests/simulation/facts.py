"""A log as anybody could read it: plain facts, without the product's own decoder."""

from collections.abc import Iterator
from typing import Any

import msgspec

Facts = dict[str, Any]
Findings = Iterator[str]
STANDING = ("pause", "suspend", "stall")  # happenings in which time passes that is nobody's


def lines_of(log: bytes) -> list[Facts]:
    """The complete lines of the log as plain facts; what is damaged ends them."""
    found: list[Facts] = []
    for line in log.split(b"\n")[:-1]:
        try:
            facts = msgspec.json.decode(line)
        except msgspec.DecodeError:
            break
        if "type" not in facts:  # somebody else's
            break
        found.append(facts)
    return found
