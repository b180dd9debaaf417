"""Start one command: `sh -c` in a session of its own, with three descriptors and none of ours.

`posix_spawn` costs half of what `subprocess` does and does not copy this process's memory map. It
knows no working folder, so this process changes its own and back in the same step: no other part
of it may rely on the current folder from another thread.
"""

import errno
import math
import os
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from msgspec import Struct

from vibeguard.system.detach import leave_session
from vibeguard.system.discovery.shells import SHELL
from vibeguard.system.process.command_line import arguments_for, find_shell, with_files
from vibeguard.system.process.exits import ExitWatch, ThreadedExitWatch, has_pidfd
from vibeguard.system.process.start_refused import PRESSURE, StartRefused, refusal, refused_variable

_REFUSED = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL)
SPARE_DESCRIPTORS = 8
_NO_MORE: Final = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
# A command begins with each at its default: exec leaves ignored what is (signal(7)). All are named:
# glibc asks the kernel about every other one, and resets that as well (ADR 0030).
RESET_SIGNALS: Final = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))
Streams = list[tuple[int, int, int]]


class Child(Struct, frozen=True):
    """A started command: its leader, and the end of the pipe that it writes to."""

    leader: ExitWatch
    output: int


def usable_descriptors() -> float:
    """How many descriptors this process may have beside those that ending processes may need."""
    try:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except OSError:  # a service may be refused the question (SystemCallFilter=~@resources)
        return math.inf
    return math.inf if limit == resource.RLIM_INFINITY else limit - SPARE_DESCRIPTORS


def keep_descriptors_from_children() -> None:
    """Mark every descriptor of this process as not inherited, and see that 0, 1 and 2 exist.

    Python opens its own that way; what this process was started with (a shell's `9<file`) is not.
    """
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(lowest)
    for descriptor in _open_descriptors():
        if descriptor > 2:
            with suppress(OSError):  # the one that listed the folder is closed by now
                os.set_inheritable(descriptor, False)


def _open_descriptors() -> list[int]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with suppress(OSError):
            return [int(name) for name in os.listdir(folder)]
    return []


