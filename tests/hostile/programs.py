"""Programs that do to their supervisor what shell commands cannot. Run as `programs.py NAME TOKEN`.

Each prints `ready` once all its processes are where they should be, and then does its worst.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
PTRACE_TRACEME = 0
PTRACE_SEIZE = 0x4206
# Who breeds processes ends some time by itself: the suite that should have ended it can be killed.
BEGAN_S = time.monotonic()
LONGEST_S = 600.0
SYS_EXIT = {"x86_64": 60, "aarch64": 93}.get(os.uname().machine, -1)


def ready() -> None:
    os.write(1, b"ready\n")


def sleep_for_ever(token: str) -> None:
    os.execvp("sleep", ["sleep", token])


def in_child(work: Callable[..., object], *arguments: object) -> int:
    """Fork; the child does its work and never returns."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work(*arguments)
    finally:
        os._exit(0)


def daemon(token: str, *, environment: dict[str, str] | None = None, close: bool = False) -> None:
    """Fork twice, with a session of its own in between, as daemons do."""

    def first() -> None:
        os.setsid()
        in_child(second)

    def second() -> None:
        if close:
            for descriptor in (0, 1, 2):
                os.close(descriptor)
        os.execvpe("sleep", ["sleep", token], os.environ if environment is None else environment)

    os.waitpid(in_child(first), 0)


def new_group(token: str) -> None:
    def work() -> None:
        os.setpgid(0, 0)
        sleep_for_ever(token)

    in_child(work)
    ready()
    os.wait()


def double_fork(token: str) -> None:
    daemon(token)
    ready()
    sleep_for_ever(token)


def double_fork_and_exit(token: str) -> None:
    daemon(token)
    ready()


def double_fork_without_environment(token: str) -> None:
    daemon(token, environment={})
    ready()
    sleep_for_ever(token)


def double_fork_without_a_trace(token: str) -> None:
    daemon(token, environment={}, close=True)
    ready()


def bomb_of_200(token: str) -> None:
    for _ in range(200):
        in_child(sleep_for_ever, token)
    ready()
    os.wait()


def forks_while_being_killed(token: str) -> None:
    """Two processes of which each replaces whatever ends, and ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    def work() -> None:
        while time.monotonic() < BEGAN_S + LONGEST_S:
            in_child(time.sleep, 0.02)
            time.sleep(0.001)

    for _ in range(2):
        in_child(work)
    ready()
    work()


def sessions_every_10_ms(token: str) -> None:
    """A process that is never the same for longer than 10 ms, in a session that is always new."""
    ready()
    while time.monotonic() < BEGAN_S + LONGEST_S:
        if os.fork():
            os._exit(0)
        os.setsid()
        time.sleep(0.01)


def sessions_every_10_ms_behind_a_leader(token: str) -> None:
    in_child(sessions_every_10_ms, token)
    sleep_for_ever(token)


def vfork_parent(token: str) -> None:
    """A parent stuck in vfork, because its child opens a FIFO that nobody writes to."""
    path = f"fifo.{token}"
    os.mkfifo(path)
    ready()
    os.posix_spawn(
        "/bin/sleep", ["sleep", token], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, path, 0, 0)]
    )


def traced_child(token: str) -> None:
    """A child in a ptrace stop, which SIGCONT does not end."""

    def work() -> None:
        LIBC.ptrace(PTRACE_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(1000)

    pid = in_child(work)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    ready()
    time.sleep(float(token))


def without_main_thread(token: str) -> None:
    """Its main thread has ended, so that it looks like a zombie; another one goes on."""
    threading.Thread(target=time.sleep, args=(float(token),)).start()
    ready()
    LIBC.syscall(SYS_EXIT, 0)  # this thread only


def child_without_main_thread(token: str) -> None:
    in_child(without_main_thread, token)
    time.sleep(float(token))


def daemon_without_main_thread(token: str) -> None:
    def work() -> None:
        os.setsid()
        without_main_thread(token)

    in_child(work)
    time.sleep(0.3)


def tracer_of_the_leader(token: str) -> None:
    """The kernel gives a traced process's exit to its tracer first, and to us when that has gone."""
    leader = os.getpid()

    def work() -> None:
        LIBC.ptrace(PTRACE_SEIZE, leader, 0, 0)
        ready()
        time.sleep(float(token))

    in_child(work)
    time.sleep(0.3)


def zombie_factory(token: str) -> None:
    for _ in range(100):
        in_child(lambda: None)
    ready()
    time.sleep(float(token))


def subreaper(token: str) -> None:
    """Collects its own orphans, so that they never come to the supervisor while it lives."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for _ in range(3):
        daemon(token, environment={}, close=True)
    ready()
    time.sleep(float(token))


def evil_name(token: str) -> None:
    """A name that reads like the rest of a line of /proc/PID/stat."""
    LIBC.prctl(PR_SET_NAME, b") Z 1 1 (x", 0, 0, 0)
    ready()
    time.sleep(float(token))


def not_dumpable(token: str) -> None:
    """Its entries in /proc belong to root."""

    def work() -> None:
        os.setsid()
        LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        time.sleep(float(token))

    in_child(work)
    ready()


def threads(token: str) -> None:
    """Children that were started by other threads than the main one."""

    def work() -> None:
        in_child(sleep_for_ever, token)
        time.sleep(float(token))

    for _ in range(20):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)
    ready()
    time.sleep(float(token))


def chain_of_100(token: str) -> None:
    """Each the child of the one before."""
    for _ in range(100):
        if os.fork():
            os.wait()
            os._exit(0)
    ready()
    time.sleep(float(token))


def execs_for_ever(token: str) -> None:
    """The same process, a new program every few milliseconds."""
    if "again" not in sys.argv:
        ready()
    time.sleep(0.005)
    os.execv(sys.executable, [sys.executable, "-IS", __file__, "execs_for_ever", token, "again"])


def stops_whenever_continued(token: str) -> None:
    def stop(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    signal.signal(signal.SIGCONT, stop)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready()
    stop()
    while time.monotonic() < BEGAN_S + LONGEST_S:
        time.sleep(1)


def ignores_everything(token: str) -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            continue
    ready()
    time.sleep(float(token))


def blocks_every_signal(token: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ready()
    time.sleep(float(token))


def wipes_its_environment(token: str) -> None:
    """Overwrites what /proc/PID/environ shows, as servers do that set their title."""

    def work() -> None:
        os.setsid()
        in_child(wiped)

    def wiped() -> None:
        with open("/proc/self/stat") as stat:
            start, end = map(int, stat.read().rsplit(")", 1)[1].split()[47:49])
        ctypes.memset(start, 0, end - start)
        time.sleep(float(token))

    os.waitpid(in_child(work), 0)
    time.sleep(0.1)
    ready()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
