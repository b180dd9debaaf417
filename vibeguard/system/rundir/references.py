"""What a user may call a run: its id, any unique prefix of it, `latest`, `latest~1`."""

import os
import re
from typing import Final

from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.ids import run_folder, run_ids

_LATEST: Final = re.compile(r"latest(?:~(\d{1,6}))?", re.ASCII)
_SHOWN: Final = 5


class RunNotFound(UsageError):
    """No run, or more than one, is meant by what the user wrote (exit 2)."""


def resolve_run(state_dir: str, reference: str = "latest") -> str:
    """The folder of the run that `reference` means. Raises RunNotFound.

    `latest` is the newest folder in runs/, whatever the `latest` link says.
    """
    ids = run_ids(state_dir)
    if not ids:
        raise RunNotFound(f"there is no run in {state_dir}", "start one: vibeguard run")
    latest = _LATEST.fullmatch(reference)
    if latest:
        return run_folder(state_dir, _counted_back(ids, int(latest[1] or 0)))
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


def run_id_of(folder: str) -> str:
    """The id of the run in `folder`."""
    return os.path.basename(folder)


def _counted_back(ids: list[str], steps: int) -> str:
    if steps >= len(ids):
        raise RunNotFound(
            f"there is no latest~{steps}: {len(ids)} runs are kept",
            f"the oldest is latest~{len(ids) - 1}",
        )
    return ids[-1 - steps]
