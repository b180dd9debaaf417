"""`run --staged`: the index is frozen, its config read, and handed to the supervisor to lay out."""

import glob
import os

from msgspec.structs import replace

from vibeguard.commands.loading import Loaded, locate
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.plan import Plan
from vibeguard.core.names import GitEnvironment, LeakPolicy
from vibeguard.core.problems import UsageError
from vibeguard.system.channel import Launch, Staged
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.discovery.vcs import tree_of_commit
from vibeguard.system.staged.frozen import Frozen, freeze


def freeze_index(common: GlobalOptions, state_dir: str) -> Frozen:
    """What is staged now. Raises UsageError where nothing can be, or paths are unmerged."""
    return freeze(locate(common).folder, state_dir, caller_environment())


def of_what_is_staged(launch: Launch, frozen: Frozen, loaded: Loaded) -> Launch:
    """With what is to be laid out, and what is known of it. Raises UsageError."""
    _refuse_what_cannot(launch.plan)
    return replace(
        launch, staged=_to_lay_out(frozen, loaded), version_control=_version_control(frozen)
    )


def _refuse_what_cannot(plan: Plan) -> None:
    """Raises UsageError for checks that cannot be held to what is staged."""
    for check in plan.checks:
        if check.git_env is GitEnvironment.KEEP:
            what = f"{check.id} has git_env: keep, and would write into the index that is checked"
            do = "remove it: what it changes is kept as a patch; or leave out --staged"
            raise UsageError(what, do)
        if check.leaks is LeakPolicy.IGNORE:
            what = f"{check.id} has leaks: ignore, and what it leaves would outlast what it sees"
            raise UsageError(what, "use leaks: warn or fail, or leave out --staged")
        if check.where is not None:
            what = f"{check.id} is for workers, which get the work tree and not what is staged"
            raise UsageError(what, "run it here: --local; or leave out --staged")


def _to_lay_out(frozen: Frozen, loaded: Loaded) -> Staged:
    """What the supervisor is to lay out."""
    patterns = (
        os.path.join(loaded.located.config_folder, name) for name in loaded.config.settings.keep
    )
    kept = sorted({path for pattern in patterns for path in glob.iglob(pattern)})
    real_root = os.path.realpath(frozen.root)
    return Staged(
        root=os.fsencode(frozen.root),
        git_dir=os.fsencode(frozen.git_dir),
        common_dir=os.fsencode(frozen.common_dir),
        scratch=os.fsencode(frozen.scratch.path),
        head=frozen.head,
        tree=frozen.tree,
        keep=tuple(
            os.fsencode(os.path.join(real_root, os.path.relpath(path, frozen.root)))
            for path in kept
        ),
    )


def _version_control(frozen: Frozen) -> VersionControl:
    """The commit that is checked: the tree is that of the next one."""
    known = tree_of_commit(frozen.root, frozen.environment, frozen.head) if frozen.head else ""
    return VersionControl(head=frozen.head, dirty=frozen.tree != known, tree=frozen.tree)
