"""What supervisors and readers say to each other about the runs of a folder."""

from msgspec import Struct

from vibeguard.system.rundir.order import OrderedRun


class Ask(Struct, tag=True, frozen=True):
    """The question what a supervisor knows; one that starts itself waits for no other's start."""

    starting: bool = False


class Tell(Struct, tag=True, frozen=True):
    """A run of my own that has begun, or was sealed."""

    run: OrderedRun


class Forget(Struct, tag=True, frozen=True):
    """Runs that were pruned."""

    run_ids: tuple[str, ...]


class Statement(Struct, frozen=True):
    """What a supervisor knows: every run, in the order of their starts.

    `live` holds those that go on, with pid and start time of the process that runs them. One that
    is `starting` knows nothing yet.
    """

    runs: tuple[OrderedRun, ...] = ()
    live: dict[str, tuple[int, int]] = {}
    starting: bool = False


Request = Ask | Tell | Forget
