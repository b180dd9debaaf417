"""What the scheduler can say comes next: an event to be recorded, or a deed to be done."""

from msgspec import Struct

from vibeguard.core.model.events import Event


class EnterGroup(Struct, frozen=True):
    """The check has a slot and, within this run, its group. If another run has that: `block`."""

    check: str
    group: str


class LeaveGroup(Struct, frozen=True):
    """No check of this run has the group any more: other runs may."""

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
