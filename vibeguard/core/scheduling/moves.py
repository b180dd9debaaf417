"""What the scheduler can say comes next: an event to be recorded, or something to be done."""

from msgspec import Struct

from vibeguard.core.model.events import Event


class EnterGroup(Struct, frozen=True):
    """Take the group's lock for the check, which has a slot. If another run has it: `block`."""

    check: str
    group: str


class LeaveGroup(Struct, frozen=True):
    """Release the group's lock: no check of this run holds the group any more."""

    group: str


class Start(Struct, frozen=True):
    """Start the check's attempt. It has its slots until `check.started` says that it uses them."""

    check: str


class LookUp(Struct, frozen=True):
    """Ask whether earlier passes stand for these ready checks.

    Each waits until it settles as reused, or `nothing_stands_for` says that it has to run.
    """

    checks: tuple[str, ...]


Move = Event | EnterGroup | LeaveGroup | Start | LookUp
