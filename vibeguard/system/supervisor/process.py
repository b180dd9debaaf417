"""The supervisor process: from the launch message to the seal."""

import contextlib
import gc
import os
import signal
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vibeguard import late_patterns
from vibeguard.core.fold.verdict import verdict_of
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import LogWriteError, UsageError
from vibeguard.system.channel import (
    OVER,
    Failed,
    Launch,
    LayingOut,
    OrderReader,
    Report,
    Sealed,
    Staged,
    Started,
    send,
)
from vibeguard.system.detach import (
    close_inherited,
    give_terminal_back,
    hide_from_checks,
    leave_terminal,
    terminal_of_the_front,
    wake_when_orphaned,
)
from vibeguard.system.discovery.differing import differing
from vibeguard.system.discovery.environment import is_in_a_check, without_git_locals
from vibeguard.system.discovery.vcs import TIMEOUT_S
from vibeguard.system.ending_signals import do_nothing, not_ignored
from vibeguard.system.reuse.tree import with_identity
from vibeguard.system.rundir.notes import keep_traceback, write_traceback
from vibeguard.system.supervisor.arriving import Arriving, goes_to_workers
from vibeguard.system.supervisor.lean_trio import import_trio
from vibeguard.system.supervisor.preload import preload
from vibeguard.system.supervisor.run_log import RunLog
from vibeguard.system.unexpected import told_of

if TYPE_CHECKING:
    from vibeguard.system.staged.staged_view import LaidOut
    from vibeguard.system.supervisor.remote import Remote
    from vibeguard.system.supervisor.reused import Looking

# Cycles are rare here, and Python's own 700 is reached by every third check.
YOUNG_OBJECTS = 10_000


def supervise(
    orders: int, reports: int, guardian: int | None = None, *, may_reuse_all: bool = False
) -> int:
    """Wait for the launch, run it, report how it ended. The exit code of this process.

    Whatever goes wrong here is reported to the front, and kept in the run folder if there is one.
    `guardian` is the pipe to the guardian of a run that may outlive its front. With `may_reuse_all`
    what runs checks is imported once a check has to run.
    """
    terminal = _let_go(orders, reports, guardian)
    reader = OrderReader(orders, reports)
    arriving = Arriving(reader)
    arriving.begin()
    _import_early(may_reuse_all=may_reuse_all)
    late_patterns.compile_again()
    launch = arriving.launch()
    if launch is None:
        return ExitCode.PASSED
    log: RunLog | None = None
    view: LaidOut | None = None
    looking: Looking | None = None
    try:
        if launch.staged is not None:
            view = _open_view(launch, launch.staged, reports)
            launch = view.launch
        remote = _prepare_remote(launch, reader, arriving)
        looking = _ready_to_look(launch, reader)
        log = RunLog(launch, view, meanwhile=looking.begin if looking else None)
        folder = os.fsencode(log.folder)
        _tell_guardian(guardian, folder)
        _tell(reports, Started(log.run_id, folder))
        sealed = _run(log, reader, reports, remote, looking)
        _tell_guardian(guardian, OVER)
        _tell(reports, sealed)
        _housekeeping(log)
        _notify(launch, log, sealed, stays=guardian is not None)
    except BaseException as error:  # noqa: BLE001 - the border of this process
        failed = _failure(error, log)
        _tell(reports, failed)
        return failed.exit_code
    else:
        return sealed.exit_code
    finally:
        if looking is not None:
            looking.end()
        if log is not None:
            log.close()
        if view is not None:
            view.close()
        give_terminal_back(terminal, reports)


def _import_early(*, may_reuse_all: bool) -> None:
    """Import what this run will need, while the front reads the config."""
    if may_reuse_all:
        import_module("vibeguard.system.supervisor.reused")
        import_module("re2")
    else:
        _import_session()


def _import_session() -> None:
    """Import what runs checks; Trio alone takes 150 ms."""
    import_trio()
    import_module("vibeguard.system.supervisor.session")


def _ready_to_look(launch: Launch, orders: OrderReader) -> "Looking | None":
    """What looks up passes, where one may stand for every check.

    The front is waited for where a command may be run before `_run` does so.
    """
    from vibeguard.core.reuse.record import may_all_be_reused  # noqa: PLC0415 - small

    reuses = may_all_be_reused(launch.plan) and not is_in_a_check(launch.environment)
    if not reuses or any(check.tools for check in launch.plan.checks):
        orders.wait_until_ready()
    if not reuses:
        return None
    from vibeguard.system.supervisor.reused import Looking  # noqa: PLC0415 - only then

    return Looking(launch)


