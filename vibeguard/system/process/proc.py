"""What the kernel tells about processes, read from /proc: values, or None where it does not tell.

Nothing here raises for a process that is gone or not ours to read. A process is known by its pid
and its start time together: a pid alone may belong to another process a moment later.
"""

import os
from contextlib import suppress
from functools import cache
from typing import NamedTuple

COMMAND_CHARACTERS = 200
EXEC_LOOKS = 100
BOOT_ID = "/proc/sys/kernel/random/boot_id"
_OF_THE_KERNEL = 0x00200000  # PF_KTHREAD among the flags of proc_pid_stat(5)
CLOCK_TICK_NS = 1_000_000_000 // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)


class Identity(NamedTuple):
    """One process and no other: `start` is its start time in clock ticks since boot."""

    pid: int
    start: int


class Stat(NamedTuple):
    """The parts of /proc/PID/stat that matter here. `state` is the kernel's letter.

    It is that of the main thread, which may have ended before the others of its `threads`.
    """

    identity: Identity
    state: str
    parent: int
    group: int
    session: int
    cpu_ns: int
    name: str
    threads: int = 1

    @property
    def pid(self) -> int:
        """The process id."""
        return self.identity.pid

    @property
    def is_dead(self) -> bool:
        """Whether it has ended and only waits to be reaped."""
        return self.state in "ZX" and self.threads <= 1


@cache
def is_ours() -> bool:
    """Whether /proc tells of the processes that this one knows by number.

    A new pid namespace without a new /proc (`unshare -pf`, a sandbox) shows those of another one:
    its numbers are other processes. Our own is another there, or one among several (NSpid).
    """
    ours = [str(os.getpid()).encode()]
    lines = (read("/proc/self/status") or b"").splitlines()
    told = [line.split()[1:] for line in lines if line.startswith((b"Pid:", b"NSpid:"))]
    return bool(told) and all(numbers == ours for numbers in told)


@cache
def is_available() -> bool:
    """Whether this system has a /proc of ours that lists the children of a thread."""
    pid = os.getpid()
    return is_ours() and os.path.exists(f"/proc/{pid}/task/{pid}/children")


