"""The folders that a command is about: the caller's, and where the runs are; no config is read."""

import os

from vibeguard.commands.options import GlobalOptions
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.whereabouts import find_state_dir, state_dir_of_config
from vibeguard.system.rundir.refused import newest_start
from vibeguard.system.rundir.state_folder import state_folder

_NAMED = ("VIBEGUARD_CONFIG", "VIBEGUARD_STATE_DIR")


def state_dir_of_runs(common: GlobalOptions) -> str:
    """The state folder that commands about runs mean; it may not exist.

    Of the nearest one, left by a run whose config was named, and that of the config above it is the
    one with the newest start. Raises StateFolderRefused where it cannot be trusted.
    """
    path = find_state_dir(common.state_dir, os.environ, working_folder())
    named = (common.config, common.state_dir, *map(os.environ.get, _NAMED))
    other = None if any(named) else state_dir_of_config(working_folder())
    if other not in (None, path):
        path = max(path, other, key=newest_start)
    return state_folder(os.path.dirname(path), override=path, create=False)


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