def _run(
    log: RunLog,
    orders: OrderReader,
    reports: int,
    remote: "Remote | None",
    looking: "Looking | None",
) -> Sealed:
    """Bring the run to its seal, with checks that run or without. Raises LogWriteError."""

    def prepare() -> None:
        _import_session()
        preload(log.launch)

    found = None
    if looking is not None:
        from vibeguard.system.supervisor.reused import settle_reused, wait_for_the_front  # noqa: PLC0415

        found = looking.found(log, orders, prepare)
        if found is not None and settle_reused(log, found):
            return log.finish(verdict_of(log.state))
        wait_for_the_front(orders, log.folder)
    prepare()
    from vibeguard.system.supervisor.session import Session  # noqa: PLC0415 - as above

    gc.freeze()  # plan and modules stay to the end: no collection need look at them
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()  # `cli.main` has switched it off
    return Session(log, orders, reports, remote, found).run()


def _let_go(orders: int, reports: int, guardian: int | None) -> int | None:
    """Give up all of the front's descriptors but the pipes, and its terminal.

    The terminal that is to be given back at the end, if there is one. A run that may outlive its
    front must not hold the front's terminal.
    """
    terminal = terminal_of_the_front() if guardian is None else None
    leave_terminal(b"vg-supervisor")
    pipes = {pipe for pipe in (orders, reports, guardian, terminal) if pipe is not None}
    close_inherited(pipes)
    for pipe in pipes:
        os.set_inheritable(pipe, False)
    # Ctrl-Z is for the front, which tells us; SIGPIPE is an error value (CPython ignores it).
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGTSTP})
    # No signal ends this process between the last check and the seal: the verdict stands. Trio's
    # receiver takes these over while checks run, and gives them back afterwards.
    for number in not_ignored():
        signal.signal(number, do_nothing)
    hide_from_checks()
    wake_when_orphaned()
    return terminal


def _open_view(launch: Launch, staged: Staged, reports: int) -> "LaidOut":
    """Lay out what is staged, before there is a run: it may change the content of every path."""
    from vibeguard.system.staged.staged_view import open_view  # noqa: PLC0415 - seldom needed

    view = open_view(launch, staged, held=lambda: _tell(reports, LayingOut()))
    launch, folder = view.launch, os.fsdecode(view.launch.folder)
    environment = without_git_locals(launch.environment)
    view.launch = replace(
        launch,
        differing=differing(folder, environment, TIMEOUT_S),
        version_control=with_identity(launch.version_control, launch),
    )
    return view


def _prepare_remote(launch: Launch, orders: OrderReader, arriving: Arriving) -> "Remote | None":
    """Prepare for checks on other machines; where there are none, nothing is imported."""
    if not goes_to_workers(launch):
        return None
    captured = arriving.capture(launch)
    try:
        try:
            from vibeguard.system.supervisor.remote import prepare_remote  # noqa: PLC0415
        except ModuleNotFoundError as error:
            from vibeguard.system.pool.access import needs_extra  # noqa: PLC0415

            raise needs_extra() from error
        return prepare_remote(launch, os.environ, orders, captured)
    finally:
        captured.stop()


def _housekeeping(log: RunLog) -> None:
    """Tidy up after the verdict. An error changes nothing any more, but is written down."""
    try:
        log.housekeeping()
    except Exception as error:  # noqa: BLE001 - a defect must not take the verdict back
        with contextlib.suppress(OSError):
            write_traceback(log.folder, "".join(traceback.format_exception(error)))


def _notify(launch: Launch, log: RunLog, sealed: Sealed, *, stays: bool) -> None:
    """Notify those who asked for it, once the log is given up.

    A guardian ends what its supervisor leaves behind; where there is one, this process waits for
    the notifier, and vouches for the run meanwhile: readers see that it lives.
    """
    (log.journal if stays else log).close()
    if not launch.notify:
        return
    from vibeguard.system.supervisor.notifying import notify  # noqa: PLC0415 - seldom needed

    started = notify(launch, log.state, log.folder, sealed)
    if started is not None and stays:
        os.waitpid(started, 0)


def _tell(reports: int, report: Report) -> None:
    """Report to the front; one that has gone (--max-wait) needs no report."""
    with contextlib.suppress(BrokenPipeError):
        send(reports, report)


def _tell_guardian(guardian: int | None, words: bytes) -> None:
    if guardian is not None:
        with contextlib.suppress(BrokenPipeError):
            os.write(guardian, words)


def _failure(error: BaseException, log: RunLog | None) -> Failed:
    """What to tell the front; a traceback goes to the run folder (DESIGN section 8)."""

    def keep(text: str) -> str:
        with contextlib.suppress(OSError):
            if log is not None:
                return write_traceback(log.folder, text)
        return keep_traceback(text)

    known = error if isinstance(error, UsageError | LogWriteError) else told_of(error, keep)
    return Failed(known.what, known.do, known.exit_code)
