"""Real journals in real folders, with a clock that only counts."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

from msgspec.structs import force_setattr

from tests.helpers.logs import every_event
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.system.journal.creation import RESERVE_BYTES
from vibeguard.system.journal.writer import Journal
from vibeguard.system.rundir.order import outermost, read_order
from vibeguard.system.rundir.state_folder import state_folder

TICK_NS = 10_000_000_000
NOW_NS = 1_795_500_000_000_000_000


def open_journal(
    parent: Path, *, now_ns: int = NOW_NS, reserve_bytes: int = RESERVE_BYTES
) -> Journal:
    """A new run below `parent`; its clock advances by ten seconds an event."""
    state_dir = state_folder(str(parent / ".vibeguard"), create=True)
    ticks = count(0, TICK_NS)
    return Journal(state_dir, now_ns=now_ns, clock=lambda: next(ticks), reserve_bytes=reserve_bytes)


def unsealed_events() -> list[Event]:
    """A whole legal run without its seal, not stamped."""
    events: list[Event] = [event for event in every_event() if not isinstance(event, LogSealed)]
    for event in events:
        force_setattr(event, "seq", -1)
    return events


def write_run(journal: Journal, events: Iterable[Event] = ()) -> Journal:
    """Append a whole run (or `events`) and leave the log unsealed."""
    for event in events or unsealed_events():
        journal.append(event)
    return journal


def recorded_runs(state_dir: str) -> list[str]:
    """The runs that the record of their order names."""
    return outermost(read_order(state_dir))
