"""The folders that a command is about: the caller's, and where the runs are; no config is read."""

import os

from vibeguard.commands.options import GlobalOptions
from vibeguard.core.problems import UsageError
from vibeguard.system.clock import wall_ns
from vibeguard.system.discovery.environment import is_in_a_check
from vibeguard.system.discovery.whereabouts import (
    find_state_dir,
    state_dir_of_config,
    state_dirs_above,
)
from vibeguard.system.rundir.ids import is_run_id, started_ns
from vibeguard.system.rundir.refused import newest_start
from vibeguard.system.rundir.state_folder import state_folder
from vibeguard.system.vouching.place import all_claimants, claimants

_NAMED = ("VIBEGUARD_CONFIG", "VIBEGUARD_STATE_DIR")


def state_dir_of_runs(common: GlobalOptions) -> str:
    """The state folder that commands about runs mean; it may not exist.

    Where a supervisor lives it is the nearest one that has one. Else, of the nearest one, left by a
    run whose config was named, and that of the config above it the one with the newest start.
    Raises StateFolderRefused where it cannot be trusted.
    """
    path = find_state_dir(common.state_dir, os.environ, working_folder())
    if not any((common.config, common.state_dir, *map(os.environ.get, _NAMED))):
        path = _supervised() or _with_newest_start(path, state_dir_of_config(working_folder()))
    return state_folder(path, create=False)


def _supervised() -> str:
    """The nearest state folder of which a supervisor lives; empty for none.

    Its checks may have put another one, with a run that passed, into a folder below. What runs
    inside a check means the folder that it is in.
    """
    if is_in_a_check(os.environb) or not all_claimants():
        return ""
    return next(filter(claimants, state_dirs_above(working_folder())), "")


def _with_newest_start(nearest: str, of_config: str | None) -> str:
    """Of the two, if they are two. Raises UsageError where nobody can say which it is."""
    if of_config in (None, nearest):
        return nearest
    newest, path = max((newest_start(path), path) for path in (nearest, of_config))
    if is_run_id(newest) and started_ns(newest) > wall_ns():
        raise UsageError(
            f"{path} has a run of a time that is still to come: the clock was set back, or "
            "somebody made it up",
            f"name the folder that you mean: --state-dir {nearest} or {of_config}",
        )
    return path


def working_folder() -> str:
    """The caller's folder. Raises UsageError where it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise gone() from error


def gone() -> UsageError:
    """What is told where the caller's folder has been removed."""
    return UsageError("the working folder does not exist any more", "go to one that does")


def shown_path(path: str) -> str:
    """A path as messages show it: from the caller's folder where that is short."""
    relative = os.path.relpath(path, working_folder())
    return path if relative.startswith(os.path.join("..", "..", "..")) else relative
