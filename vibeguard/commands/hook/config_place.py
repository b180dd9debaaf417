"""Where the config is that a hook is for: a hook begins at the top of the work tree."""

import contextlib
import os
from pathlib import Path
from shlex import quote, split

from msgspec import Struct

from vibeguard.commands.hook.git_files import beginning_of, is_ours, top_of_work_tree
from vibeguard.commands.loading import has_config, locate
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.whereabouts import CONFIG_NAMES

# With GIT_DIR alone git takes the present folder for the top of the work tree.
_GO = """# Where the config is. What git lends a hook names paths from the top.
top={top} || {otherwise}
case ${{GIT_INDEX_FILE-}} in
'' | /*) ;;
*) GIT_INDEX_FILE=$top/$GIT_INDEX_FILE && export GIT_INDEX_FILE ;;
esac
unset GIT_DIR GIT_WORK_TREE GIT_PREFIX
cd "$top"/{folder} || {otherwise}
"""
_GOING = 'cd "$top"/'
_NAMING = "VIBEGUARD_CONFIG="
_TOP = "$(git rev-parse --show-toplevel)"
_TOP_OF_SCRIPT = '$(cd "$(dirname "$0")/.." && pwd)'


class Place(Struct, frozen=True):
    """The folder to be in, as a path from the top of the work tree.

    `named` is the config as it has to be named there; empty where it is found without.
    """

    folder: str = os.curdir
    named: str = ""

    def lines(self, *, script_below_top: bool = False, otherwise: str = "exit 1") -> str:
        """Shell lines that go there from the top; empty where a hook is there already.

        A script that lies in a folder below the top is called from anywhere. `otherwise` is the
        command for a folder that is gone.
        """
        lines = ""
        if script_below_top or self.folder != os.curdir:
            top = _TOP_OF_SCRIPT if script_below_top else _TOP
            lines = _GO.format(top=top, folder=quote(self.folder), otherwise=otherwise)
        if self.named:
            lines += f"{_NAMING}{quote(self.named)} && export VIBEGUARD_CONFIG\n"
        return lines


def place_of_config(common: GlobalOptions) -> Place:
    """Where the config is; the top of the work tree where there is no repository, or no config."""
    try:
        top = top_of_work_tree()
    except UsageError:
        return Place()
    if not has_config(common):
        write_err("vibeguard: there is no config here yet; the hooks look for one at the top\n")
        return Place()
    located = locate(common)
    folder = os.path.relpath(os.path.realpath(located.folder), os.path.realpath(top))
    if folder.split(os.sep)[0] == os.pardir:
        return Place()
    if not (common.config or os.environ.get("VIBEGUARD_CONFIG")):
        return Place(folder)
    return Place(folder, os.path.relpath(located.path, located.folder))


def refuse_other_place(script: Path, place: Place, top: Path) -> None:
    """Raises UsageError where a script of ours is for a config in another folder that is there.

    With the script replaced that config would be checked no more, and nobody would be told.
    """
    text = beginning_of(script)
    other = place_in(text).folder
    if not is_ours(text) or other == place.folder or not _is_project(top / other):
        return
    shown = "at the top" if other == os.curdir else f"in {other}"
    raise UsageError(
        f"{script} is for the config {shown}, and one hook is for one config",
        f"have one config for both folders (checks have `cwd`), or only this one: rm {script}",
    )


def place_in(script: str) -> Place:
    """Where a script of ours goes, as `Place.lines` writes it."""
    folder, named = os.curdir, ""
    for line in script.splitlines():
        with contextlib.suppress(ValueError):  # a name of several lines
            if line.startswith(_GOING):
                folder = split(line)[1].removeprefix("$top/")
            elif line.startswith(_NAMING):
                named = split(line)[0].removeprefix(_NAMING)
    return Place(folder, named)


def _is_project(folder: Path) -> bool:
    return any((folder / name).is_file() for name in CONFIG_NAMES)
