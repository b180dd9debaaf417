"""Programs that VibeGuard asks something: each begun in a group of its own, and ended with it.

Nobody waits longer than for their answer: not for what they have started, and not for what SIGKILL
does not end (a setuid program, a disk that is gone).
"""

import errno
import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import IO, Final

_REFUSED: Final = (errno.EPERM, errno.ENOSYS)
_LAST_S: Final = 1.0
Environment = Mapping[str, str] | Mapping[bytes, bytes] | None
Stream = int | IO[bytes]


class Program(subprocess.Popen[bytes]):
    """Waits for an end as it comes: Popen looks after 1 ms, 2, 4, and most answers take two."""

    def wait(self, timeout: float | None = None) -> int:
        """As Popen's. Raises TimeoutExpired."""
        if timeout is not None and self.returncode is None:
            with suppress(AttributeError, OSError), open(os.pidfd_open(self.pid), "rb", 0) as ended:
                looked = select.poll()
                looked.register(ended, select.POLLIN)
                looked.poll(max(0.0, timeout) * 1000)
        return super().wait(timeout)


def ask(
    words: Sequence[str],
    timeout_s: float,
    given: bytes | None = None,
    *,
    cwd: str | None = None,
    env: Environment = None,
) -> subprocess.CompletedProcess[bytes]:
    """What a program says of `given`, and how it ends. Raises OSError, TimeoutExpired."""
    return answer_of(begin_asking(words, given, cwd=cwd, env=env), timeout_s, given)


def begin_asking(
    words: Sequence[str], given: bytes | None, *, cwd: str | None, env: Environment
) -> Program:
    """The same, without waiting for its answer. Raises OSError."""
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    return begin_group(words, stdin=stdin, stderr=subprocess.PIPE, cwd=cwd, env=env)


def answer_of(
    program: Program,
    timeout_s: float,
    given: bytes | None = None,
    *,
    began: Callable[[Program], None] = lambda _: None,
) -> subprocess.CompletedProcess[bytes]:
    """What it says, and how it ends; `began` gets it first, and may raise.

    Raises TimeoutExpired where that takes longer; its group is ended then.
    """
    with program:
        try:
            began(program)
            output, complaint = program.communicate(given, timeout=timeout_s)
        except BaseException:
            end_group(program)
            raise
    return subprocess.CompletedProcess(program.args, program.returncode, output, complaint)


def begin_group(
    words: Sequence[str],
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.PIPE,
    stderr: Stream = subprocess.STDOUT,
    cwd: str | bytes | None = None,
    env: Environment = None,
) -> Program:
    """Start it in a session of its own, or (a sandbox refuses sessions) in a group. OSError."""
    begin = partial(Program, words, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env)
    try:
        return begin(start_new_session=True)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        return begin(process_group=0)


def end_group(program: Program) -> None:
    """SIGKILL to its group; what lives on is waited for by nobody, and counts as ended."""
    kill_group(program.pid)
    try:
        program.wait(_LAST_S)
    except subprocess.TimeoutExpired:
        program.returncode = -signal.SIGKILL


def kill_group(leader: int) -> None:
    """SIGKILL to a process group that we began; where it is gone already, that is no error.

    It would take the place of the one for whose sake the group is ended: a Ctrl-C among others.
    """
    with suppress(ProcessLookupError, PermissionError):  # the latter: only zombies, on macOS
        os.killpg(leader, signal.SIGKILL)
