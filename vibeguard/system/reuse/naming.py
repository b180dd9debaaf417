"""What files are called from the folder of the run, which patterns are relative to."""

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import tee
from typing import Any

from vibeguard.core.lang.globs import Globs, levels_above
from vibeguard.system.reuse.scan import walk


def listing(
    folder: bytes, state_dir: str, globs: Globs[Any] | None = None
) -> Iterator[tuple[bytes, bool]]:
    """Every file, link and folder in the folder of a run, and whether it is a folder.

    With patterns, at least those that these can mean, also above it where they begin with `../`.
    The state folder is none. Raises OSError for a folder that cannot be read.
    """
    up = max(map(levels_above, globs.patterns), default=0) if globs else 0
    start = os.path.normpath(os.path.join(os.path.realpath(folder), *([b".."] * up)))
    own = os.path.relpath(os.path.realpath(os.fsencode(state_dir)), start)

    def counted(path: bytes) -> Collection[bytes] | None:
        if path == own:
            return ()
        return None if globs is None or up else globs.names_in(path)

    walked = walk(start, counted, folders=True)
    found = ((path, e.is_dir(follow_symlinks=False)) for path, e in walked if path != own)
    if not up:
        return found
    names, kinds = tee(found)
    called = called_from(folder, start, (path for path, _ in names))
    return zip(called, (is_folder for _, is_folder in kinds), strict=True)


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
