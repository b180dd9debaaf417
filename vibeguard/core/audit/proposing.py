"""Files that a check read -> patterns for its `inputs`; programs that it ran -> its `tools`."""

import posixpath
from collections.abc import Iterable
from typing import Final

from vibeguard.core.lang.globs import LONGEST_PATTERN

_SPECIAL: Final = frozenset("*?[{}\\")
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/")


def patterns_for(paths: Iterable[bytes]) -> tuple[str, ...]:
    """Patterns that match every path: one for all files of a suffix below one first folder.

    A file alone is named as it is. What is no UTF-8 cannot be written in a config, and is left out.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for path in sorted(paths):
        try:
            name = path.decode("utf-8")
        except UnicodeDecodeError:
            continue
        first, slash, _ = name.partition("/")
        suffix = posixpath.splitext(name)[1]
        together = (first, suffix) if slash and suffix else (name, "")
        groups.setdefault(together, []).append(name)
    patterns = (_pattern(names, suffix) for (_, suffix), names in groups.items())
    return tuple(sorted(pattern for pattern in patterns if len(pattern) <= LONGEST_PATTERN))


def tools_for(programs: Iterable[bytes]) -> tuple[str, ...]:
    """A question to each program: `NAME --version`, by its path where it lies in the tree."""
    words = {program.decode("utf-8", "replace") for program in programs}
    return tuple(sorted(f"{word} --version" for word in words if word and _PLAIN.issuperset(word)))


def _pattern(names: list[str], suffix: str) -> str:
    if len(names) == 1:
        return _literal(names[0])
    folders = {posixpath.dirname(name) for name in names}
    common = _literal(posixpath.commonpath(folders))
    below = "" if len(folders) == 1 else "**/"
    return f"{common}/{below}*{_literal(suffix)}"


def _literal(name: str) -> str:
    """The name as a pattern that means itself."""
    text = "".join(f"\\{c}" if c in _SPECIAL else c for c in name)
    return f"\\{text}" if text.startswith("!") else text
