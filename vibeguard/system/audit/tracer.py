"""strace: found, tried, and how it is called; and what git ignores of what it saw."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Final

from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import Git
from vibeguard.system.own_group import ask

_CALLS: Final = (
    "%file,connect,bind,sendto,sendmsg,sendmmsg,getdents64,fchdir,openat2,execveat,io_uring_setup,"
    "clone,clone3,fork,vfork"
)
_FLAGS: Final = ("-f", "--seccomp-bpf", "-y", "-xx", "-q", "-s", "0", "-e", f"trace={_CALLS}", "-o")
_PROBE_S: Final = 10.0
_GIT_S: Final = 30.0


def usable_tracer(environment: Mapping[bytes, bytes]) -> str:
    """The path of a strace that can trace here, which is found out by doing it.

    Raises UsageError that says what is missing.
    """
    if sys.platform != "linux":
        raise _refused("only Linux has strace", "look at the check's inputs by other means")
    path = os.fsdecode(environment.get(b"PATH", os.fsencode(os.defpath)))
    found = shutil.which("strace", path=path)
    if found is None:
        raise _refused("strace is not on PATH", "install strace (apt-get install strace)")
    why = _probe(os.path.abspath(found))
    if why:
        do = "strace 5.3 or newer and the right to trace are needed (docker: --cap-add SYS_PTRACE)"
        raise _refused(why, do)
    return os.path.abspath(found)


def tracer_command(strace: str, trace: str) -> tuple[bytes, ...]:
    """The command line to put in front of the one that is traced, lines into the file `trace`.

    The tracer detaches itself (-DDD): the check stays our child, with its own exit status.
    """
    words = (strace, "-DDD", *_FLAGS, trace, "--")
    return tuple(os.fsencode(word) for word in words)


def ignored_by_git(
    folder: bytes, names: Iterable[bytes], environment: Mapping[bytes, bytes]
) -> frozenset[bytes]:
    """Those of the names that git ignores; none where git cannot tell."""
    git = Git(os.fsdecode(folder), without_git_locals(environment), _GIT_S)
    given = b"".join(name + b"\0" for name in names)
    told = git.try_to("check-ignore", "-z", "--stdin", given=given) or b""  # it fails for none
    return frozenset(told.split(b"\0")) - {b""}


def _probe(strace: str) -> str:
    """Why a trace cannot be taken; empty where it can."""
    command = [strace, *_FLAGS, os.devnull, "--", "/bin/sh", "-c", ":"]
    try:
        done = ask(command, _PROBE_S)
    except subprocess.TimeoutExpired:
        return f"strace did not end within {_PROBE_S:g} s"
    except OSError as error:
        return f"strace cannot be started: {error.strerror}"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 0:
        return ""
    return said[0] if said else f"strace ended with {done.returncode}"


def _refused(why: str, do: str) -> UsageError:
    return UsageError(f"a trace cannot be taken: {why}", do)
