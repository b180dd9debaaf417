"""Whether a tree is still the one that a run checked: the question of joins, hooks and evidence.

What counts is what lies on the disk. A git tree id names a tree for people; it is blind to line
endings, filters and files that git was told not to look at, so nothing rests on it alone.
"""

from vibeguard.core.model.config import Config
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.names import ReusePolicy


def began_with(state: State, now: VersionControl | None) -> bool:
    """Whether a run began with what lies there now; it may have been another meanwhile."""
    return _same(state.vcs, now)


def is_still_on(state: State, now: VersionControl | None) -> bool:
    """Whether a run that goes on began with what lies there, and nothing was written since."""
    return _still(state.vcs, now)


def held_still(state: State) -> bool:
    """Whether no file of the tree was written while the run went on, edited back or not."""
    return _still(state.vcs, state.finished.vcs if state.finished else None)


def has_checked(state: State, now: VersionControl | None) -> bool:
    """Whether `now` holds what a run checked, the same from its first check to its last."""
    return held_still(state) and began_with(state, now)


def _same(one: VersionControl | None, other: VersionControl | None) -> bool:
    """The same bytes at the same paths; what is not known equals nothing."""
    if one is None or other is None or not one.content:
        return False
    return (one.content, one.beside) == (other.content, other.beside)


def _still(one: VersionControl | None, other: VersionControl | None) -> bool:
    """The same, and nothing of it was written between the two looks."""
    if one is None or other is None or not _same(one, other):
        return False
    return one.stillness != "" and one.stillness == other.stillness


def inputs_of_reusable(config: Config) -> dict[str, tuple[str, ...]]:
    """The declared inputs of the checks that may be reused: they count though git ignores them."""
    checks = config.checks if config.settings.reuse is not False else ()
    return {c.id: c.inputs for c in checks if c.inputs and c.reuse is not ReusePolicy.OFF}
