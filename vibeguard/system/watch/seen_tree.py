"""The tree as `watch` sees it: what every file holds, and at which paths that has changed."""

import os
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from vibeguard.core.reuse.manifest import Entry, differing
from vibeguard.system.reuse.naming import folders_above
from vibeguard.system.reuse.scan import scan
from vibeguard.system.reuse.tree import files_of_tree
from vibeguard.system.rundir.files import told


class TreeUnknown(Exception):
    """What is in the tree cannot be told at the moment; the message says why."""


class Tree(Struct):
    """The files around a folder that git would track, and `further` ones by absolute path."""

    folder: str
    environment: Mapping[bytes, bytes]
    state_dir: str
    further: Callable[[], Collection[bytes]] = tuple
    root: bytes = b""
    entries: dict[bytes, Entry] | None = None

    def look(self) -> dict[bytes, int]:
        """The paths whose content, mode or presence has changed since the last look; none at first.

        Each with the time at which it was written (ns of wall-clock time; 0 where that cannot be
        told). Raises TreeUnknown; the next look is then compared with the last good one.
        """
        found = files_of_tree(self.folder, self.environment, self.state_dir)
        if found is None:
            raise TreeUnknown("git does not say which files there are")
        before = self.entries
        try:
            self.root, paths = found
            now = scan(self.root, [*paths, *self.further()], before)
        except OSError as error:
            raise TreeUnknown(told(error)) from error
        self.entries = now
        changed = () if before is None else differing(before.values(), now.values())
        return {path: _written_ns(now.get(path)) for path in changed}

    def folders(self) -> set[bytes]:
        """The folders of the files that were seen, and those above them up to the root."""
        return {os.path.join(self.root, folder) for folder in folders_above(self.entries or ())}


def _written_ns(entry: Entry | None) -> int:
    """The file system's own time, where it is one whose times prove anything."""
    settled = entry is not None and entry.settled and entry.signature is not None
    return entry.signature.ctime_ns if settled and entry and entry.signature else 0
