"""What the checks of a run have made of the files that they began on, once all of them are gone.

Only then: nobody else must reap the children that git is.
"""

import os
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from vibeguard.core.model.differing import Differing
from vibeguard.core.model.event_parts import TreeChange, VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.names import OnChange
from vibeguard.core.problems import UsageError
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.differing import changed_files, differing, version_control
from vibeguard.system.discovery.vcs import TIMEOUT_S
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.reuse.tree import named_tree, with_identity
from vibeguard.system.rundir.files import write_new

if TYPE_CHECKING:
    from vibeguard.system.staged.staged_view import LaidOut

PATCH: Final = "staged.patch"
MOST_NAMED: Final = 10  # files that were changed meanwhile


def tree_at_the_end(launch: Launch) -> VersionControl | None:
    """The state of the files once the checks are over, where that was asked for."""
    folder = os.fsdecode(launch.folder)
    found = None
    if launch.record_tree:
        told = differing(folder, launch.environment, TIMEOUT_S)
        found = version_control(folder, launch.environment, told)
        found = replace(found or VersionControl(), tree=named_tree(launch, exact=True))
    began = launch.version_control
    if began is None or not began.content:
        return found
    return with_identity(found, launch)


def changed_meanwhile(
    launch: Launch,
    state: State,
    now: VersionControl | None,
    told: Differing | None = None,
) -> TreeChange | None:
    """The files that the run or somebody else has changed, where a check wants it said.

    `now` is what `tree_at_the_end` gave; `told` is what git says, where it was asked already.
    """
    began, before, folder = launch.version_control, launch.differing, os.fsdecode(launch.folder)
    if before is None or not wants_changes(state):
        return None
    were, are = (one.content if one else "" for one in (began, now))
    if were == are != "":
        return None  # the same bytes lie everywhere: git need not be asked
    told = told or differing(folder, launch.environment, TIMEOUT_S)
    paths, untold = changed_files(folder, before, told)
    if were and are and not paths and not untold and not _has_submodules(folder):
        untold = "git names none, yet not every file holds what it did"
    copies = _below_the_root(launch.log_dir, folder)
    names = [
        path.decode("utf-8", "backslashreplace") for path in paths if not path.startswith(copies)
    ]
    if not names and not untold:
        return None
    return TreeChange(tuple(names[:MOST_NAMED]), max(len(names) - MOST_NAMED, 0), untold)


def wants_changes(state: State) -> bool:
    """Whether a check that has started wants it said what was changed."""
    return any(
        check.started is not None and check.planned.on_change is not OnChange.ALLOW
        for check in state.checks.values()
    )


def remembers_bytes(launch: Launch) -> bool:
    """Whether it is known what every file of the tree held when the run began."""
    return launch.version_control is not None and launch.version_control.content != ""


def _has_submodules(folder: str) -> bool:
    """Whether files inside of submodules may be others, of which git says nothing."""
    return os.path.lexists(f"{repository_root(folder) or folder}/.gitmodules")


def _below_the_root(log_dir: bytes, folder: str) -> bytes:
    """The beginning of paths that --log-dir has written, relative to the root."""
    root = os.fsencode(os.path.realpath(repository_root(folder) or folder))
    return os.path.relpath(os.path.realpath(log_dir), root) + b"/" if log_dir else b"/"


def keep_patch(view: "LaidOut | None", folder: str) -> tuple[str, str]:
    """Keep the patch of what checks have changed in staged files, which go with the view.

    The name of its file in the run folder, empty where there is none; and why it could not be kept.
    """
    try:
        patch = view.patch() if view else b""
        if patch:
            write_new(f"{folder}/{PATCH}", patch)
    except UsageError as error:
        return "", error.what
    except OSError as error:
        return "", error.strerror or type(error).__name__
    return PATCH if patch else "", ""
