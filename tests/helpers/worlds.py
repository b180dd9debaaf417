"""Worlds that refuse something to whatever runs in them, and what VibeGuard says there."""

import shutil
import subprocess
import sys
from functools import cache

from msgspec import Struct

from tests.helpers.refusing import can_refuse, refusing

NO_PROC = (
    "what leaves a check's group is ended after its parent, and nothing tells what hangs ({why})"
)


class World(Struct, frozen=True):
    """`prefix` are the words before a command; `says` is what the run calls weaker.

    `instead` is what takes the place of what is refused, for docs/processes.md.
    """

    name: str
    prefix: tuple[str, ...]
    instead: str
    says: str = ""

    def why_not(self) -> str:
        """Why this world cannot be had here; empty where it can."""
        if self.prefix[0] == sys.executable:
            return can_refuse()
        return _why_no_namespace(self.prefix[:2])


@cache
def _why_no_namespace(words: tuple[str, ...]) -> str:
    if shutil.which(words[0]) is None:
        return f"there is no {words[0]} (util-linux)"
    tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def _refused(name: str, instead: str, says: str = "", **calls: str) -> World:
    return World(name, tuple(refusing(**calls)), instead, says)


_BY_NUMBER = "a process is signalled by its number (no descriptor of a process: pidfd_open)"
_NO_SESSION = "a check can reach the terminal of the command (no session of its own: setsid)"
_NO_ORPHANS = (
    "a process that leaves its check's tree is ended only with the run "
    "(orphans do not come to the supervisor: prctl)"
)

WORLDS = (
    _refused("pidfd_open: EPERM", "a thread that waits", _BY_NUMBER, pidfd_open="EPERM"),
    _refused("pidfd_open: ENOSYS", "a thread that waits", _BY_NUMBER, pidfd_open="ENOSYS"),
    _refused("setsid: EPERM", "a process group", _NO_SESSION, setsid="EPERM"),
    _refused("setsid: ENOSYS", "a process group", _NO_SESSION, setsid="ENOSYS"),
    _refused(
        "setsid and setpgid: EPERM",
        "the tree as /proc shows it",
        _NO_SESSION,
        setsid="EPERM",
        setpgid="EPERM",
    ),
    _refused("prctl: EPERM", "a sweep by mark before the seal", _NO_ORPHANS, prctl="EPERM"),
    _refused("sched_getaffinity: EPERM", "the number of CPUs", sched_getaffinity="EPERM"),
    _refused("fallocate: EOPNOTSUPP", "zeros are written", fallocate="EOPNOTSUPP"),
    _refused("inotify_init1: EMFILE", "a look every few milliseconds", inotify_init1="EMFILE"),
    _refused(
        "chmod: EPERM",
        "the mode that mkdir and open gave",
        chmod="EPERM",
        fchmod="EPERM",
        fchmodat="EPERM",
    ),
    World(
        "/proc of another namespace (unshare -pf)",
        ("unshare", "-pf"),
        "process groups, and asking for each child by number",
        NO_PROC.format(why="/proc is of other processes"),
    ),
    World(
        "no /proc",
        ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"),
        "process groups, and asking for each child by number",
        NO_PROC.format(why="there is no /proc"),
    ),
)


def table() -> str:
    """The capability table of docs/processes.md: a row for each world that is tried."""
    rows = ["| what is refused | what takes its place | what is weaker, as the run says |"]
    rows.append("|---|---|---|")
    rows += [f"| {world.name} | {world.instead} | {world.says or 'nothing'} |" for world in WORLDS]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
