"""Every single mutation of a history that a forger who can count and seal would think of."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import asdict, replace

from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.names import (
    AttemptEnd,
    CancelReason,
    CheckState,
    Outcome,
    Pool,
    Reason,
    TerminationReason,
    Verdict,
    WhilePending,
)

_WORDS = (
    AttemptEnd,
    CancelReason,
    CheckState,
    Outcome,
    Pool,
    Reason,
    TerminationReason,
    Verdict,
    WhilePending,
)
_COUNTING = ("attempt", "attempts", "number")


def mutations(events: Sequence[Event], checks: Sequence[str]) -> Iterator[tuple[str, list[Event]]]:
    """Each mutation by its name: an event dropped, doubled, swapped with the next, or changed.

    The first event (who ran) and the plan (what was to be run) stay: another plan is another run.
    Numbers, times and the seal are made to fit, as a forger would.
    """
    for place in range(2, len(events) - 1):
        event = events[place]
        kind = f"{place} {type(event).__name__}"
        yield f"drop {kind}", _fitted([*events[:place], *events[place + 1 :]])
        yield f"double {kind}", _fitted([*events[: place + 1], *events[place:]])
        following = events[place + 1]
        swapped = [*events[:place], following, event, *events[place + 2 :]]
        if not isinstance(following, LogSealed):
            yield f"swap {kind} with {type(following).__name__}", _fitted(swapped)
        for field, value in asdict(event).items():
            for other in _others(field, value, checks):
                changed = replace(event, **{field: other})
                content = [*events[:place], changed, *events[place + 1 :]]
                yield f"{field} of {kind}: {value!r} -> {other!r}", _fitted(content)


def _others(field: str, value: Any, checks: Sequence[str]) -> Iterator[Any]:
    """The values that this field could have instead, as far as they mean anything."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, _WORDS):
        yield from (word for word in type(value) if word is not value)
        if isinstance(value, Reason):
            yield None
    elif field == "reason" and value is None:
        yield from Reason
    elif field in _COUNTING:
        yield from (value - 1, value + 1)
    elif field == "exit_code":
        yield from (code for code in (None, 0, 1, 2, 130, 143) if code != value)
    elif field in ("check", "requirement", "cause", "by"):
        yield from (id_ for id_ in ("", "nobody", *checks) if id_ != value)
    elif field == "assertion_result":
        yield from (True, False)
    elif field == "counts":
        yield from ({**value, word: count + 1} for word, count in value.items())
        yield from ({k: v for k, v in value.items() if k != word} for word in value)
    elif field in ("checks", "pending"):
        yield from (tuple(c for c in value if c != left_out) for left_out in value)
        yield from ((*value, id_) for id_ in checks if id_ not in value)


def _fitted(events: Sequence[Event]) -> list[Event]:
    """Numbered without gaps, dated in order, sealed with the right count."""
    times = sorted(event.t for event in events)
    fitted = [
        replace(event, seq=seq, t=t)
        for seq, (event, t) in enumerate(zip(events, times, strict=True))
    ]
    if isinstance(fitted[-1], LogSealed):
        fitted[-1] = replace(fitted[-1], events=len(fitted) - 1)
    return fitted
