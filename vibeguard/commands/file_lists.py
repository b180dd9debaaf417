"""The files that checks are handed (`pass_files`, VIBEGUARD_FILES), as lists for the supervisor."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from vibeguard.commands.loading import Loaded
from vibeguard.core.lang.globs import levels_above
from vibeguard.core.model.plan import PlannedCheck, is_handed_files
from vibeguard.core.planning.concerned import matches
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.changes import present_files
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.reuse.naming import called_from
from vibeguard.system.reuse.tree import files_below
from vibeguard.system.rundir.files import told
from vibeguard.system.staged.frozen import Frozen


class FileLists(Struct, frozen=True):
    """For each check that is handed files their names, NUL after each, from where the check runs.

    `partial` are the checks that get some only of the files that are theirs.
    """

    lists: dict[str, bytes] = {}
    partial: frozenset[str] = frozenset()


def file_lists(
    loaded: Loaded,
    checks: Iterable[PlannedCheck],
    changed: Collection[bytes] | None,
    state_dir: str,
    staged: Frozen | None = None,
) -> FileLists:
    """What each check is handed.

    `changed` are the changed files, from the run's folder; None where nothing narrows the run. A
    check none of whose files has changed (it requires one that is concerned) gets all that match,
    as every check does in a run of everything. Of what is `staged` files are those in the index.
    Raises UsageError where the files cannot be listed.
    """
    handed = [check for check in checks if is_handed_files(check)]
    if not handed:
        return FileLists()
    patterns = {check.id: check.files or check.inputs for check in handed}
    folder = loaded.located.folder
    known = None if staged is None else _staged(staged, folder)
    every: dict[str, list[bytes]] = {}
    for up, alike in _by_levels(patterns).items():
        present = _present(folder, up, state_dir) if known is None else _reached(known, up)
        every |= _theirs(alike, present, folder, known)
    touched = _theirs(patterns, changed or (), folder, known)
    # What changed in a submodule concerns a check; no run hands that over, nor what lies above.
    own = {check: sorted(set(paths) & set(every[check])) for check, paths in touched.items()}
    return FileLists(
        {c.id: _list(own[c.id] or every[c.id], c, loaded) for c in handed},
        frozenset(c for c, paths in own.items() if 0 < len(paths) < len(every[c])),
    )


def _theirs(
    patterns: Mapping[str, Sequence[str]],
    paths: Iterable[bytes],
    folder: str,
    known: frozenset[bytes] | None,
) -> dict[str, list[bytes]]:
    """For each check the paths that match and are there."""
    found = matches(patterns, paths)
    return {check: _existing(matching, folder, known) for check, matching in found.items()}


def _by_levels(patterns: Mapping[str, Sequence[str]]) -> dict[int, dict[str, Sequence[str]]]:
    """The lists by how many folders above that of the run they lead."""
    groups: dict[int, dict[str, Sequence[str]]] = {}
    for check, listed in patterns.items():
        up = max(map(levels_above, listed), default=0)
        groups.setdefault(up, {})[check] = listed
    return groups


def _present(folder: str, up: int, state_dir: str) -> list[bytes]:
    """The files that a run of everything is about, from its folder. Raises UsageError."""
    root, what = git_root(folder), "the files that checks are to be handed cannot be listed"
    if root is None:  # nobody says which count
        start = os.path.normpath(os.path.join(os.path.realpath(folder), *[os.pardir] * up))
        try:
            found: list[bytes] | None = [*files_below(start, state_dir)]
        except OSError as error:
            what = f"{what}: {told(error)}"
            raise UsageError(what, "make it readable, or leave out files and pass_files") from error
    else:
        start = root if up else folder
        found = present_files(start, caller_environment())
    if found is None:
        raise UsageError(what, "look what git ls-files says, or leave out files and pass_files")
    return sorted(called_from(os.fsencode(folder), os.fsencode(start), found))


def _staged(staged: Frozen, folder: str) -> frozenset[bytes]:
    """The staged files, as they are called in the run's folder."""
    return frozenset(called_from(os.fsencode(folder), os.fsencode(staged.root), staged.paths()))


def _reached(paths: Iterable[bytes], up: int) -> list[bytes]:
    """Those that patterns mean which lead so far up: without, what lies below the folder."""
    return sorted(path for path in paths if up or not path.startswith(b"../"))


def _existing(paths: Sequence[bytes], folder: str, known: frozenset[bytes] | None) -> list[bytes]:
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
