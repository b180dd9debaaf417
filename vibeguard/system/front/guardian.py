"""The process that stays with a supervisor whose command may end: with --detach and --max-wait.

It holds the writing end of the order pipe, so that its own death tells the supervisor; it is the
subreaper to whom every process of the run falls if the supervisor dies; and it does nothing else.
"""

import os
import signal

from vibeguard.system.channel import Interrupt, Kill, send
from vibeguard.system.detach import close_inherited, leave_terminal
from vibeguard.system.process.sweep import kill_descendants
from vibeguard.system.process.tree import become_subreaper

SWEEP_BOUND_S = 5.0
_EXIT_CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}


def guard(supervisor: int, orders: int) -> None:
    """Wait for the supervisor's end, then for the end of everything that it left behind."""
    leave_terminal(b"vg-guardian")
    close_inherited({orders})
    become_subreaper()
    interrupted = False
    while True:
        received = signal.sigwait({signal.SIGCHLD, *_EXIT_CODES})
        if received == signal.SIGCHLD:
            finished, _ = os.waitpid(supervisor, os.WNOHANG)
            if finished:
                break
            continue
        number = signal.Signals(received)
        order = Kill() if interrupted else Interrupt(number.name, _EXIT_CODES[number])
        interrupted = True
        try:
            send(orders, order)
        except BrokenPipeError:
            continue  # the supervisor is ending; SIGCHLD follows
    kill_descendants(SWEEP_BOUND_S)
