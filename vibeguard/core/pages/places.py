"""What the page of a run depends on beside the run: above all where a click on a place leads."""

from msgspec import Struct

from vibeguard.core.lang.links import fill_link
from vibeguard.core.model.results import Result
from vibeguard.core.model.state import State


class Places(Struct, frozen=True):
    """Templates of links, empty where there are none, and what they are filled with beside a place.

    `root` is the absolute path of the repository whose files are to be opened.
    """

    editor: str = ""
    forge: str = ""
    root: str = ""
    commit: str = ""
    branch: str = ""

    def in_editor(self, result: Result) -> str:
        """The address that opens the place in an editor; empty where there is none."""
        return self._filled(self.editor, result)

    def on_forge(self, result: Result) -> str:
        """The address of the place at the run's commit; empty where there is none."""
        return self._filled(self.forge, result) if self.commit or self.branch else ""

    def _filled(self, template: str, result: Result) -> str:
        file = result.file
        if not template or not file or file.startswith("/") or ".." in file.split("/"):
            return ""
        return fill_link(
            template,
            root=self.root,
            file=file,
            line=max(result.line, 1),
            column=max(result.column, 1),
            commit=self.commit,
            branch=self.branch,
        )


def places_of(state: State, editor: str, root: str) -> Places:
    """What a run's config says of links; `editor` stands before what it says, unless empty."""
    links = state.planned.settings.links if state.planned else None
    vcs = state.vcs
    return Places(
        editor=editor or (links.editor if links else ""),
        forge=links.forge if links else "",
        root=root,
        commit=vcs.head if vcs else "",
        branch=vcs.branch if vcs else "",
    )


class Setting(Struct, frozen=True):
    """Where the run lies, where links lead, and the run that it is compared with."""

    run_folder: str
    places: Places
    style: str
    script: str
    former: State | None = None
