"""Secrets out of what is recorded: their values are masked wherever a check may have echoed them.

The stored output is the check's own and is not touched. A value under 8 characters is not masked:
it would be found in words that are none.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.events import Event, LogSealed, RunPlanned, RunStarted
from vibeguard.core.model.state import CheckRecord, State

MASK: Final = "[redacted]"
SHORTEST: Final = 8
_TELLING_NAME: Final = (
    r"(?i)(?:^|_)(?:token|secret|passw(?:or)?d|passphrase|credentials?"
    r"|(?:api|access|private)?_?key|auth)(?:s|_.*)?$"
)
# What is recorded as it is: command line and config, as they were written, and names by which
# events speak of one thing. Every other text of every event is masked, also of events yet to come.
_AS_WRITTEN: Final = (RunStarted, RunPlanned, LogSealed)
_WORDS: Final = (
    "check checks requirement pending cause by signal run seal key engine token worker "
    "output_path output_sha256 vcs patch"
)
_NAMES: Final = frozenset(_WORDS.split())
# Where a text was cut: by `cut` and `quoted`, by `shorten`, which keeps both ends, or at its end.
_CUT: Final = r" \[\d+ characters\] |\.{2,}|\Z"
_LONGEST_CUT: Final = 4_000  # characters: what is longer is whole


def is_like_a_secret(name: str) -> bool:
    """Whether a variable's name says that its value is one: TOKEN, DB_PASSWORD, API_KEY."""
    return re.search(_TELLING_NAME, name) is not None


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


def masking(secrets: frozenset[str]) -> Callable[[Any], Any]:
    """What masks these values in a text, and in each text of a tuple, a dictionary or a struct."""
    if not secrets:
        return lambda value: value
    longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
    pattern = re.compile("|".join(map(re.escape, longest_first)))

    def masked(value: Any) -> Any:
        if type(value) is str:
            return _without_parts(pattern.sub(MASK, value), longest_first)
        if isinstance(value, tuple):
            return tuple(map(masked, value))
        if isinstance(value, dict):
            return {key: masked(one) for key, one in value.items()}
        if isinstance(value, Struct):
            return replace(value, **{f: masked(getattr(value, f)) for f in value.__struct_fields__})
        return value

    return masked


def redaction(secrets: frozenset[str]) -> Callable[[Event], Event]:
    """What masks these values in an event before it is recorded."""
    masked = masking(secrets)

    def redact(event: Event) -> Event:
        if not secrets or isinstance(event, _AS_WRITTEN):
            return event
        texts = [field for field in event.__struct_fields__ if field not in _NAMES]
        return replace(event, **{field: masked(getattr(event, field)) for field in texts})

    return redact


def may_show_secrets(state: State, record: CheckRecord) -> bool:
    """Whether a secret may be among what the check writes: for who does not know their values."""
    redact = state.planned.settings.redact if state.planned else ()
    return bool(redact) or any(map(is_like_a_secret, record.planned.env_names))


def _without_parts(text: str, secrets: list[str]) -> str:
    """The text without what is left of a secret that was cut in two: its beginning, or its end."""
    if len(text) > _LONGEST_CUT:
        return text
    backwards = [secret[::-1] for secret in secrets]
    for mark in reversed(list(re.finditer(_CUT, text))):
        before, cut_at, behind = text[: mark.start()], text[slice(*mark.span())], text[mark.end() :]
        if cut := _end_of_secret(behind, secrets):
            behind = MASK + behind[cut:]
        if cut := _end_of_secret(before[::-1], backwards):
            before = before[:-cut] + MASK
        text = before + cut_at + behind  # which is a mask's by now, where a secret has dots
    return text


def _end_of_secret(text: str, secrets: list[str]) -> int:
    """How many of the first characters are the end of a secret."""
    first = text[:SHORTEST]
    for secret in secrets if len(first) == SHORTEST else ():
        found = secret.find(first)
        while found >= 0:
            if text.startswith(secret[found:]):
                return len(secret) - found
            found = secret.find(first, found + 1)
    return 0
