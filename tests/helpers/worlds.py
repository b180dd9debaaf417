"""Worlds that refuse something to whatever runs in them, and what VibeGuard says there."""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from msgspec import Struct

from tests.helpers.refusing import can_refuse

NO_PROC = (
    "what leaves a check's group is ended after its parent, and nothing tells what hangs ({why})"
)


class World(Struct, frozen=True):
    """`before` prepares the process, or `prefix` are the words before `sh -c SCRIPT FOLDER ...`.

    `says` is what the run calls weaker, `instead` what takes the place of what is refused, for
    docs/processes.md.
    """

    name: str
    prefix: tuple[str, ...]
    instead: str
    says: str = ""
    before: tuple[str, ...] = ()

    def why_not(self) -> str:
        """Why this world cannot be had here; empty where it can."""
        if self.before:
            return can_refuse()
        return _why_not(self.prefix)


@cache
def _why_not(prefix: tuple[str, ...]) -> str:
    """Why nothing can be run in this world; empty where something was."""
    missing = [tool for tool in (prefix[0], *_TOOLS) if _uses(prefix, tool)]
    missing = [tool for tool in missing if shutil.which(tool) is None]
    if missing:
        return f"there is no {', '.join(missing)}"
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "folder"
        folder.mkdir()
        (folder / "vibeguard.yaml").touch()
        argv = [*prefix, "sh", "-c", "true", str(folder)]
        tried = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return (tried.stderr.strip() or f"exit code {tried.returncode}") if tried.returncode else ""


def _uses(prefix: tuple[str, ...], tool: str) -> bool:
    return any(f"{tool} " in f"{word} " for word in prefix)


_TOOLS = ("mkfs.ext2", "mkfs.exfat", "bindfs", "bwrap")


def _refused(name: str, instead: str, says: str = "", **calls: str) -> World:
    refused = (f"{call}={number}" for call, number in calls.items())
    return World(name, (), instead, says, before=("tests.helpers.refusing", *refused))


def _mounted(name: str, mount: str, instead: str, says: str = "") -> World:
    """A world in which the folder (`$4` of the script) lies on another file system."""
    script = f'{mount} || exit 3; "$@"; code=$?; umount -l "$4"; exit $code'
    return World(name, ("unshare", "-m", "sh", "-c", script, "sh"), instead, says)


_EXT2 = (
    '{ [ -e "$4.img" ] || { truncate -s 32M "$4.img"; mkfs.ext2 -qF "$4.img"; }; } '
    '&& config=$(cat "$4/vibeguard.yaml") && mount -o loop "$4.img" "$4" '
    '&& printf "%s\\n" "$config" > "$4/vibeguard.yaml"'
)
# As vfat, for which few kernels of containers have a driver, and by the same rules.
_EXFAT = (
    '{ [ -e "$4.img" ] || { truncate -s 32M "$4.img"; mkfs.exfat "$4.img" >"$4.made"; }; } '
    '&& config=$(cat "$4/vibeguard.yaml") '
    '&& mount -t exfat-fuse -o loop,nonempty,umask=022 "$4.img" "$4" >"$4.made" '
    '&& printf "%s\\n" "$config" > "$4/vibeguard.yaml"'
)
_BY_NUMBER = "a process is signalled by its number (no descriptor of a process: pidfd_open)"
_NO_SESSION = "a check can reach the terminal of the command (no session of its own: setsid)"
_NOBODY_ASKED = (
    "a reader may believe a log that a check has forged while the run goes on "
    "(no socket on which the supervisor can be asked)"
)
_NO_ORPHANS = (
    "a process that leaves its check's tree is ended only with the run "
    "(orphans do not come to the supervisor: prctl)"
)

WORLDS = (
    _refused("pidfd_open: EPERM", "a thread that waits", _BY_NUMBER, pidfd_open="EPERM"),
    _refused("pidfd_open: ENOSYS", "a thread that waits", _BY_NUMBER, pidfd_open="ENOSYS"),
    _refused("pidfd_send_signal: EPERM", "its number", pidfd_send_signal="EPERM"),
    _refused("setsid: EPERM", "a process group", _NO_SESSION, setsid="EPERM"),
    _refused("setsid: ENOSYS", "a process group", _NO_SESSION, setsid="ENOSYS"),
    _refused(
        "setsid and setpgid: EPERM",
        "the tree as /proc shows it",
        _NO_SESSION,
        setsid="EPERM",
        setpgid="EPERM",
    ),
    _refused("clone3: EPERM", "fork", clone3="EPERM"),
    _refused(
        "clone3 and setsid: EPERM",
        "fork, and a process group",
        _NO_SESSION,
        clone3="EPERM",
        setsid="EPERM",
    ),
    _refused("getsid: EPERM", "what /proc says of the session", getsid="EPERM"),
    _refused("prctl: EPERM", "a sweep by mark before the seal", _NO_ORPHANS, prctl="EPERM"),
    _refused("sched_getaffinity: EPERM", "the number of CPUs", sched_getaffinity="EPERM"),
    _refused(
        "readlink: EPERM", "a file in the place of a link", readlink="EPERM", readlinkat="EPERM"
    ),
    _refused("pselect6: EPERM", "a file is read without waiting for it", pselect6="EPERM"),
    _refused("prlimit64: EPERM", "a start that is refused", prlimit64="EPERM"),
    _refused("fallocate: EOPNOTSUPP", "zeros are written", fallocate="EOPNOTSUPP"),
    _refused("bind: EPERM", "locks and modes tell who writes", _NOBODY_ASKED, bind="EPERM"),
    _refused(
        "getsockname: EPERM", "locks and modes tell who writes", _NOBODY_ASKED, getsockname="EPERM"
    ),
    _refused(
        "inotify_add_watch: ENOSPC", "a look every few milliseconds", inotify_add_watch="ENOSPC"
    ),
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
        f"{NO_PROC.format(why='there is no /proc')}; {_NOBODY_ASKED}",
    ),
    World(
        "bubblewrap without a /proc of its own",
        ("bwrap", "--dev-bind", "/", "/", "--unshare-pid"),
        "process groups, and asking for each child by number",
        NO_PROC.format(why="/proc is of other processes"),
    ),
    World(
        "bubblewrap with everything of its own",
        ("bwrap", "--dev-bind", "/", "/", "--unshare-all", "--proc", "/proc"),
        "nothing is needed",
    ),
    _mounted("ext2 (no fallocate)", _EXT2, "zeros are written"),
    _mounted(
        "exFAT (no modes, no links, whole seconds, one case)",
        _EXFAT,
        "files in the place of links, no reuse of what cannot be proven",
        "others can read the log and what checks write (this mount refuses chmod)",
    ),
    _mounted(
        "bindfs that refuses chmod",
        'bindfs --chmod-deny "$4" "$4"',
        "the mode that mkdir and open gave",
    ),
    _mounted(
        "bindfs that refuses chmod and shows everything as readable",
        'bindfs --chmod-deny -p a+rX "$4" "$4"',
        "the mode that the mount shows",
        "others can read the log and what checks write (this mount refuses chmod)",
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
