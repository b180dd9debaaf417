"""The process that outlives an audit which is killed, and ends what it had started.

It is nobody's child that the audit looks at: its parent goes at once. It knows the processes of the
check by the mark in their environment, as the next command in a folder knows leftovers.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

from vibeguard.system.detach import close_inherited, leave_terminal
from vibeguard.system.ending_signals import ignore
from vibeguard.system.process.start_refused import refusal
from vibeguard.system.process.sweep import LAST_SWEEP_S, sweep_marked

_OVER: Final = b"."


@contextmanager
def guarded(run_id: str) -> Iterator[None]:
    """While this process lives in here, what bears the mark of `run_id` is its own business.

    To be entered before it is a subreaper. Raises StartRefused where the system gives no process.
    """
    try:
        reader, writer = os.pipe()
        pid = os.fork()
    except OSError as error:
        raise refusal(error, "the process that guards it") from error
    if pid == 0:
        _become_guardian(run_id, reader)
    os.close(reader)
    os.waitpid(pid, 0)
    try:
        yield
        with suppress(BrokenPipeError):  # killed: then nobody is left who could sweep
            os.write(writer, _OVER)
    finally:
        os.close(writer)


def _become_guardian(run_id: str, reader: int) -> NoReturn:
    """Wait for the word that all is over; where it does not come, SIGKILL to what is left."""
    try:
        if os.fork() == 0:
            leave_terminal(b"vg-guardian")
            ignore()  # who ends the audit does not mean this
            close_inherited({reader})
            if os.read(reader, 1) != _OVER:
                sweep_marked((run_id,), LAST_SWEEP_S)
    finally:
        os._exit(0)
