"""A system that refuses some calls: what runs here gets their error number from a seccomp filter.

`python -m tests.helpers.refusing setsid=EPERM pidfd_open=ENOSYS -- COMMAND...` (seccomp(2)). The
filter holds for the command and everything below it, whoever runs it. What is forked is prepared:
`vibeguard(..., before=(MODULE, "setsid=EPERM"))`.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

from tests.helpers.command import ROOT

# By name, the numbers on x86_64 and aarch64 (asm/unistd_64.h); -1 where there is no such call.
CALLS = {
    "bind": (49, 200),
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "clone3": (435, 435),
    "epoll_create1": (291, 20),
    "fallocate": (285, 47),
    "fcntl": (72, 25),
    "getcwd": (79, 17),
    "getsid": (124, 156),
    "getsockname": (51, 204),
    "inotify_add_watch": (254, 27),
    "inotify_init1": (294, 26),
    "ioctl": (16, 29),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "pselect6": (270, 72),
    "readlink": (89, -1),
    "readlinkat": (267, 78),
    "recvfrom": (45, 207),
    "rt_sigaction": (13, 134),
    "sched_getaffinity": (204, 123),
    "sendto": (44, 206),
    "setpgid": (109, 154),
    "setsid": (112, 157),
    "setsockopt": (54, 208),
    "socketpair": (53, 199),
    "uname": (63, 160),
    "wait4": (61, 260),
}
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def can_refuse() -> str:
    """Why no call can be refused here; empty where it can."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return "seccomp filters of these tests are for Linux on x86_64 and aarch64"
    return ""


def refusing(**refused: str) -> list[str]:
    """The words before a command that shall not be able to make these calls."""
    calls = [f"{name}={number}" for name, number in refused.items()]
    return [sys.executable, "-m", "tests.helpers.refusing", *calls, "--"]


def refuse(refused: dict[str, int]) -> None:
    """Let these system calls fail with these error numbers in this process from now on."""
    column, architecture = _MACHINES[platform.machine()]
    rules = [(CALLS[name][column], number) for name, number in refused.items()]
    steps = [(_LOAD, 0, 0, _ARCHITECTURE_AT), (_JUMP_IF_EQUAL, 1, 0, architecture)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, _NUMBER_AT)]
    for call, number in rules:
        if call >= 0:
            steps += [(_JUMP_IF_EQUAL, 0, 1, call), (_RETURN, 0, 0, _ERRNO | number)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs is refused")
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the seccomp filter is refused")


def prepare(*calls: str) -> None:
    """Refuse `setsid=EPERM` and the like in this process from now on."""
    pairs = (word.partition("=") for word in calls)
    refuse({name: getattr(errno, number) for name, _, number in pairs})


def main() -> None:
    """Refuse, then become the command."""
    cut = sys.argv.index("--")
    prepare(*sys.argv[1:cut])
    command = sys.argv[cut + 1 :]
    os.execvpe(command[0], command, os.environ)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