class Spawner:
    """Starts commands. Holds /dev/null for their stdin, and the folder to return to."""

    def __init__(self, shell: str = SHELL) -> None:
        self._shell = shell
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._home = self._open_home()

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._null)
        os.close(self._home)

    def spawn(
        self,
        *,
        command: str,
        cwd: str,
        environment: Mapping[bytes, bytes],
        shell: str = "sh",
        files: Sequence[bytes] = (),
        read_at_end: str = "",
        tracer: Sequence[bytes] = (),
    ) -> Child:
        """Start `command` in `cwd` by this shell; raises `StartRefused` with the reason in words.

        `files` are the command's "$@", in one call if anything is `read_at_end`. With a `tracer`, a
        command line that begins with a path, that program starts the shell. The child has a session
        of its own (a process group where that is refused), /dev/null as stdin, one pipe as stdout
        and stderr, default signal dispositions and an empty mask.
        """
        arguments = arguments_for(shell, command)
        if files:
            arguments = with_files(arguments, files, environment, read_at_end)
        # All that can be refused is asked for before the command runs: one that runs and that
        # nobody can wait for or end would be a leak (ADR 0030, ADR 0095).
        reserve, read_end, write_end = self._open_descriptors()
        waiting: ThreadedExitWatch | None = None
        pid = 0
        try:
            waiting = None if has_pidfd() else _thread_that_waits()
            pid = self._spawn_in(cwd, arguments, environment, write_end, tracer)
        finally:
            os.close(write_end)
            os.close(reserve)
            if waiting is not None:
                waiting.watch(pid)
            if not pid:
                os.close(read_end)
                if waiting is not None:
                    waiting.close()
        return Child(waiting or _watch_exit(pid, read_end), read_end)

    def _open_descriptors(self) -> tuple[int, int, int]:
        """A reserve for the pidfd, so that nothing can fail once the command runs, and a pipe.

        Refused while too few would be left to find and end processes. The kernel gives the lowest
        number that is free, so a number tells how many are in use.
        """
        reserve = -1
        try:
            reserve = os.dup(self._null)
            read_end, write_end = os.pipe()
        except OSError as error:
            if reserve >= 0:
                os.close(reserve)
            raise refusal(error, "no descriptors for the output") from error
        if write_end >= usable_descriptors():
            for descriptor in (reserve, read_end, write_end):
                os.close(descriptor)
            raise refusal(_NO_MORE, "too few descriptors are left to end it again")
        os.set_blocking(read_end, False)
        return reserve, read_end, write_end

    def _spawn_in(
        self,
        cwd: str,
        arguments: list[bytes],
        environment: Mapping[bytes, bytes],
        output: int,
        tracer: Sequence[bytes],
    ) -> int:
        """One step without a checkpoint: into the folder, start, and back."""
        streams = [
            (os.POSIX_SPAWN_DUP2, self._null, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ]
        try:
            os.chdir(cwd)
        except OSError as error:
            raise refusal(error, f"the working folder {cwd} cannot be used") from error
        except ValueError:
            raise StartRefused("the name of the working folder holds a NUL character") from None
        program = self._shell
        try:
            if arguments[0] != b"sh":
                program = find_shell(arguments[0], environment)
            if tracer:
                arguments = [*tracer, os.fsencode(program), *arguments[1:]]
                program = os.fsdecode(tracer[0])
            return self._spawn_leader(program, arguments, environment, streams)
        except OSError as error:
            raise refusal(error, _what_failed(error, program)) from error
        except ValueError:
            reason = refused_variable(environment) or "the environment cannot be passed on"
            raise StartRefused(reason) from None
        finally:
            self._return()

    def _open_home(self) -> int:
        """The folder that this process is in, or the root where it may not look (under sudo)."""
        try:
            return os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return os.open("/", os.O_RDONLY | os.O_DIRECTORY)

    def _return(self) -> None:
        """Back to where this process was; a folder that cannot be entered any more ends no run."""
        try:
            os.chdir(self._home)
        except OSError:
            os.chdir("/")

    def _spawn_leader(
        self,
        program: str,
        arguments: list[bytes],
        environment: Mapping[bytes, bytes],
        streams: Streams,
    ) -> int:
        """With a session of its own, or with a group of its own, or with neither: as allowed."""
        spawn = partial(
            os.posix_spawn,
            program,
            arguments,
            environment,
            file_actions=streams,
            setsigmask=(),
            setsigdef=RESET_SIGNALS,
        )
        try:
            return spawn(setsid=True)
        except NotImplementedError:
            pass
        except OSError as error:
            if error.errno not in _REFUSED or not os.access(program, os.X_OK):
                raise
        for begin in (partial(spawn, setpgroup=0), spawn):
            try:
                return begin()
            except OSError as error:
                if error.errno not in _REFUSED:
                    raise
        return _fork(program, arguments, environment, streams)


def _fork(
    program: str,
    arguments: list[bytes],
    environment: Mapping[bytes, bytes],
    streams: Streams,
) -> int:
    """The same by `fork`, where a sandbox refuses clone3 otherwise than by ENOSYS.

    Docker did until 20.10.10, and glibc's `posix_spawn` then tries nothing else.
    """
    stdin, stdout, stderr = (ours for _, ours, _ in streams)
    child = subprocess.Popen(
        arguments,
        executable=program,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=_begin,  # noqa: PLW1509 - nothing of ours holds a lock at a fork
    )
    child.returncode = 0  # whoever waits for it is another
    return child.pid


def _begin() -> None:
    leave_session()
    for number in RESET_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _what_failed(error: OSError, program: str) -> str:
    if error.errno == errno.E2BIG:
        return "the command and its environment are too long for the system"
    if error.errno in PRESSURE:
        return "no process could be started"
    return f"the shell {program} cannot be started"


def _watch_exit(pid: int, read_end: int) -> ExitWatch:
    """Watch the child. Another process may have taken what was kept free of the whole system's.

    The command is ended then, and not begun a second time; whoever sweeps finds what is left.
    """
    try:
        return ExitWatch(pid, os.pidfd_open(pid))
    except OSError as error:
        for end in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                end(pid, signal.SIGKILL)
        os.close(read_end)
        reason = f"it was ended at once, nothing to wait for it with: {error.strerror}"
        raise StartRefused(reason) from error


def _thread_that_waits() -> ThreadedExitWatch:
    try:
        return ThreadedExitWatch.begin()
    except OSError as error:
        raise refusal(error, "nothing to wait for it with") from error
    except RuntimeError as error:
        raise StartRefused(f"no thread to wait for it: {error}", transient=True) from error
