"""What a user may call a run: its id, any unique prefix of it, `latest`, `latest~1`."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Final

from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.ids import run_folder, run_ids

_LATEST: Final = re.compile(r"latest(?:~(\d{1,6}))?", re.ASCII)
_SHOWN: Final = 5


class RunNotFound(UsageError):
    """No run, or more than one, is meant by what the user wrote (exit 2)."""


def resolve_run(state_dir: str, reference: str, known_runs: Callable[[str], Sequence[str]]) -> str:
    """The folder of the run that `reference` means. Raises RunNotFound.

    `latest` counts back in the `known_runs` of the state folder, in the order of their starts,
    whatever there is in runs/ and whatever the `latest` link says.
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