def read(path: str) -> bytes | None:
    """The bytes of a small file of /proc, or None when it is gone or unreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        chunks = []
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def parse_stat(text: bytes) -> Stat | None:
    """Read one line of /proc/PID/stat; the name may hold anything, brackets and blanks too."""
    head, _, tail = text.rpartition(b")")
    pid, _, name = head.partition(b"(")
    fields = tail.split()
    if len(fields) < 20 or not pid.strip().isdigit():
        return None
    return Stat(
        identity=Identity(int(pid), int(fields[19])),
        state=fields[0].decode("ascii", "replace"),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        cpu_ns=(int(fields[11]) + int(fields[12])) * CLOCK_TICK_NS,
        name=name.decode("utf-8", "replace"),
        threads=int(fields[17]),
    )


def read_of(pid: int, name: str) -> bytes | None:
    """The bytes of one file about one process; None too where /proc is not ours."""
    return read(f"/proc/{pid}/{name}") if is_ours() else None


def _listed(pid: int, name: str) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/{name}") if is_ours() else []
    except OSError:
        return []


def stat_of(pid: int) -> Stat | None:
    """The process with this pid, or None."""
    text = read_of(pid, "stat")
    return None if text is None else parse_stat(text)


def ourselves_and_above() -> list[int]:
    """Our own process, its parent, and so on, as far as that can be seen."""
    seen, pid = [os.getpid()], os.getppid()
    while pid > 1 and pid not in seen:
        seen.append(pid)
        stat = stat_of(pid)
        pid = stat.parent if stat else 0
    return seen


def is_alive(process: Identity) -> bool:
    """Whether the process that started then still is, dead children that nobody reaped apart.

    Of one whose start nobody could tell (0), where /proc is not ours, the number alone is asked.
    """
    if process.start == 0 and not is_ours():
        return is_in_use(process.pid)
    stat = stat_of(process.pid)
    return stat is not None and stat.identity == process and not stat.is_dead


def is_in_use(pid: int) -> bool:
    """Whether there is any process or thread of this number, whoever started it."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def all_pids() -> list[int]:
    """The ids of all processes, of everybody."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()] if is_ours() else []
    except OSError:
        return []


def children_of(pid: int) -> list[int]:
    """The children of a process, zombies too, without looking at any other process."""
    found: list[int] = []
    for thread in _listed(pid, "task"):
        listed = read_of(pid, f"task/{thread}/children")
        if listed:
            found.extend(map(int, listed.split()))
    return found


def environment_of(pid: int) -> dict[bytes, bytes]:
    """The environment that a process was started with; empty when it is wiped or unreadable.

    In the middle of an exec there is none for some microseconds: that is waited out.
    """
    for _ in range(EXEC_LOOKS):
        text = read_of(pid, "environ") or _environment_of_threads(pid)
        if text or not _is_in_exec(pid):
            break
    pairs = (entry.partition(b"=") for entry in (text or b"").split(b"\0") if b"=" in entry)
    return {name: value for name, _, value in pairs}


def _environment_of_threads(pid: int) -> bytes:
    """The same by another thread: a main thread that has ended has no memory map any more."""
    stat = stat_of(pid)
    if stat is None or stat.is_dead or stat.state not in "ZX":
        return b""
    for thread in _listed(pid, "task"):
        text = read_of(pid, f"task/{thread}/environ")
        if text:
            return text
    return b""


def _is_in_exec(pid: int) -> bool:
    """Whether the process has a new memory map whose environment has no place yet.

    A thread of the kernel never has one.
    """
    fields = (read_of(pid, "stat") or b"").rpartition(b")")[2].split()
    if len(fields) <= 48 or fields[0] in b"ZX" or int(fields[6]) & _OF_THE_KERNEL:
        return False
    return fields[47] == fields[48] == b"0"


def boot_id() -> str:
    """The kernel's id of this boot (random(4)); empty where there is none."""
    return (read(BOOT_ID) or b"").decode("ascii", "replace").strip()


def own_start() -> int:
    """When this process started, in clock ticks since boot (proc_pid_stat(5)); 0 where untold."""
    stat = stat_of(os.getpid())
    return 0 if stat is None else stat.identity.start


def owner_of(pid: int) -> int | None:
    """The user that a process runs as."""
    try:
        return os.stat(f"/proc/{pid}").st_uid if is_ours() else None
    except OSError:
        return None


def command_of(stat: Stat) -> str:
    """The command line as typed, cut at 200 characters; the name in brackets when it has none."""
    text = read_of(stat.pid, "cmdline") or b""
    words = text.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return words[:COMMAND_CHARACTERS] or f"[{stat.name}]"


def peak_memory_bytes(pid: int) -> int | None:
    """The largest resident size that the process has had since its last exec."""
    for line in (read_of(pid, "status") or b"").splitlines():
        if line.startswith(b"VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def descriptor_target(pid: int, descriptor: int) -> str:
    """What a descriptor of a process refers to (`pipe:[123]`, a path), or nothing."""
    with suppress(OSError):
        if is_ours():
            return os.readlink(f"/proc/{pid}/fd/{descriptor}")
    return ""


def waits_in(pid: int) -> str:
    """The kernel function that the process sleeps in, where the system tells."""
    name = (read_of(pid, "wchan") or b"").decode("ascii", "replace").strip()
    return "" if name == "0" else name


def system_call(pid: int) -> tuple[int, int] | None:
    """The number and first argument of the system call that blocks the process, where told."""
    fields = (read_of(pid, "syscall") or b"").split()
    if len(fields) < 2 or not fields[0].isdigit():
        return None
    return int(fields[0]), int(fields[1], 16)
