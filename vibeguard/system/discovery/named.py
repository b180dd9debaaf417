"""What the names and globs of a config stand for, in a folder that a check may have filled.

Patterns mean what Python's `glob` has them mean, but of files alone; `**` follows no link to a
folder, which may lead in circles; and however deep the folders are, nothing calls itself.
"""

import os
import re
from collections.abc import Callable, Iterator
from fnmatch import translate
from typing import Final

from vibeguard.core.model.results import is_pattern

_ANY_DEPTH: Final = "**"


def named(
    folder: str,
    pattern: str,
    *,
    hidden: bool,
    unlisted: Callable[[str, OSError], None] = lambda *_: None,
) -> Iterator[str]:
    """What it stands for below `folder`, each once, in no order: files and links, no folders.

    What begins with a dot is there for a special character only where it may be `hidden`.
    `unlisted` is told of folders in which nobody knows what is there.
    """
    if "\0" in pattern:
        return
    parts = pattern.split("/")
    matches = [_matcher(part, hidden) for part in parts]

    def listed(at: str, number: int) -> list[tuple[str, bool]]:
        try:
            return _listed(folder, at, matches[number])
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            unlisted(at or ".", error)
            return []

    found: set[tuple[str, int]] = set()
    pending = [("", 0)]
    while pending:
        place = at, number = pending.pop()
        if place in found:
            continue
        found.add(place)
        if number == len(parts):
            if at and not _is_folder(os.path.join(folder, at)):
                yield at
        elif parts[number] == _ANY_DEPTH:
            pending.append((at, number + 1))
            for name, is_folder in listed(at, number):
                if is_folder:
                    pending.append((os.path.join(at, name), number))
                elif number + 1 == len(parts):
                    pending.append((os.path.join(at, name), number + 1))
        elif is_pattern(parts[number]):
            for name, _ in listed(at, number):
                pending.append((os.path.join(at, name), number + 1))
        elif os.path.lexists(os.path.join(folder, at, parts[number])):
            pending.append((os.path.join(at, parts[number]), number + 1))


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def note_unlisted(told: list[str], at: str, error: OSError) -> None:
    """Add to what people are told; a pattern may lead to one folder twice."""
    line = f"{at} cannot be listed: {error.strerror}"
    if line not in told:
        told.append(line)


def _matcher(part: str, hidden: bool) -> Callable[[str], object]:
    expression = re.compile(translate("*" if part == _ANY_DEPTH else part))
    if hidden or part.startswith("."):
        return expression.match
    return lambda name: not name.startswith(".") and expression.match(name)


def _listed(folder: str, at: str, wanted: Callable[[str], object]) -> list[tuple[str, bool]]:
    """Those entries of a folder, each with whether it is a folder and no link. Raises OSError."""
    with os.scandir(os.path.join(folder, at)) as entries:
        return [(e.name, e.is_dir(follow_symlinks=False)) for e in entries if wanted(e.name)]
