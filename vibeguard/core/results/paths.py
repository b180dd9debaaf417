"""Paths as tools write them -> paths below the repository, with slashes; pure but for one question.

Tools write `file:///…`, absolute paths of this machine or of a container, paths from their own
folder, from the crate, from the folder above, or a Go package with a bare file name. What is tried
is a list of candidates; the first that is there wins.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

MOST_REMEMBERED = 10_000
_JAVA_FOLDERS = ("src/test/java", "src/main/java", "src/test/kotlin", "src/main/kotlin", "src")
_DRIVE = r"^/?[A-Za-z]:[\\/]"


class Places:
    """Knows a repository and the folder in it where a check runs.

    `exists` tells of a path relative to the repository whether a file is there; `elsewhere` is
    where the repository lay for a check on another machine.
    """

    def __init__(
        self, repository: str, folder: str, exists: Callable[[str], bool], elsewhere: str = ""
    ) -> None:
        self._repository = posixpath.normpath(repository)
        self._folder = posixpath.normpath(folder)
        self._exists = exists
        self._elsewhere = elsewhere
        self._known: dict[str, str] = {}

    def relative(self, written: str) -> str:
        """The path relative to the repository; empty if it is outside of it or nowhere."""
        found = self._known.get(written)
        if found is None:
            found = self._find(written)
            if len(self._known) < MOST_REMEMBERED:
                self._known[written] = found
        return found

    def _find(self, written: str) -> str:
        path = _plain(written)
        if not path or "\0" in path:
            return ""
        if self._elsewhere and path.startswith(f"{self._elsewhere}/"):
            path = self._repository + path[len(self._elsewhere) :]
        first = self._below(posixpath.join(self._folder, path))
        candidates = [first, *self._others(path)]
        for candidate in candidates:
            if candidate and self._exists(candidate):
                return candidate
        # It may be gone by now. A bare name that is nowhere only misleads, and so does an address.
        return first if "/" in path and "://" not in path else ""

    def _below(self, path: str) -> str:
        """An absolute path relative to the repository; empty if it is not below it."""
        path = posixpath.normpath(path)
        root = self._repository.rstrip("/") + "/"
        return path[len(root) :] if path.startswith(root) else ""

    def _others(self, path: str) -> Iterator[str]:
        """What else may be meant: from the repository, from a folder above, from a source root."""
        parts = [part for part in posixpath.normpath(path).split("/") if part not in ("", "..")]
        base = self._below(self._folder + "/x").removesuffix("x")
        if path.endswith((".java", ".kt")):
            yield from (f"{base}{folder}/{path}" for folder in _JAVA_FOLDERS)
        fewest = 2 if path.startswith("/") else 1
        for start in range(min(len(parts) - fewest + 1, 20)):
            shorter = "/".join(parts[start:])
            yield base + shorter
            yield shorter


def _plain(written: str) -> str:
    """The path of a URI or of Windows, with slashes."""
    if written.startswith("file:"):
        written = unquote(written.removeprefix("file:"))
        written = "/" + written.lstrip("/")
    if re.match(_DRIVE, written):
        written = written.lstrip("/")[2:]
    return written.replace("\\", "/")
