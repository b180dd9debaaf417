"""What a run checked: the work tree or the staged files; and what its checks changed there."""

from collections.abc import Iterator
from shlex import quote

from vibeguard.core.model.state import State
from vibeguard.core.names import StagedWay
from vibeguard.core.report.conclusion import changed_meanwhile, patch_path
from vibeguard.core.wording.sanitise import sanitise


def about(state: State) -> str:
    """What the last line of a run adds: what was checked, and what was changed meanwhile."""
    return what_was_checked(state) + what_was_changed(state)


def what_was_checked(state: State) -> str:
    """Half a sentence for a run of what is staged, and where it was laid out; else empty."""
    view = state.started.staged if state.started else None
    if view is None:
        return ""
    if view.way is StagedWay.NAMESPACE:
        return "; of what is staged, at its own path"
    return f"; of what is staged, in a copy ({sanitise(view.why)})"


def what_was_changed(state: State) -> str:
    """Half a sentence that names files that were changed meanwhile; empty where none were."""
    found = changed_meanwhile(state)
    if found is None:
        return ""
    if found.untold:
        return f"; whether files were changed is not known ({sanitise(found.untold)})"
    more = f" and {found.left_out} more" if found.left_out else ""
    return f"; changed by checks or by somebody else: {sanitise(', '.join(found.files))}{more}"


def patch_lines(state: State, run_folder: str) -> Iterator[str]:
    """How to stage what checks have made of staged files, where they have."""
    path = patch_path(state, run_folder)
    if path:
        yield sanitise(
            f"checks changed staged files; to stage that: git apply --cached {quote(path)}"
        )
