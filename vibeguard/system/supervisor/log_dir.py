"""`--log-dir`: a folder that gets `<id>.log` of every check that ran."""

import os
from collections.abc import Iterable, Mapping

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.problems import LogWriteError

LONGEST_NAME_BYTES = 250  # with `.log`, what file systems take


def copy_outputs(folder: str, checks: Iterable[PlannedCheck], outputs: Mapping[str, str]) -> None:
    """Copy the output files, by check id, of these checks to `folder`. Raises LogWriteError."""
    import shutil  # noqa: PLC0415 - slow to import; supervisor.preload has it

    written: dict[str, list[str]] = {}
    try:
        os.makedirs(folder, exist_ok=True)
        for check in checks:
            if check.id in outputs:
                path = _copy_path(folder, check, written.setdefault(check.id.casefold(), []))
                shutil.copyfile(outputs[check.id], path)
    except OSError as error:
        raise LogWriteError(
            f"the outputs cannot be copied to {folder}: {error.strerror}",
            "name another folder: --log-dir",
        ) from error


def _copy_path(folder: str, check: PlannedCheck, alike: list[str]) -> str:
    """`<id>.log`, unless that is too long, or the file of an id that differs in case alone.

    `alike` are the paths of such ids; this one is added.
    """
    path = os.path.join(folder, f"{check.id}.log")
    too_long = len(check.id.encode()) > LONGEST_NAME_BYTES
    if too_long or any(os.path.exists(path) and os.path.samefile(path, one) for one in alike):
        path = os.path.join(folder, f"{check.stem}.log")
    alike.append(path)
    return path
