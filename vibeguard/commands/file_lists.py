"""The files that checks are handed (`pass_files`, VIBEGUARD_FILES), as lists for the supervisor."""

import os
from collections.abc import Collection, Iterable, Sequence

from vibeguard.commands.loading import Loaded
from vibeguard.core.model.plan import PlannedCheck, is_handed_files
from vibeguard.core.planning.concerned import matches
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.changes import present_files
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.reuse.scan import walk
from vibeguard.system.staged.frozen import Frozen


def file_lists(
    loaded: Loaded,
    checks: Iterable[PlannedCheck],
    changed: Collection[bytes] | None,
    staged: Frozen | None = None,
) -> dict[str, bytes]:
    """For each check that is handed files their names, NUL after each, from where the check runs.

    `changed` are the changed files, from the run's folder; None where nothing narrows the run. A
    check none of whose files has changed (it requires one that is concerned) gets all that match,
    as every check does in a run of everything. Of what is `staged` files are those in the index.
    Raises UsageError where the files cannot be listed.
    """
    handed = [check for check in checks if is_handed_files(check)]
    patterns = {check.id: check.files or check.inputs for check in handed}
    folder = loaded.located.folder
    known = None if staged is None else _below(staged, folder)
    own = {
        check: _existing(paths, folder, known)
        for check, paths in matches(patterns, changed or ()).items()
    }
    if not all(own.values()):
        in_git = repository_root(folder) is not None
        if known is not None:
            present: list[bytes] | None = sorted(known)
        else:
            present = present_files(folder, caller_environment()) if in_git else _walked(folder)
        if present is None:
            what = "the files that checks are to be handed cannot be listed"
            raise UsageError(what, "look what git ls-files says, or leave out pass_files")
        everything = matches({c: p for c, p in patterns.items() if not own[c]}, present)
        own |= {check: _existing(paths, folder, known) for check, paths in everything.items()}
    return {check.id: _list(own[check.id], check, loaded) for check in handed}


def _walked(folder: str) -> list[bytes]:
    """Every file below the folder, where no git says which count."""
    return sorted(path for path, _ in walk(os.fsencode(folder)))


def _below(staged: Frozen, folder: str) -> frozenset[bytes]:
    """The staged files, as they are called in the run's folder; those above it are left out."""
    prefix = os.fsencode(os.path.relpath(folder, staged.root)) + b"/"
    if prefix == b"./":
        return staged.paths()
    return frozenset(p.removeprefix(prefix) for p in staged.paths() if p.startswith(prefix))


def _existing(
    paths: Sequence[bytes], folder: str, known: frozenset[bytes] | None = None
) -> list[bytes]:
    """The paths at which a file or a link lies: what was deleted cannot be handed over."""
    if known is not None:
        return [path for path in paths if path in known]
    start = os.fsencode(folder)
    return [
        path
        for path in paths
        if os.path.lexists(full := os.path.join(start, path))
        and (os.path.islink(full) or not os.path.isdir(full))
    ]


def _list(paths: Iterable[bytes], check: PlannedCheck, loaded: Loaded) -> bytes:
    """Names from the check's working folder; none can be taken for an option."""
    folder = base = os.path.realpath(os.fsencode(loaded.located.folder))
    if check.cwd:  # it may be a link: `..` leads out of where that leads to
        config_folder = os.fsencode(loaded.located.config_folder)
        base = os.path.realpath(os.path.join(config_folder, os.fsencode(check.cwd)))
    names = (os.path.relpath(os.path.join(folder, path), base) for path in paths)
    return b"".join((b"./" + n if n[:1] == b"-" else n) + b"\0" for n in names)
