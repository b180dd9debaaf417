"""What the checks of a run have made of the files that they began on, once all of them are gone.

Only then: nobody else must reap the children that git is.
"""

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.differing import Differing
from vibeguard.core.model.event_parts import TreeChange, VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.names import OnChange
from vibeguard.core.problems import UsageError
from vibeguard.core.report.epoch import started_ns
from vibeguard.core.wording.units import some
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.differing import (
    Committed,
    ask_ahead,
    changed_files,
    committed_and_written,
    differing,
    hold_otherwise,
    version_control,
    written_unseen,
)
from vibeguard.system.discovery.vcs import TIMEOUT_S, AskedAhead
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.reuse.tree import named_tree, with_identity
from vibeguard.system.rundir.files import write_new

if TYPE_CHECKING:
    from vibeguard.system.staged.staged_view import LaidOut

PATCH: Final = "staged.patch"
MOST_NAMED: Final = 10  # files that were changed meanwhile
LONGEST_TICK_NS: Final = 10_000_000  # times of files lag behind the clock by so much at most


class Afterwards(Struct, frozen=True, array_like=True):
    """What git names as changed since a run began, or why it does not, and what it passes over.

    `unseen` are the written files that it was told not to look at, `written` all of the commit.
    """

    named: list[bytes]
    untold: str
    unseen: list[bytes]
    written: list[Committed]


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
    afterwards: Afterwards | None = None,
) -> TreeChange | None:
    """The files that the run or somebody else has changed, where a check wants it said.

    `now` is what `tree_at_the_end` gave; `afterwards` is taken where it is known already.
    """
    began, before = launch.version_control, launch.differing
    if before is None or not wants_changes(state):
        return None
    if began is not None and now is not None and began.content == now.content != "":
        return None  # the same bytes lie everywhere: git need not be asked
    seen = afterwards or look_afterwards(launch, before, since_ns(state))
    paths, untold = sorted({*seen.named, *seen.unseen}), seen.untold
    if not paths and not untold:
        untold = _said_without_a_name(launch, seen.written, now)
    copies = _below_the_root(launch.log_dir, os.fsdecode(launch.folder))
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


def look_afterwards(
    launch: Launch,
    before: Differing,
    since_ns: int,
    ahead: AskedAhead | None = None,
    *,
    still: bool = False,
) -> Afterwards:
    """What git says, and the files of the commit that were written, told by their times.

    `ahead` is git at work. With `still` no file that git lists has been written: of the commit none
    either, as long as it is the present one, since what is not listed of that is named.
    """
    folder, environment = os.fsdecode(launch.folder), launch.environment
    ahead = ahead or ask_ahead(folder, environment)  # it looks at the tree while we do
    ask = partial(committed_and_written, folder, environment, before, since_ns, TIMEOUT_S)
    try:
        unseen = written_unseen(folder, environment, since_ns, TIMEOUT_S)
        written = [] if still or remembers_bytes(launch) else ask()
        now = differing(folder, environment, TIMEOUT_S, ahead)
    finally:
        if ahead is not None:
            ahead.discard()
    if still and (now is None or now.head != before.head):
        written = ask()
    named, untold = changed_files(folder, before, now)
    return Afterwards(named, untold, unseen, written)


def remembers_bytes(launch: Launch) -> bool:
    """Whether it is known what every file of the tree held when the run began."""
    return launch.version_control is not None and launch.version_control.content != ""


def _said_without_a_name(
    launch: Launch, committed: Iterable[Committed], now: VersionControl | None
) -> str:
    """What to say of a tree in which git names no changed file; empty where nothing was changed."""
    folder, began = os.fsdecode(launch.folder), launch.version_control
    if began is not None and began.content:
        differs = _is_another(began, now, folder)
        return "git names none, yet not every file holds what it did" if differs else ""
    written = hold_otherwise(folder, committed)
    if not written:
        return ""
    names = some([path.decode("utf-8", "backslashreplace") for path in written], 3)
    return f"git names none, yet {names} was written, and the commit holds other bytes"


def since_ns(state: State) -> int:
    """The moment from which on whatever is written was written in the run, or just before."""
    return started_ns(state) - LONGEST_TICK_NS


def _is_another(began: VersionControl | None, now: VersionControl | None, folder: str) -> bool:
    """Whether the files hold other bytes; a repository with submodules is left out."""
    if began is None or now is None or not began.content or not now.content:
        return False
    root = repository_root(folder) or folder
    return began.content != now.content and not os.path.lexists(f"{root}/.gitmodules")


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
