"""What `run` does before anything else: the supervisor is on its way.

The supervisor imports Trio while this process parses arguments and config: on two cores the two
take as long as the longer one. It is a fork of a process that has imported only what both need; it
shares the interpreter, the import path and the environment (docs/adr/0002).
"""

import contextlib
import os
import signal
import sys
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING

from vibeguard.system.clock import command_began_s, wall_ns
from vibeguard.system.ending_signals import ENDING_OR_QUIT

if TYPE_CHECKING:
    from vibeguard.system.channel import Launch
    from vibeguard.system.discovery.vcs import AskedAhead

HELD_BACK = (*ENDING_OR_QUIT, signal.SIGTSTP, signal.SIGCHLD)

# What both processes need, imported once for the two: measured, a tenth of the time to the first
# check on two cores that have other work as well.
IMPORTED_ONCE = (
    "vibeguard.system.channel",
    "vibeguard.core.fold.fold",
    "vibeguard.system.detach",
    "vibeguard.system.discovery.differing",
    "vibeguard.system.ending_signals",
    "vibeguard.system.history",
    "vibeguard.system.journal.creation",
    "vibeguard.system.journal.live_runs",
    "vibeguard.system.process.sweep",
    "vibeguard.system.reuse.tree",
    "vibeguard.system.rundir.notes",
    "vibeguard.system.unexpected",
    "vibeguard.system.vouching.known",
    "vibeguard.system.vouching.seal",
)
# What supervisors import by themselves; whoever starts many does it once for them. Trio is 150 ms.
FOR_SUPERVISORS = ("vibeguard.system.supervisor.process", "vibeguard.system.supervisor.session")


class Supervisor:
    """A supervisor that waits for its launch: the pipe to it, the pipe from it, and who guards it.

    `guardian` is the process that this one must wait for; `guarded_here` says that it is the
    supervisor itself, and this process its guardian.
    """

    def __init__(self, orders: int, reports: int, guardian: int, *, guarded_here: bool) -> None:
        self.orders = orders
        self.reports = reports
        self.guardian = guardian
        self.guarded_here = guarded_here
        self.began_s = command_began_s()
        self.launched_ns: int | None = None  # wall clock: runs are dated by it
        self.differing: AskedAhead | None = None  # git, asked about the caller's folder meanwhile

    def launch(self, launch: "Launch") -> None:
        """Let the run begin; from now on this process is the guardian, unless there is another."""
        from vibeguard.system.channel import send  # noqa: PLC0415 - msgspec comes before
        from vibeguard.system.process.process_tree import become_subreaper  # noqa: PLC0415

        if self.guarded_here:
            become_subreaper()
        self.launched_ns = wall_ns()
        with contextlib.suppress(BrokenPipeError):  # it has ended: its last words say why
            send(self.orders, launch)

    def discard(self) -> None:
        """End a supervisor that got nothing to do. Harmless after the launch, and when repeated."""
        if self.differing is not None:
            self.differing.discard()
        if self.launched_ns is None:
            self.launched_ns = wall_ns()
            os.close(self.orders)
            with contextlib.suppress(OSError):  # it has gone; a sandbox refuses to wait
                os.kill(self.guardian, signal.SIGKILL)
                os.waitpid(self.guardian, 0)


# Set once by `prepare`, before there is anything that it could be passed through: cyclopts calls
# the command.
prepared: ContextVar[Supervisor | None] = ContextVar("prepared", default=None)


def prepare(arguments: list[str]) -> Supervisor:
    """Start a supervisor, with a guardian of its own where it is to stay.

    Signals are held back until the front or the supervisor has handlers for them.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    for shared in IMPORTED_ONCE:
        import_module(shared)
    reuses = _asks_for_reuse(arguments)
    supervisor = _start(stays=outlives_command(arguments), may_reuse_all=reuses)
    prepared.set(supervisor)
    if reuses:  # then the second core has little to do
        supervisor.differing = _ask_git()
    return supervisor


def _ask_git() -> "AskedAhead | None":
    from vibeguard.system.discovery.differing import ask_ahead  # noqa: PLC0415 - after the fork
    from vibeguard.system.discovery.environment import caller_environment  # noqa: PLC0415

    try:
        return ask_ahead(os.getcwd(), caller_environment())
    except OSError:  # the folder is gone
        return None


def outlives_command(arguments: list[str]) -> bool:
    """Whether the run may go on after the command: `--detach` or `--max-wait` among the options."""
    return any(
        word in ("--detach", "--detach=true", "--max-wait") or word.startswith("--max-wait=")
        for word in _options(arguments)
    )


def _asks_for_reuse(arguments: list[str]) -> bool:
    """Whether it may well be that no check has to run (docs/adr/0193)."""
    return any(word in ("--reuse", "--reuse=true") for word in _options(arguments))


def _options(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _start(*, stays: bool, may_reuse_all: bool) -> Supervisor:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # the caller closed it
            stream.flush()
    from vibeguard.system.detach import in_a_child_with_pipe  # noqa: PLC0415 - imported once

    orders_read, orders_write = os.pipe()

    def child(reports: int) -> int:
        if stays:
            return _be_guardian(orders_read, orders_write, reports, may_reuse_all)
        os.close(orders_write)
        return _be_supervisor(orders_read, reports, None, may_reuse_all)

    try:
        pid, reports = in_a_child_with_pipe(child)
    except OSError:
        os.close(orders_write)  # to say so takes descriptors, too
        raise
    finally:
        os.close(orders_read)
    return Supervisor(orders_write, reports, pid, guarded_here=not stays)


def _be_supervisor(orders: int, reports: int, guardian: int | None, may_reuse_all: bool) -> int:
    """Its exit code. `guardian` is the pipe to a guardian that is not the front."""
    try:
        from vibeguard.system.supervisor.process import supervise  # noqa: PLC0415 - in the child

        return supervise(orders, reports, guardian, may_reuse_all=may_reuse_all)
    except BaseException as error:  # noqa: BLE001 - the border of a process
        _report_defect(error, reports)
        return 3


def _report_defect(error: BaseException, reports: int) -> None:
    """Tell the front why the supervisor could not even be imported."""
    from vibeguard.system.channel import Failed, send  # noqa: PLC0415 - not for a front of others
    from vibeguard.system.unexpected import told_of  # noqa: PLC0415

    told = told_of(error, mend="reinstall VibeGuard, or report it")
    with contextlib.suppress(BrokenPipeError):  # there is no front any more
        send(reports, Failed(f"the supervisor cannot start: {told.what}", told.do, 3))


def _be_guardian(orders_read: int, orders_write: int, reports: int, may_reuse_all: bool) -> int:
    """Its exit code."""
    from vibeguard.system.detach import in_a_child_with_pipe  # noqa: PLC0415 - imported once
    from vibeguard.system.front.guardian import guard  # noqa: PLC0415 - in the child

    def child(told: int) -> int:
        os.close(orders_write)
        return _be_supervisor(orders_read, reports, told, may_reuse_all)

    guard(*in_a_child_with_pipe(child), orders=orders_write)
    return 0
