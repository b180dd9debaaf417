"""The process that stays with a supervisor whose command may end: with --detach and --max-wait.

It holds the writing end of the order pipe, so that its own death tells the supervisor; it is the
subreaper to whom every process of the run falls if the supervisor dies; and it notes such a death
where readers of the log find it: whoever killed the supervisor may have written a log of its own.
"""

import os
import signal
from select import PIPE_BUF, select

from vibeguard.system.channel import OVER, Interrupt, Kill, send
from vibeguard.system.detach import close_inherited, leave_terminal
from vibeguard.system.ending_signals import not_ignored
from vibeguard.system.front.signals import EXIT_CODES
from vibeguard.system.process.process_tree import become_subreaper
from vibeguard.system.process.sweep import kill_descendants
from vibeguard.system.rundir.notes import note_killed


def guard(supervisor: int, told: int, *, orders: int) -> None:
    """Wait for the supervisor's end, then for the end of everything that it left behind.

    `told` is the pipe from the supervisor: its run folder, then OVER once it has sealed the log.
    """
    leave_terminal(b"vg-guardian")
    close_inherited({orders, told})
    become_subreaper()
    interrupted = False
    ending = not_ignored(EXIT_CODES)
    while True:
        received = signal.sigwait({signal.SIGCHLD, *ending})
        if received == signal.SIGCHLD:
            finished, status = os.waitpid(supervisor, os.WNOHANG)
            if finished:
                break
            continue
        if not select([told], [], [], 0)[0]:  # no run yet, so that there is nothing to end in order
            os.kill(supervisor, signal.SIGKILL)
        number = signal.Signals(received)
        order = Kill() if interrupted else Interrupt(number.name)
        interrupted = True
        try:
            send(orders, order)
        except BrokenPipeError:
            continue  # the supervisor is ending; SIGCHLD follows
    folder = _left_unsealed(told) if os.WIFSIGNALED(status) else ""
    note_killed(folder)
    kill_descendants()
    note_killed(folder)  # whoever killed it may have removed the note, but is gone now


def _left_unsealed(told: int) -> str:
    """The folder of a run whose supervisor has died and did not say that it was over; or empty."""
    os.set_blocking(told, False)
    try:
        words = os.read(told, PIPE_BUF)
    except BlockingIOError:
        return ""
    return "" if words.endswith(OVER) else os.fsdecode(words)
