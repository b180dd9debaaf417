"""What files are called from the folder of the run, which patterns are relative to."""

import os
from collections.abc import Iterable, Iterator
from itertools import tee
from typing import Any

from vibeguard.core.lang.globs import Globs, levels_above
from vibeguard.system.reuse.scan import walk


class Naming:
    """Lists what lies in the folder of a run, and above it where patterns begin with `../`."""

    def __init__(self, folder: bytes, state_dir: str) -> None:
        self._folder = os.path.realpath(folder)
        self._state_dir = os.path.realpath(os.fsencode(state_dir))

    def listing(self, globs: Globs[Any] | None = None) -> Iterator[tuple[bytes, bool]]:
        """Every file, link and folder, and whether it is a folder.

        With patterns, at least those that these can mean. The state folder is none. Raises OSError
        for a folder that cannot be read.
        """
        up = max(map(levels_above, globs.patterns), default=0) if globs else 0
        start = os.path.normpath(os.path.join(self._folder, *([b".."] * up)))
        own = os.path.relpath(self._state_dir, start)

        def enters(path: bytes) -> bool:
            return path != own and (globs is None or up > 0 or globs.reaches(path))

        walked = walk(start, enters, folders=True)
        found = ((path, e.is_dir(follow_symlinks=False)) for path, e in walked if path != own)
        if not up:
            return found
        names, kinds = tee(found)
        return zip(
            self.from_root(start, (path for path, _ in names)),
            (is_folder for _, is_folder in kinds),
            strict=True,
        )

    def from_root(self, root: bytes, paths: Iterable[bytes]) -> Iterator[bytes]:
        """Paths below `root` as they are called from the folder."""
        return called_from(self._folder, root, paths)


def called_from(folder: bytes, root: bytes, paths: Iterable[bytes]) -> Iterator[bytes]:
    """Paths below `root` as they are called from a folder below it."""
    below = os.path.relpath(os.path.realpath(folder), os.path.realpath(root))
    if below == b".":
        yield from paths
        return
    own = below.split(b"/")
    for path in paths:
        words = path.split(b"/")
        same = 0
        while same < min(len(own), len(words) - 1) and own[same] == words[same]:
            same += 1
        yield b"/".join([*([b".."] * (len(own) - same)), *words[same:]])


def folders_above(paths: Iterable[bytes]) -> set[bytes]:
    """The folders that hold the paths, up to the root, which is the empty name."""
    found = {b""}
    for path in paths:
        above = os.path.dirname(path)
        while above not in found:
            found.add(above)
            above = os.path.dirname(above)
    return found
