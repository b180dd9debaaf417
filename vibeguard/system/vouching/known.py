"""For readers: which runs a state folder has, in order, and which of them is meant."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from vibeguard.core.problems import RunIncomplete, UsageError
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.rundir.ids import dying_folder, place_of, run_folder, run_ids
from vibeguard.system.rundir.order import NAME, outermost, read_order
from vibeguard.system.vouching.inquiry import statements_of

# Two supervisors agree as soon as one that starts has told the other.
AGREEMENT_S: Final = 1.0
POLL_S: Final = 0.02
_LATEST: Final = re.compile(r"latest(?:~(\d{1,6}))?", re.ASCII)
_SHOWN: Final = 5


class RunNotFound(UsageError):
    """No run, or more than one, is meant by what the user wrote (exit 2)."""


def find_run(state_dir: str, reference: str = "latest") -> str:
    """The folder of the run that `reference` means. Raises RunNotFound or RunIncomplete.

    That is an id, any unique prefix of it, `latest` or `latest~1`: these count back in the order of
    the starts, whatever there is in runs/ and whatever the `latest` link says.
    """
    latest = _LATEST.fullmatch(reference)
    if latest and (known := known_runs(state_dir)):
        return _there(state_dir, _counted_back(known, int(latest[1] or 0)))
    ids = run_ids(state_dir)
    if not ids:
        raise RunNotFound(f"there is no run in {state_dir}", "start one: vibeguard run")
    if latest:
        raise RunNotFound(
            f"no run in {state_dir} was started outside of a check",
            "name one: vibeguard runs",
        )
    matches = [run_id for run_id in ids if reference and run_id.startswith(reference)]
    if reference in matches:
        matches = [reference]
    if not matches:
        raise RunNotFound(f"there is no run {reference!r}", "see what there is: vibeguard runs")
    if len(matches) > 1:
        shown = ", ".join(matches[-_SHOWN:])
        more = f" and {len(matches) - _SHOWN} more" if len(matches) > _SHOWN else ""
        raise RunNotFound(
            f"{reference!r} means {len(matches)} runs: {shown}{more}", "add more of the id"
        )
    return run_folder(state_dir, matches[0])


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
        sleep_s(POLL_S)


def runs_going_on(state_dir: str) -> frozenset[str]:
    """The runs of which a supervisor says that they go on, whatever became of their logs."""
    said = [each.live for each in statements_of(state_dir) if each is not None]
    return frozenset(run_id for live in said for run_id in live)


def was_removed(folder: str) -> bool:
    """Whether a run that was found is no more: pruned, or its whole state folder was removed.

    One that goes on is not: its folder was taken away by somebody who may not.
    """
    state_dir, run_id = place_of(folder)
    if os.path.lexists(folder) or run_id in runs_going_on(state_dir):
        return False
    if os.path.lexists(dying_folder(state_dir, run_id)):
        return True  # from before the record says so until after that
    with suppress(OSError):
        return run_id not in {run.run_id for run in read_order(state_dir)}
    return False


def _recorded(state_dir: str) -> list[str]:
    try:
        return outermost(read_order(state_dir))
    except OSError as error:
        raise RunIncomplete(
            f"the record of the runs, {os.path.join(state_dir, NAME)}, cannot be read: "
            f"{error.strerror}",
            "make it readable or remove it, or name the run: vibeguard runs",
        ) from error


def _there(state_dir: str, run_id: str) -> str:
    """The folder of a known run; if it was taken away, no older one takes its place."""
    folder = run_folder(state_dir, run_id)
    if not os.path.lexists(folder):
        raise RunNotFound(
            f"run {run_id} has no folder: it could not begin, or was removed",
            "run again: vibeguard run, or name another one: vibeguard runs",
        )
    return folder


def _counted_back(ids: Sequence[str], steps: int) -> str:
    if steps >= len(ids):
        kept = "1 run is" if len(ids) == 1 else f"{len(ids)} runs are"
        raise RunNotFound(
            f"there is no latest~{steps}: {kept} kept",
            f"the oldest is latest~{len(ids) - 1}",
        )
    return ids[-1 - steps]
