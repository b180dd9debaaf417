"""For readers: which runs a state folder has, in order, and which of them is meant."""

from typing import Final

from vibeguard.core.problems import RunIncomplete
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.rundir.order import outermost, read_order
from vibeguard.system.rundir.references import resolve_run
from vibeguard.system.vouching.inquiry import statements_of

# Two supervisors agree as soon as one that starts has told the other.
AGREEMENT_S: Final = 1.0
_POLL_S: Final = 0.02


def find_run(state_dir: str, reference: str = "latest") -> str:
    """The folder of the run that `reference` means. Raises RunNotFound or RunIncomplete."""
    return resolve_run(state_dir, reference, known_runs)


def known_runs(state_dir: str) -> list[str]:
    """The ids of the runs that were started from outside of any check, oldest first.

    As the supervisors that live say; else as the record says. Raises RunIncomplete when
    supervisors do not agree: one of them is none then, or belongs to a check.
    """
    give_up = monotonic_s() + AGREEMENT_S
    while True:
        said = [each.runs for each in statements_of(state_dir) if each is not None]
        orders = [outermost(runs) for runs in said] or [_recorded(state_dir)]
        if all(order[-1:] == orders[0][-1:] for order in orders):
            return min(orders, key=len)
        if monotonic_s() >= give_up:
            raise RunIncomplete(
                "the supervisors of this folder do not agree which run is the latest",
                "name the run: vibeguard runs",
            )
        sleep_s(_POLL_S)


def runs_going_on(state_dir: str) -> frozenset[str]:
    """The runs of which a supervisor says that they go on, whatever became of their logs."""
    said = [each.live for each in statements_of(state_dir) if each is not None]
    return frozenset(run_id for live in said for run_id in live)


def _recorded(state_dir: str) -> list[str]:
    try:
        return outermost(read_order(state_dir))
    except OSError as error:
        raise RunIncomplete(
            f"the record of the order of runs cannot be read: {error.strerror}",
            "name the run: vibeguard runs",
        ) from error
