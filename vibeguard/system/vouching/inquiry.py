"""What supervisors and readers say to each other, and asking every supervisor of a folder.

Where none lives nothing happens, and nothing more is imported.
"""

from msgspec import Struct

from vibeguard.system.rundir.order import OrderedRun
from vibeguard.system.vouching.place import claimants


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


def statements_of(state_dir: str, *, but: str = "") -> list[Statement | None]:
    """What each supervisor of the folder says; None for one that does not answer, or not rightly.

    Everybody who claims to be one is asked: an impostor can only make a run less trusted. The one
    at the socket `but` is left out: that of the asker, a supervisor that starts.
    """
    return tell_all(state_dir, Ask(starting=bool(but)), but=but)


def tell_all(state_dir: str, request: Request, *, but: str = "") -> list[Statement | None]:
    """The same for any request: of a run of ours that has begun, was sealed or was pruned.

    A supervisor that cannot be reached will not vouch for the run; nothing worse happens.
    """
    answers: list[Statement | None] = []
    for name in claimants(state_dir):
        if name == but:
            continue
        from vibeguard.system.vouching.exchange import SomebodyElse, exchange  # noqa: PLC0415 - sockets

        try:
            answer = exchange(name, request)
        except SomebodyElse:
            continue
        if answer is not None or name in claimants(state_dir):  # else it has ended meanwhile
            answers.append(answer)
    return answers
