"""Start one command: `sh -c` in a session of its own, with three descriptors and none of ours.

`posix_spawn` costs half of what `subprocess` does and does not copy this process's memory map. It
knows no working folder, so this process changes its own and back in the same step: no other part
of it may rely on the current folder from another thread.
"""

import errno
import math
import os
import resource
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from vibeguard.system.discovery.shells import SHELL
from vibeguard.system.process import batches
from vibeguard.system.process.batches import WORD_COST
from vibeguard.system.process.exits import ExitWatch, ThreadedExitWatch, has_pidfd

PRESSURE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
_REFUSED = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL)
SPARE_DESCRIPTORS = 8
# Of a command line: what Linux takes with the usual stack, and what the dynamic loader may add.
_MOST_ARGUMENT_BYTES = 2 << 20
_ROOM_TO_SPARE = 64 << 10

Streams = list[tuple[int, int, int]]


class SpawnRefused(Exception):
    """The command was not started; `reason` is for the user, `transient` means pressure."""

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient


class Child(NamedTuple):
    """A started command: its leader, and the end of the pipe that it writes to."""

    leader: ExitWatch
    output: int


def refusal(error: OSError, what: str) -> SpawnRefused:
    """A refused start from a system error: pressure may pass, anything else will not."""
    return SpawnRefused(f"{what}: {error.strerror}", transient=error.errno in PRESSURE)


def usable_descriptors() -> float:
    """How many descriptors this process may have beside those that ending processes may need."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return math.inf if limit == resource.RLIM_INFINITY else limit - SPARE_DESCRIPTORS


def signals_to_reset() -> list[int]:
    """What a command would inherit as ignored (signal(7): exec resets handlers, nothing else).

    None is a disposition that Python does not know, which may be that too.
    """
    settable = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    return sorted(n for n in settable if signal.getsignal(n) is not signal.SIG_DFL)


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
    """Starts commands. Holds /dev/null for their stdin, and the folder to return to.

    Which signals are ignored must not change after its creation.
    """

    def __init__(self, shell: str = SHELL) -> None:
        self._shell = shell
        self._signals = signals_to_reset()
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
        tracer: Sequence[bytes] = (),
    ) -> Child:
        """Start `command` in `cwd` by this shell; raises `SpawnRefused` with the reason in words.

        With a `tracer`, a command line that begins with a path, that program starts the shell.

        The child has a session of its own (a process group where that is refused), /dev/null as
        stdin, one pipe as stdout and stderr, default signal dispositions and an empty mask.
        """
        arguments = arguments_for(shell, command)
        if files:
            arguments = _with_files(arguments, files, environment)
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
        return Child(waiting or ExitWatch(pid, os.pidfd_open(pid)), read_end)

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
            raise SpawnRefused("too few descriptors are left to end it again", transient=True)
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
            raise SpawnRefused("the name of the working folder holds a NUL character") from None
        program = self._shell
        try:
            if arguments[0] != b"sh":
                program = _find(arguments[0], environment)
            if tracer:
                arguments = [*tracer, os.fsencode(program), *arguments[1:]]
                program = os.fsdecode(tracer[0])
            return self._spawn_leader(program, arguments, environment, streams)
        except OSError as error:
            raise refusal(error, _what_failed(error, program)) from error
        except ValueError:
            raise _environment_refusal(environment) from None
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
        try:
            return os.posix_spawn(
                program,
                arguments,
                environment,
                file_actions=streams,
                setsid=True,
                setsigmask=(),
                setsigdef=self._signals,
            )
        except NotImplementedError:
            pass
        except OSError as error:
            if error.errno not in _REFUSED or not os.access(program, os.X_OK):
                raise
        try:
            return os.posix_spawn(
                program,
                arguments,
                environment,
                file_actions=streams,
                setpgroup=0,
                setsigmask=(),
                setsigdef=self._signals,
            )
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
        return os.posix_spawn(
            program,
            arguments,
            environment,
            file_actions=streams,
            setsigmask=(),
            setsigdef=self._signals,
        )


def _what_failed(error: OSError, program: str) -> str:
    if error.errno == errno.E2BIG:
        return "the command and its environment are too long for the system"
    if error.errno in PRESSURE:
        return "no process could be started"
    return f"the shell {program} cannot be started"


def _thread_that_waits() -> ThreadedExitWatch:
    try:
        return ThreadedExitWatch.begin()
    except OSError as error:
        raise refusal(error, "nothing to wait for it with") from error
    except RuntimeError as error:
        raise SpawnRefused(f"no thread to wait for it: {error}", transient=True) from error


def arguments_for(shell: str, command: str) -> list[bytes]:
    """The words that run `command` by this shell of a config, the program's name first."""
    try:
        text = os.fsencode(command)
    except UnicodeEncodeError:
        raise SpawnRefused("the command holds text that the system cannot take") from None
    if b"\0" in text:
        raise SpawnRefused("the command holds a NUL character")
    if shell == "sh":
        return [b"sh", b"-c", text]
    if shell == "bash":
        return [b"bash", b"-e", b"-o", b"pipefail", b"-c", text]
    words = [os.fsencode(word) for word in shlex.split(shell)]
    if not words:
        raise SpawnRefused("the shell is an empty command line")
    return [*words, text]


def _with_files(
    words: list[bytes], files: Sequence[bytes], environment: Mapping[bytes, bytes]
) -> list[bytes]:
    """The command line with the files as "$@", or that of `batches` where they are too many."""
    words = [*words, b"vibeguard"]
    most = min(os.sysconf("SC_ARG_MAX"), _MOST_ARGUMENT_BYTES)
    taken = sum(len(word) + WORD_COST for word in words) + _ROOM_TO_SPARE
    taken += sum(len(name) + len(value) + 1 + WORD_COST for name, value in environment.items())
    room = max(most - taken, 1)
    if sum(len(file) + WORD_COST for file in files) <= room:
        return [*words, *files]
    python = os.fsencode(sys.executable)
    return [python, b"-I", b"-S", os.fsencode(batches.__file__), str(room).encode(), *words]


def _find(program: bytes, environment: Mapping[bytes, bytes]) -> str:
    """The shell as the check itself would find it: on its PATH, from its working folder."""
    import shutil  # noqa: PLC0415 - for a shell of one's own alone; supervisor.preload has it

    name = os.fsdecode(program)
    path = os.fsdecode(environment.get(b"PATH", os.fsencode(os.defpath)))
    found = shutil.which(name, path=path)
    if found is None:
        raise SpawnRefused(
            f"the shell {name} is not found on PATH: install it, or name another one"
        )
    return found


def _environment_refusal(environment: Mapping[bytes, bytes]) -> SpawnRefused:
    """Which variable it is that the system does not take; never its value."""
    for name, value in environment.items():
        if not name or b"=" in name or b"\0" in name or b"\0" in value:
            shown = name.decode("utf-8", "replace")
            return SpawnRefused(f"the environment variable {shown!r} cannot be passed on")
    return SpawnRefused("the environment cannot be passed on")
