"""Which checks a set of changed files concerns (DESIGN section 11)."""

from collections.abc import Iterable, Mapping, Sequence

from vibeguard.core.lang.globs import Globs
from vibeguard.core.planning.graph import closure, dependents_of


def concerned(
    patterns: Mapping[str, Sequence[str]],
    requires: Mapping[str, Sequence[str]],
    changed: Iterable[bytes],
) -> set[str]:
    """The checks that a change of these files concerns, and those that require one of them.

    `patterns` are each check's `files`, else its `inputs`; one without any is concerned by every
    change. Paths are relative to the run's folder.
    """
    found = matches(patterns, changed)
    touched = [check for check, paths in found.items() if paths]
    dependents = dependents_of(requires)
    return closure(touched, lambda check: dependents.get(check, ()))


def matches(
    patterns: Mapping[str, Sequence[str]], paths: Iterable[bytes]
) -> dict[str, list[bytes]]:
    """For each check the paths that concern it, in the order of the paths."""
    found: dict[str, list[bytes]] = {check: [] for check in patterns}
    anything = [check for check, listed in patterns.items() if not listed]
    globs = Globs({check: listed for check, listed in patterns.items() if listed})
    for path in paths:
        for check in globs.owners_of(path):
            found[check].append(path)
        for check in anything:
            found[check].append(path)
    return found
