"""Where the checks of a staged run run: at the same path in an overlay, else in a copy."""

import os
from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.event_parts import StagedView
from vibeguard.core.names import StagedWay
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import size
from vibeguard.system.channel import Launch, Staged
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.tree import INDEX, copy_index
from vibeguard.system.rundir.files import told
from vibeguard.system.staged.copying import copy_kept, copy_staged, pointers_back
from vibeguard.system.staged.overlay import Beneath, cover, lay_out
from vibeguard.system.staged.repository import NOT_LAID_OUT, Repository
from vibeguard.system.staged.scratch import Scratch, join_scratch

_LAID_OUT: Final = "laid-out"  # the index of the view, as it was before the first check
_MOST_NAMED: Final = 4
_PORTION: Final = 500  # files: about a millisecond
_LARGEST_PATCH: Final = 64 << 20
PATCH_S: Final = 5.0  # a verdict waits for it, and Ctrl-C does


class LaidOut(Struct):
    """What is staged, laid out. `launch` is the run's, with the folders that its checks run in."""

    launch: Launch
    way: StagedView
    root: str
    scratch: Scratch
    beneath: Beneath | None

    def patch(self) -> bytes:
        """What the checks have made of the files that are staged, for `git apply --cached`.

        Raises UsageError where git makes none in time (or at all, for a check has damaged the
        repository), or one that is too large.
        """
        index = os.fsencode(os.path.join(self.scratch.path, _LAID_OUT))
        own = without_git_locals(self.launch.environment) | {b"GIT_INDEX_FILE": index}
        words = ("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv")
        git = Repository(self.root, own, PATCH_S).git
        try:
            made = git(*words, "--src-prefix=a/", "--dst-prefix=b/")
        except UsageError as error:
            raise UsageError(error.what.removeprefix(NOT_LAID_OUT), error.do) from None
        if len(made) > _LARGEST_PATCH:
            raise UsageError(f"it is over {size(_LARGEST_PATCH)}", "stage less at once")
        return made

    async def moved(self) -> list[str]:
        """Up to `_MOST_NAMED` files of the work tree that were edited since they were laid out.

        Looked at in portions: everything else of the run goes on meanwhile.
        """
        found: list[str] = []
        if self.beneath is None:
            return found  # a copy is nobody else's
        for number, (path, facts) in enumerate(self.beneath.remembered()):
            if number % _PORTION == 0:
                await trio.lowlevel.checkpoint()
            if self.beneath.facts(path) != facts:
                found.append(os.fsdecode(path).encode(errors="replace").decode())
                if len(found) == _MOST_NAMED:
                    break
        return found

    def close(self) -> None:
        """Take away what was made for it on the disk."""
        self.scratch.remove()


def open_view(launch: Launch, staged: Staged, held: Callable[[], None]) -> LaidOut:
    """Lay out what is staged and say where. Raises UsageError where that cannot be done.

    `held` is called once nobody else has to hold the scratch folder.
    """
    scratch = join_scratch(os.fsdecode(staged.scratch))
    if scratch is None:
        raise UsageError("what was staged was taken away meanwhile", "start the run again")
    held()
    try:
        return _view(launch, staged, scratch)
    except OSError as error:
        scratch.remove()
        what = f"what is staged cannot be laid out: {told(error)}"
        raise UsageError(what, "mend that, or leave out --staged") from error
    except UsageError:
        scratch.remove()
        raise


def _view(launch: Launch, staged: Staged, scratch: Scratch) -> LaidOut:
    root = os.path.realpath(os.fsdecode(staged.root))
    common_dir = os.path.realpath(os.fsdecode(staged.common_dir))
    apart = () if common_dir.startswith(root + "/") else (common_dir,)
    try:
        covered = cover(root, apart, _written_for_real(launch, root))
    except OSError as refusal:
        return _copied(launch, staged, scratch, str(refusal.strerror or refusal))
    lay_out(
        Repository(root, without_git_locals(launch.environment)),
        staged,
        covered,
        [os.path.relpath(os.fsencode(kept), os.fsencode(root)) for kept in staged.keep],
    )
    copy_index(
        os.path.join(os.fsdecode(staged.git_dir), "index"), os.path.join(scratch.path, _LAID_OUT)
    )
    for folder in map(os.fsdecode, (launch.folder, launch.config_folder)):
        if not os.path.isdir(folder):
            raise UsageError(
                f"of the folder {sanitise(folder)} nothing is staged", "stage it, or its config"
            )
    return LaidOut(launch, StagedView(StagedWay.NAMESPACE), root, scratch, covered.work_tree)


def _written_for_real(launch: Launch, root: str) -> list[str]:
    """The folders below the root that are no part of the view."""
    folders = {os.path.realpath(os.fsdecode(f)) for f in (launch.state_dir, launch.log_dir) if f}
    return sorted(folder for folder in folders if folder.startswith(root + "/"))


def _copied(launch: Launch, staged: Staged, scratch: Scratch, why: str) -> LaidOut:
    """The same elsewhere; every path of the launch that leads into the root leads there then."""
    root = os.path.realpath(os.fsdecode(staged.root))
    plain = without_git_locals(launch.environment)
    _refuse_environment(launch, root)
    copy = scratch.place_for_copy(os.path.basename(root) or "root")
    index = {b"GIT_INDEX_FILE": os.fsencode(os.path.join(scratch.path, INDEX))}
    copy_staged(staged, Repository(root, plain | index), Repository(copy, plain))
    copy_kept(root, copy, [os.path.relpath(os.fsdecode(kept), root) for kept in staged.keep])
    copy_index(os.path.join(copy, ".git", "index"), os.path.join(scratch.path, _LAID_OUT))
    moved = [_moved(folder, root, copy) for folder in (launch.folder, launch.config_folder)]
    launch = replace(launch, folder=moved[0], config_folder=moved[1], stands_for=launch.folder)
    return LaidOut(launch, StagedView(StagedWay.COPY, why), copy, scratch, None)


def _moved(folder: bytes, root: str, copy: str) -> bytes:
    below = os.path.relpath(os.path.realpath(os.fsdecode(folder)), root)
    if below.startswith(".."):
        return folder
    moved = os.path.normpath(os.path.join(copy, below))
    if not os.path.isdir(moved):
        raise UsageError(f"of the folder {sanitise(below)} nothing is staged", "stage its config")
    return os.fsencode(moved)


def _refuse_environment(launch: Launch, root: str) -> None:
    """An active virtual environment with an editable install would run what is not staged."""
    active = os.fsdecode(launch.environment.get(b"VIRTUAL_ENV", b""))
    if not active:
        return
    for pointer in pointers_back(active, root):
        name = sanitise(os.path.join(root, pointer))
        what = f"the active virtual environment leads back into the work tree: {name}"
        raise UsageError(what, "deactivate it, or run where mount namespaces are allowed")
