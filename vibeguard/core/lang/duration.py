"""Durations as Go writes them: `500ms`, `1m30s`, `1.5h`, `2h45m`, `0`.

The grammar is that of Go's `time.ParseDuration`, because existing configs are written for it;
negative durations are refused, since nothing here can last less than no time.
"""

import re
from functools import lru_cache

from vibeguard.core.lang.errors import LanguageError, quoted

MAX_NS = (1 << 63) - 1
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, the micro sign
    "μs": 1_000,  # U+03BC, the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
_LONGER_UNITS = {"d": 24, "day": 24, "days": 24, "w": 168, "week": 168, "weeks": 168}
_MOST_DIGITS, _MOST_PLACES = 19, 18  # beyond int64, and below a nanosecond, whatever the unit
_HOW = "write a duration such as 500ms, 30s, 1m30s or 2h"


@lru_cache(maxsize=1024)  # a config has few different ones, and many of each
def parse_duration(text: str) -> int:
    """Nanoseconds of a duration; raises `LanguageError` for anything else, also a negative one."""
    start = int(text[:1] in ("+", "-"))
    if text[start:] == "0":
        return 0
    if len(text) == start:
        raise LanguageError(
            f"{quoted(text)} is not a duration" if text else "the duration is empty", _HOW
        )
    total = _sum_of_parts(text, start)
    if text[0] == "-" and total:
        raise LanguageError(f"{quoted(text)} is negative", "a duration is 0 or more")
    return total


def _sum_of_parts(text: str, start: int) -> int:
    total = 0
    position = start
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or not (part[1] or part[2]):
            raise LanguageError(f"{quoted(text)} is not a duration", _HOW, position)
        total += _value(text, part)
        if total > MAX_NS:
            raise LanguageError(
                f"{quoted(text)} is too long a duration", "the longest is about 292 years"
            )
        position = part.end()
    return total


def _value(text: str, part: "re.Match[str]") -> int:
    """Nanoseconds of one number with its unit."""
    whole, fraction, unit = part[1].lstrip("0"), (part[2] or "")[:_MOST_PLACES], part[3]
    if not unit:
        what = f"{quoted(part[0])} has no unit"
        raise LanguageError(what, f"say {part[0][:40]}s for seconds", part.end())
    if unit not in _UNITS:
        raise LanguageError(
            f"{quoted(text)} has no known unit: {quoted(unit)}", _unit_help(unit), part.start(3)
        )
    if len(whole) > _MOST_DIGITS:
        return MAX_NS + 1
    scale: int = 10 ** len(fraction)
    return (int(f"0{whole}{fraction}") * _UNITS[unit] + scale // 2) // scale


def _unit_help(unit: str) -> str:
    hours = _LONGER_UNITS.get(unit.strip().lower())
    if hours:
        return f"the longest unit is h: one {unit.strip()} is {hours}h"
    if unit != unit.strip() or " " in unit:
        return "write it without blanks, such as 1m30s"
    return "the units are ns, us, ms, s, m and h"
