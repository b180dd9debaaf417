"""The supervisor process: from the launch message to the seal."""

import contextlib
import gc
import os
import signal
import traceback
from types import FrameType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vibeguard.core.names import ExitCode
from vibeguard.core.problems import LogWriteError, UsageError
from vibeguard.system.channel import (
    OVER,
    Failed,
    Launch,
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
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.vcs import TIMEOUT_S
from vibeguard.system.ending_signals import not_ignored
from vibeguard.system.reuse.tree import with_identity
from vibeguard.system.rundir.crash import keep_traceback, write_traceback
from vibeguard.system.supervisor.notifying import notify
from vibeguard.system.supervisor.preload import preload
from vibeguard.system.supervisor.session import Session

if TYPE_CHECKING:
    from vibeguard.system.staged.staged_view import View
    from vibeguard.system.supervisor.remote import Remote

# Cycles are rare here, and Python's own 700 is reached by every third check.
YOUNG_OBJECTS = 10_000


def supervise(orders: int, reports: int, guardian: int | None = None) -> int:
    """Wait for the launch, run it, report how it ended. The exit code of this process.

    Whatever goes wrong here is reported to the front, and kept in the run folder if there is one.
    `guardian` is the pipe to the guardian of a run that may outlive its front.
    """
    terminal = _let_go(orders, reports, guardian)
    reader = OrderReader(orders)
    launch = reader.read_launch()
    if launch is None:
        return ExitCode.PASSED
    session: Session | None = None
    view: View | None = None
    try:
        preload(launch.plan)
        if launch.staged is not None:
            view = _open_view(launch, launch.staged)
            launch = view.launch
        remote = _prepare_remote(launch)
        gc.freeze()  # plan and modules stay to the end: no collection need look at them
        gc.set_threshold(YOUNG_OBJECTS)
        gc.enable()  # `cli.main` has switched it off
        session = Session(launch, reader, reports, remote, view)
        folder = os.fsencode(session.folder)
        _tell_guardian(guardian, folder)
        _tell(reports, Started(session.run_id, folder))
        sealed = session.run()
        _tell_guardian(guardian, OVER)
        _tell(reports, sealed)
        _housekeeping(session)
        _notify(launch, session, sealed, stays=guardian is not None)
    except UsageError as error:
        _tell(reports, Failed(error.what, error.do, ExitCode.USAGE))
        return ExitCode.USAGE
    except LogWriteError as error:
        _tell(reports, Failed(error.what, error.do, ExitCode.CORRUPT))
        return ExitCode.CORRUPT
    except BaseException as error:  # noqa: BLE001 - the border of this process
        _tell(reports, _defect(error, session))
        return ExitCode.INCOMPLETE
    else:
        return sealed.exit_code
    finally:
        if session is not None:
            session.close()
        if view is not None:
            view.close()
        give_terminal_back(terminal, reports)


def _let_go(orders: int, reports: int, guardian: int | None) -> int | None:
    """Have nothing of the front but the pipes; the terminal to be given back, if it has one.

    A run that may outlive its front must not hold the front's terminal.
    """
    terminal = terminal_of_the_front() if guardian is None else None
    leave_terminal(b"vg-supervisor")
    pipes = {pipe for pipe in (orders, reports, guardian, terminal) if pipe is not None}
    close_inherited(pipes)
    for pipe in pipes:
        os.set_inheritable(pipe, False)
    _ignore_job_control()
    _outlive_signals()
    hide_from_checks()
    wake_when_orphaned()
    return terminal


def _open_view(launch: Launch, staged: Staged) -> "View":
    """Before anything of the run is there: it may change what lies at every path below the root."""
    from vibeguard.system.staged.staged_view import open_view  # noqa: PLC0415 - seldom needed

    view = open_view(launch, staged)
    launch, folder = view.launch, os.fsdecode(view.launch.folder)
    environment = without_git_locals(launch.environment)
    view.launch = replace(
        launch,
        differing=differing(folder, environment, TIMEOUT_S),
        version_control=with_identity(launch.version_control, launch),
    )
    return view


def _prepare_remote(launch: Launch) -> "Remote | None":
    """What checks on other machines need; nothing is imported where there are none."""
    if all(check.where is None for check in launch.plan.checks):
        return None
    try:
        from vibeguard.system.supervisor.remote import prepare_remote  # noqa: PLC0415
    except ModuleNotFoundError as error:
        from vibeguard.system.pool.access import needs_extra  # noqa: PLC0415

        raise needs_extra() from error
    return prepare_remote(launch, os.environ)


def _outlive_signals() -> None:
    """Let no signal end this process between the last check and the seal.

    Trio's receiver takes these over while checks run, and gives them back afterwards.
    """
    for number in not_ignored():
        signal.signal(number, _too_late)


def _too_late(_: int, __: FrameType | None) -> None:
    """Every check has settled: the verdict is what they made it."""


def _housekeeping(session: Session) -> None:
    """The verdict is out: what goes wrong from here on changes nothing, but it is not forgotten."""
    try:
        session.housekeeping()
    except Exception as error:  # noqa: BLE001 - a defect must not take the verdict back
        with contextlib.suppress(OSError):
            write_traceback(session.folder, "".join(traceback.format_exception(error)))


def _notify(launch: Launch, session: Session, sealed: Sealed, *, stays: bool) -> None:
    """Have those told who asked for it, when nothing holds the log any more.

    A guardian ends what its supervisor leaves behind: with one, this process stays as long.
    """
    session.close()
    started = notify(launch, session.state, session.folder, sealed)
    if started is not None and stays:
        started.wait()


def _ignore_job_control() -> None:
    """The front hears Ctrl-Z and tells us; SIGPIPE is an error value (CPython ignores it)."""
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGTSTP})


def _tell(reports: int, report: Report) -> None:
    """A front that has gone (--max-wait) needs no report."""
    with contextlib.suppress(BrokenPipeError):
        send(reports, report)


def _tell_guardian(guardian: int | None, words: bytes) -> None:
    if guardian is not None:
        with contextlib.suppress(BrokenPipeError):
            os.write(guardian, words)


def _defect(error: BaseException, session: Session | None) -> Failed:
    """A defect of our own: its traceback goes to the run folder (DESIGN section 8, code 3)."""
    text = "".join(traceback.format_exception(error))
    what = f"a defect of VibeGuard itself: {type(error).__name__}: {error}"
    try:
        path = keep_traceback(text) if session is None else write_traceback(session.folder, text)
    except OSError:
        path = keep_traceback(text)
    do = f"please report it, with {path}" if path else "please report it"
    return Failed(what, do, ExitCode.INCOMPLETE)
