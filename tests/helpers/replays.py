"""Replays events through a format, as `report` does."""

from collections.abc import Iterable
from typing import Any

from tests.helpers.histories import RUN_ID
from vibeguard.core.fold.fold import apply
from vibeguard.core.formats.base import NOTHING_MORE, Ending, FormatOptions
from vibeguard.core.formats.registry import make_format
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.wording.sanitise import break_commands

RUN_FOLDER = f".vibeguard/runs/{RUN_ID}"


def replay(
    name: str, events: Iterable[Event], *, ending: Ending = NOTHING_MORE, **options: Any
) -> str:
    """Everything that a reader gets of these events, `finish` included."""
    fmt = make_format(name, FormatOptions(**{"run_folder": RUN_FOLDER, **options}))
    state = State()
    parts = []
    for event in events:
        apply(state, event)
        parts.append(fmt.feed(state, event))
    parts.append(fmt.finish(state, ending))
    if options.get("ci") and not fmt.exact:
        parts = [break_commands(part) for part in parts]  # as every writer does
    return "".join(parts)
