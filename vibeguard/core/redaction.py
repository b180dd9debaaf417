"""Secrets out of what is recorded: their values are masked wherever a check may have echoed them.

The stored output is the check's own and is not touched. A value under 8 characters is not masked:
it would be found in words that are none.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckHang,
    CheckSettled,
    Event,
    RunFinished,
)

MASK: Final = "[redacted]"
SHORTEST: Final = 8
_LIKE_A_SECRET: Final = re.compile(
    r"(?i)(?:^|_)(?:token|secret|passw(?:or)?d|passphrase|credentials?|(?:api|access|private)?_?key|auth)"
    r"(?:s|_.*)?$"
)
# The texts of an event that come from what a check did: the rest is names, numbers and config.
_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    CheckHang: ("processes", "last_lines"),
    CheckAttemptFinished: ("survivors", "leaked", "unkillable", "error"),
    CheckExtracted: ("values",),
    CheckSettled: ("detail", "excerpt", "tail"),
    RunFinished: ("unattributed",),
}


def is_like_a_secret(name: str) -> bool:
    """Whether a variable's name says that its value is one: TOKEN, DB_PASSWORD, API_KEY."""
    return _LIKE_A_SECRET.search(name) is not None


def secret_values(
    redact: Iterable[str],
    caller: Mapping[bytes, bytes],
    variables: Iterable[Mapping[str, str]],
) -> frozenset[str]:
    """What is to be masked: the named variables, and those of `env:` that are named like secrets.

    Of a value of several lines each line counts, for output is shown by lines.
    """
    named = frozenset(redact)
    values = [caller.get(name.encode(), b"").decode("utf-8", "replace") for name in named]
    for own in variables:
        values += [value for name, value in own.items() if name in named or is_like_a_secret(name)]
    lines = (line.strip() for value in values for line in (value, *value.splitlines()))
    return frozenset(line for line in lines if len(line) >= SHORTEST)


def redaction(secrets: frozenset[str]) -> Callable[[Event], Event]:
    """What masks these values in an event before it is recorded."""
    if not secrets:
        return lambda event: event
    longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
    pattern = re.compile("|".join(map(re.escape, longest_first)))

    def masked(value: Any) -> Any:
        if type(value) is str:
            return pattern.sub(MASK, value)
        if isinstance(value, tuple):
            return tuple(map(masked, value))
        if isinstance(value, dict):
            return {key: masked(one) for key, one in value.items()}
        if isinstance(value, Struct):
            return replace(value, **{f: masked(getattr(value, f)) for f in value.__struct_fields__})
        return value

    def redact(event: Event) -> Event:
        fields = _TEXTS.get(type(event), ())
        return replace(event, **{f: masked(getattr(event, f)) for f in fields}) if fields else event

    return redact
