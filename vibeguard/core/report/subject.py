"""What a run was about: the work tree or what is staged, and what its checks have made of that."""

from collections.abc import Iterator
from shlex import quote

from vibeguard.core.model.state import State
from vibeguard.core.names import StagedWay
from vibeguard.core.report.build import patch_path
from vibeguard.core.wording.sanitise import sanitise


def what_was_checked(state: State) -> str:
    """Half a sentence for a run of what is staged, and where it was laid out; else empty."""
    view = state.started.staged if state.started else None
    if view is None:
        return ""
    if view.way is StagedWay.NAMESPACE:
        return "; of what is staged, at its own path"
    return f"; of what is staged, in a copy ({sanitise(view.why)})"


def patch_lines(state: State, run_folder: str) -> Iterator[str]:
    """How to stage what checks have made of staged files, where they have."""
    path = patch_path(state, run_folder)
    if path:
        yield sanitise(
            f"checks changed staged files; to stage that: git apply --cached {quote(path)}"
        )
