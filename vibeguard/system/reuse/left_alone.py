"""Which files of a tree were changed meanwhile, whatever git was told: for `on_change: fail`.

Git names the files, and says nothing of those that it was told not to look at: by flags of the
index, by settings, by rules of what to ignore. So what it names at the start is looked at again at
the end, byte for byte, and what it goes by (those rules, a few settings) counts as the files do.
"""

import os
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from vibeguard.core.reuse.manifest import Entry, Kind
from vibeguard.system.discovery.changes import present_files
from vibeguard.system.discovery.differing import LARGEST_READ, Named, named_by_git
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import Git
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.reuse.naming import folders_above
from vibeguard.system.reuse.scan import scan, signature_of

_IGNORED_BY: Final = b".gitignore"
# What makes git name other files, without a file of the tree or a rule being another.
_LISTING_SETTINGS: Final = frozenset({b"core.excludesfile", b"core.ignorecase", b"core.worktree"})
_SETTINGS_NAME: Final = b".git/config"


class Look(Struct, frozen=True, array_like=True):
    """What git says of a tree, the files that lie there, and the settings that it lists them by."""

    git: Named
    entries: tuple[Entry, ...] = ()
    settings: tuple[bytes, ...] = ()


def look(
    folder: str,
    environment: Mapping[bytes, bytes],
    timeout_s: float,
    known: Mapping[bytes, Entry] | None = None,
) -> Look:
    """The tree around the folder as it is now.

    `known` are entries of an earlier look, kept where no check can write: what has stayed as it was
    is not read again.
    """
    told = named_by_git(folder, environment, timeout_s)
    if told is None or told.untold:
        return Look(told or Named(untold="this is no git repository"))
    try:
        entries, settings = _lying(folder, environment, timeout_s, (), known or {})
    except (OSError, subprocess.SubprocessError):
        return Look(Named(untold="git gives no answer, or a file cannot be read"))
    return Look(told, tuple(entries.values()), settings)


def changed_since_look(
    folder: str, environment: Mapping[bytes, bytes], before: Look, timeout_s: float
) -> tuple[list[bytes], str]:
    """The files that were changed since the look, in order; else why nobody can say."""
    told = named_by_git(folder, environment, timeout_s)
    untold = before.git.untold or (told.untold if told else "it is no git repository any more")
    if untold or told is None:
        return [], untold
    old = {entry.path: entry for entry in before.entries}
    try:
        now, settings = _lying(folder, environment, timeout_s, old, old)
    except (OSError, subprocess.SubprocessError):
        return [], "git gives no answer, or a file cannot be read"
    changed = {path for path in now if _holds(old.get(path)) != _holds(now[path])}
    if settings != before.settings:
        changed.add(_SETTINGS_NAME)
    return sorted(changed.union(told.paths - before.git.paths)), ""


def _lying(
    folder: str,
    environment: Mapping[bytes, bytes],
    timeout_s: float,
    further: Iterable[bytes],
    known: Mapping[bytes, Entry],
) -> tuple[dict[bytes, Entry], tuple[bytes, ...]]:
    """The entries of what git names, of the rules that it goes by and of `further`; the settings.

    Raises OSError and SubprocessError.
    """
    git = Git(repository_root(folder) or folder, without_git_locals(environment), timeout_s)
    root, own = git.folder, git.environment
    listed = present_files(root, own)
    if listed is None:
        raise OSError("git does not list the files")
    told = git.ask("config", "--null", "--list")
    settings = tuple(s for s in told.split(b"\0") if s.partition(b"\n")[0] in _LISTING_SETTINGS)
    exclude = git.ask("rev-parse", "--git-path", "info/exclude")
    rules = [exclude.rstrip(b"\n"), *_global_rules(settings, own)]
    rules += [os.path.join(above, _IGNORED_BY) for above in folders_above(listed)]
    return _entries(os.fsencode(root), {*listed, *rules, *further}, known), settings


def _entries(
    root: bytes, paths: Iterable[bytes], known: Mapping[bytes, Entry]
) -> dict[bytes, Entry]:
    """What lies at the paths: read, but for what is large, and what a link leads to."""
    told = {}
    entries = {}
    for path in sorted(paths):
        full = os.path.join(root, path)
        try:
            status = os.lstat(full)
        except OSError:
            entries[path] = Entry(path, Kind.ABSENT)
            continue
        if stat.S_ISLNK(status.st_mode):
            entries[path] = Entry(path, Kind.LINK, target=os.readlink(full))
        elif stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_READ:
            told[path] = signature_of(status)
        else:
            entries[path] = Entry(path, Kind.OTHER, signature_of(status))
    return entries | scan(root, told, known, told)


def _holds(entry: Entry | None) -> tuple[object, ...]:
    """What must stay as it is, whoever writes the same again. A folder's times are nobody's."""
    if entry is None or entry.kind is Kind.ABSENT:
        return ()
    mode = entry.signature.mode if entry.signature else 0
    if entry.sha256 or entry.kind is Kind.LINK or stat.S_ISDIR(mode):
        return entry.kind, mode, entry.sha256, entry.target
    return entry.kind, entry.signature


def _global_rules(settings: Iterable[bytes], environment: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """The files of rules for every repository of the user (gitignore(5))."""
    home = environment.get(b"HOME", b"")
    base = environment.get(b"XDG_CONFIG_HOME") or os.path.join(home, b".config")
    yield os.path.join(base, b"git", b"ignore")
    for setting in settings:
        name, _, value = setting.partition(b"\n")
        if name == b"core.excludesfile" and value:
            yield os.path.join(home, value[2:]) if value.startswith(b"~/") else value
