"""The files that `init` reads, and the one that it writes: over none, unless it is told to."""

import os

from msgspec import Struct

from vibeguard.commands.streams import unwritable_is_told
from vibeguard.core.problems import UsageError
from vibeguard.core.proposing.registry import of_the_project
from vibeguard.system.discovery.project import project_files
from vibeguard.system.discovery.whereabouts import CONFIG_NAMES
from vibeguard.system.rundir.files import rewrite_file, whole_or_gone

DEFAULT_FILE = "vibeguard.yaml"


class Written(Struct, frozen=True):
    """`init --json`: what was written, from which template ("project": from what is here).

    `checks` names those that were proposed, `tried` says what came of each.
    """

    path: str
    template: str
    checks: tuple[str, ...] = ()
    tried: tuple[Struct, ...] = ()
    ignored: tuple[str, ...] = ()


def files_of(folder: str) -> frozenset[str]:
    """The project's own files, relative to the folder."""
    return project_files(folder, dict(os.environb), of_the_project)


def refuse_to_hide_a_config() -> None:
    """Raise UsageError if a config of another name would no longer be found."""
    for name in CONFIG_NAMES:
        if name != DEFAULT_FILE and os.path.isfile(name) and not os.path.lexists(DEFAULT_FILE):
            what = f"{name} is the config here, and {DEFAULT_FILE} would be taken instead of it"
            raise UsageError(what, "name another file with -o, or say --force")


def write_config(path: str, text: str, *, force: bool) -> None:
    """Write the file. Raises UsageError where it exists, unless forced, or cannot be written."""
    with unwritable_is_told(path, "name another file with -o"):
        if force:
            rewrite_file(path, text.encode())
            return
        try:
            with open(path, "x", encoding="utf-8") as file, whole_or_gone(path):
                file.write(text)
                file.flush()
        except FileExistsError as error:
            do = "overwrite it with --force, or name another with -o"
            raise UsageError(f"{path} exists", do) from error
