"""Keys of a check that cannot stand together, or not with the settings."""

from collections.abc import Iterator

from vibeguard.core.config.drafts import CheckDraft
from vibeguard.core.config.nodes import Node
from vibeguard.core.config.value_reader import place_of
from vibeguard.core.lang.errors import quoted
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.settings import LEAST_LEASE_NS, Settings
from vibeguard.core.names import GitEnvironment, LeakPolicy, OnChange, StalePolicy

# Where it is told, what is wrong, what to do.
Clash = tuple[Node, str, str]
# What is said about results, and what says nothing.
_ABOUT_RESULTS = {"expect": None, "quarantine": None, "stale": StalePolicy.REFUSE}


def clashes(
    draft: CheckDraft, check: CheckConfig, settings: Settings, is_async: bool
) -> Iterator[Clash]:
    """What a check has that it cannot have beside its other keys; `draft` knows the places."""
    if check.pass_files and check.shell not in ("sh", "bash"):
        # Only a shell whose words behind the script are known can be handed files.
        what = f"pass_files needs sh or bash; {check.id} has the shell {quoted(check.shell)}"
        do = "read the list that VIBEGUARD_FILES names, or use another shell"
        yield draft.id, what, do
    keeps_git = draft.values.get("git_env") is GitEnvironment.KEEP
    if keeps_git and is_async:
        what = f"git_env: keep is for checks in the foreground; {check.id} is async"
        yield place_of(draft.node, "git_env"), what, "remove git_env, or give it async: false"
    for key, plain in _ABOUT_RESULTS.items():
        if getattr(check, key) is not plain and not check.results:  # guessed ones are not meant
            place = draft.node.keys.get(key, draft.node)
            what = f'"{key}" is about results, and there are none'
            yield place, what, 'add "results: ..." that says where they are'
    if check.where is not None:
        for key, what, do in _elsewhere(check, settings, keeps_git=keeps_git):
            yield place_of(draft.node, key), f"check {quoted(check.id)}: {what}", do


def _elsewhere(
    check: CheckConfig, settings: Settings, *, keeps_git: bool
) -> Iterator[tuple[str, str, str]]:
    """What a check on another machine cannot have, by key."""
    if settings.pool is None:
        yield "where", "there is no pool of workers", "add settings.pool"
    elif settings.pool.lease_ns < LEAST_LEASE_NS:
        yield "where", "settings.pool.lease is under 2s", "give it 2s or more"
    if check.group:
        what = "a group holds on one machine, and the check has where"
        yield "group", what, "remove one of the two"
    if check.leaks is LeakPolicy.IGNORE:
        what = "a worker leaves nothing running, and the check has where"
        yield "leaks", what, "use leaks: warn or fail"
    if keeps_git:
        what = "git's variables of this machine mean nothing on a worker"
        yield "git_env", what, "remove git_env or where"
    if check.on_change is OnChange.FAIL:
        what = "nobody looks at what a check changes on a worker"
        yield "on_change", what, "use on_change: note or allow"
