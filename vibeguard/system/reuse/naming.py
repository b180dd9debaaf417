"""What files are called from the folder of the run, which patterns are relative to."""

import os
from collections.abc import Iterable, Iterator

from vibeguard.system.reuse.scan import walk


class Naming:
    """Lists what lies in the folder of a run, and above it where patterns begin with `../`."""

    def __init__(self, folder: bytes, state_dir: str) -> None:
        self._folder = os.path.realpath(folder)
        self._state_dir = os.path.realpath(os.fsencode(state_dir))

    def listing(
        self, patterns: Iterable[str], statuses: dict[bytes, os.stat_result] | None = None
    ) -> Iterator[bytes]:
        """Every file, link and folder that the patterns can mean; the state folder is none.

        `statuses` takes the lstat of what lies in the folder of the run, for a scan to go by.
        Raises OSError for a folder that cannot be read.
        """
        up = max((_levels(pattern) for pattern in patterns), default=0)
        start = os.path.normpath(os.path.join(self._folder, *([b".."] * up)))

        def enters(path: bytes) -> bool:
            return os.path.join(start, path) != self._state_dir

        found = walk(start, enters, folders=True)
        if up or statuses is None:
            paths = (path for path, _ in found)
            return self.from_root(start, paths) if up else paths
        return _kept(found, statuses)

    def from_root(self, root: bytes, paths: Iterable[bytes]) -> Iterator[bytes]:
        """Paths below `root` as they are called from the folder."""
        below = os.path.relpath(self._folder, os.path.realpath(root))
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


def _kept(
    found: Iterable[tuple[bytes, os.stat_result]], statuses: dict[bytes, os.stat_result]
) -> Iterator[bytes]:
    for path, status in found:
        statuses[path] = status
        yield path


def _levels(pattern: str) -> int:
    """How many folders above its own a pattern begins."""
    words = pattern.removeprefix("!").removeprefix("./").split("/")
    return next((n for n, word in enumerate(words) if word != ".."), len(words))
