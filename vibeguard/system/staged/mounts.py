"""Namespaces and mounts of this process, by the C library: tried, never asked for by a name."""

import ctypes
import os
import sys
from collections.abc import Iterator

from vibeguard.system.detach import PR_GET_DUMPABLE, PR_SET_DUMPABLE, prctl

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_NOSUID, _MS_NODEV = 0x2, 0x4
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2


def enter_namespace() -> None:
    """Give this process mounts of its own. Raises OSError where the system refuses.

    As another user than root this takes a user namespace as well, in which user and group are what
    they were. Only a process of one thread can do it.
    """
    if sys.platform != "linux":
        raise OSError("only Linux has mount namespaces")
    libc = _libc()
    if libc.unshare(_CLONE_NEWNS) != 0:
        user, group = os.geteuid(), os.getegid()
        _must(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
        # What hides from checks has /proc entries that only root may write.
        dumpable = prctl(PR_GET_DUMPABLE)
        prctl(PR_SET_DUMPABLE, 1)
        try:
            _tell("setgroups", "deny")
            _tell("uid_map", f"{user} {user} 1")
            _tell("gid_map", f"{group} {group} 1")
        finally:
            prctl(PR_SET_DUMPABLE, dumpable)
    # Nothing that is mounted here may be seen outside.
    _must(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mount --make-rprivate")


def mount_memory(at: bytes) -> None:
    """An empty file system in memory, which goes with the last process that sees it."""
    flags = _MS_NOSUID | _MS_NODEV
    _must(_libc().mount(b"vibeguard", at, b"tmpfs", flags, b"mode=0700"), "mount tmpfs")


def mount_overlay(lower: bytes, upper: bytes, work: bytes, at: bytes) -> None:
    """`lower` at this place, whatever is written going to `upper`. Raises OSError."""
    layers = b"lowerdir=%b,upperdir=%b,workdir=%b" % (lower, upper, work)
    libc = _libc()
    # Each option is refused somewhere: the first in a user namespace, the second before Linux 5.11.
    for options in (b"redirect_dir=on", b"userxattr"):
        if libc.mount(b"vibeguard", at, b"overlay", 0, layers + b"," + options) == 0:
            return
    _must(libc.mount(b"vibeguard", at, b"overlay", 0, layers), "mount overlay")


def bind(source: bytes, at: bytes) -> None:
    """The same folder here, to be written for real. Raises OSError."""
    _must(_libc().mount(source, at, None, _MS_BIND | _MS_REC, None), "mount --bind")


def unmount(at: bytes) -> None:
    """Take away the uppermost of what this process has mounted here. Raises OSError."""
    _must(_libc().umount2(at, _MNT_DETACH), "umount")


def mounts_below(folder: str) -> Iterator[str]:
    """The places below a folder where something else is mounted. Raises OSError."""
    with open("/proc/self/mountinfo", "rb") as mounts:
        for line in mounts:
            # The kernel writes blanks and backslashes as octal escapes.
            place = os.fsdecode(line.split(b" ")[4].decode("unicode_escape").encode("latin-1"))
            if place.startswith(folder.rstrip("/") + "/"):
                yield place


def _tell(name: str, text: str) -> None:
    with open(f"/proc/self/{name}", "wb", buffering=0) as file:
        file.write(text.encode())


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _must(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
