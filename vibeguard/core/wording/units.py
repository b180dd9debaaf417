"""Numbers as people read them: durations, sizes, counted nouns, short lists of names."""

from collections.abc import Sequence

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(ns: int) -> str:
    """Nanoseconds as a person says them: `350ms`, `2.3s`, `42s`, `1m30s`, `2h5m`; rounded down."""
    if ns < MILLISECOND_NS:
        return "0s" if ns <= 0 else "<1ms"
    if ns < SECOND_NS:
        return f"{ns // MILLISECOND_NS}ms"
    if ns < 10 * SECOND_NS:
        seconds, tenth = divmod(ns // (SECOND_NS // 10), 10)
        return f"{seconds}.{tenth}s" if tenth else f"{seconds}s"
    if ns < MINUTE_NS:
        return f"{ns // SECOND_NS}s"
    if ns < HOUR_NS:
        return _two(ns // SECOND_NS, "m", "s")
    return _two(ns // MINUTE_NS, "h", "m")


def _two(amount: int, large: str, small: str) -> str:
    whole, rest = divmod(amount, 60)
    return f"{whole}{large}{rest}{small}" if rest else f"{whole}{large}"


def size(count_bytes: int) -> str:
    """Bytes in binary units with at most one decimal: `512 B`, `1.5 KiB`, `64 MiB`."""
    tenths, unit = count_bytes * 10, 0
    while tenths >= 10240 and unit < len(_SIZES) - 1:
        tenths, unit = tenths // 1024, unit + 1
    whole, tenth = divmod(tenths, 10)
    return f"{whole}.{tenth} {_SIZES[unit]}" if tenth else f"{whole} {_SIZES[unit]}"


def plural(count: int, noun: str, many: str = "") -> str:
    """A counted noun: `1 check`, `2 checks`; `many` for words that do not just take an s."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def some(names: Sequence[str], limit: int = 5) -> str:
    """At most `limit` names, and how many more there are: `a, b and 3 more`."""
    if len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"
