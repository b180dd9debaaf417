"""The repository in a folder of a worker, before an attempt has the folder and when it gets it."""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from vibeguard.system.discovery.vcs import quoted_path
from vibeguard.system.rundir.files import make_folder

_CONFIG: Final = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tattributesFile = /dev/null
\tautocrlf = false
\tignoreCase = false
\tsymlinks = true
[gc]
\tauto = 0
"""
# Until an attempt gets a folder: each file is written as it lay where the run was started.
_UNCONVERTED: Final = "* -text -ident -filter !working-tree-encoding\n"


def make_repository(path: str, shallow: str) -> None:
    """What `git init` makes, without its two processes.

    `shallow` is the file, if it is there, that says at which commits the store ends.
    """
    make_folder(path)
    for name in ("", "/refs", "/refs/heads", "/refs/tags", "/objects", "/objects/info", "/info"):
        os.mkdir(f"{path}/.git{name}")
    _write(f"{path}/.git/config", _CONFIG)
    _write(_attributes(path), _UNCONVERTED)
    with suppress(FileNotFoundError):
        shutil.copyfile(shallow, f"{path}/.git/shallow")


def set_head(path: str, commit: str, objects: Iterable[str]) -> None:
    """The commit that it is at, and where the `objects` are of what is to lie there."""
    _write(f"{path}/.git/HEAD", f"{commit}\n")
    alternates = "".join(f"{os.fsdecode(quoted_path(each))}\n" for each in objects)
    _write(f"{path}/.git/objects/info/alternates", alternates)


def _write(path: str, text: str) -> None:
    with open(path, "wb") as file:
        file.write(os.fsencode(text))


def _attributes(path: str) -> str:
    return f"{path}/.git/info/attributes"


def hand_over(path: str) -> None:
    """Make a repository at the run's HEAD of it.

    Until an attempt gets it a folder keeps the index of what lies in it, too.
    """
    os.unlink(_attributes(path))
    with suppress(FileNotFoundError):  # they are the same
        os.replace(f"{path}/.git/index-of-commit", f"{path}/.git/index")
