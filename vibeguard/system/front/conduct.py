"""The front of `run`: launch the supervisor, guard it, follow its log, pass signals on, end."""

import contextlib
import os
import signal
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from vibeguard.core.fold.verdict import (
    exit_code_so_far,
    is_decided_early,
    only_the_background_is_left,
)
from vibeguard.core.formats.base import Ending, Stream
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.core.problems import LogWriteError, RunIncomplete, UsageError
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.channel import (
    Failed,
    Interrupt,
    Kill,
    Launch,
    Order,
    Pause,
    ReportReader,
    Resume,
    Sealed,
    Started,
    send,
)
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.comparison import differences_from
from vibeguard.system.front.early import Supervisor
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.output import Output
from vibeguard.system.front.signals import EXIT_CODES, Presses, Signals
from vibeguard.system.front.view import View, format_options, make_view
from vibeguard.system.journal.follow import Follower
from vibeguard.system.process.sweep import kill_descendants
from vibeguard.system.process.tree import become_subreaper

SWEEP_BOUND_S = 5.0
PAUSE_BOUND_S = 0.5
PARTING_BOUND_S = 2.0
LONGEST_TURN_S = 0.25
LOOK_PERIOD_S = 0.01  # where the supervisor's exit announces itself by nothing
# How long beyond grace and sealing a supervisor may take to end a run that was interrupted.
ANSWER_BOUND_S = 4.0
# How long beyond `--max-wait` a front waits for what the supervisor says of a seal that is read.
SEALED_BOUND_S = 3.0
READ_PERIOD_S = 0.02


class Watching(Struct, frozen=True, kw_only=True):
    """How the caller wants to see the run, and how long it stays.

    `max_wait` is nanoseconds from `began_s` (monotonic seconds), "foreground", or None: to the end.
    """

    format: str
    verbose: bool = False
    detach: bool = False
    max_wait: int | Literal["foreground"] | None = None
    began_s: float = 0.0
    print_seal: bool = False
    program: str = "vibeguard"

    @property
    def seal_to(self) -> Stream | None:
        """Where the seal is printed: beside what the format writes, never in the middle of it."""
        if not self.print_seal:
            return None
        return Stream.MACHINE if self.format in ("text", "agent") else Stream.HUMAN


class Front:
    """One run as its front sees it."""

    def __init__(self, supervisor: Supervisor, watching: Watching, *, grace_ns: int) -> None:
        self._supervisor = supervisor
        self._watching = watching
        self._grace_s = grace_ns / SECOND_NS
        self._output = Output(may_be_lost=True)
        self._loop = Loop(self._output)
        self._signals = Signals()
        self._presses = Presses()
        self._reader = ReportReader(supervisor.reports)
        self._started: Started | None = None
        self._sealed: Sealed | None = None
        self._failed: Failed | None = None
        self._lost = False
        self._guardian_gone = False
        self._patience_ends: float | None = None
        self._gives_up_at: float | None = None
        self._read_next_at = 0.0
        self._view: View | None = None
        self._follower: Follower | None = None
        # Imported before the first check starts: a check may change what is installed.
        make_view(watching.format, format_options(run_folder=""), self._output, live=True)
        self._loop.watch(supervisor.reports, self._hear_supervisor)
        self._loop.watch(self._signals.descriptor, self._hear_signals)

    def run(self, launch: Launch, *, recorded: Callable[[], None] = lambda: None) -> int:
        """Launch the run and stay as long as asked; the exit code of the command.

        `recorded` is called once other processes can see the run.
        """
        if self._supervisor.guarded_here:
            become_subreaper()
        self._launch(launch)
        while self._started is None and not self._over():
            self._turn(None)
        recorded()
        started = self._started
        if started is None:
            raise self._never_started()
        if self._watching.detach:
            return self._leave(started)
        return self._follow(*self._open(started))

    # Waiting.

    def _launch(self, launch: Launch) -> None:
        self._supervisor.launched = True
        try:
            send(self._supervisor.orders, launch)
        except BrokenPipeError:
            self._lost = True

    def _open(self, started: Started) -> tuple[View, Follower]:
        folder = os.fsdecode(started.folder)
        options = format_options(run_folder=folder, verbose=self._watching.verbose)
        self._view = make_view(self._watching.format, options, self._output, live=True)
        self._follower = Follower(folder)
        self._read_log()
        return self._view, self._follower

    def _leave(self, started: Started) -> int:
        """Tell which run goes on in the background: its id, or the document of it as it stands."""
        if self._watching.format != "json":
            self._output.write(Stream.MACHINE, f"{started.run_id}\n")
        else:
            view, _ = self._open(started)
            view.finish(self._live(view))
        return self._part_with(ExitCode.PASSED)

    def _follow(self, view: View, follower: Follower) -> int:
        while not self._over() and not self._waited_long_enough():
            self._turn(self._wait_deadline())
        self._read_log()
        return self._end(view, follower)

    def _turn(self, deadline: float | None) -> None:
        """One turn of the loop, with live progress and whatever else is due."""
        now = monotonic_s()
        period = 0.25 if self._view is None else self._view.tick_period_s()
        if self._follower is not None:
            period = min(period, self._follower.poll_s)
        due = [now + period, *self._next_look(now)]
        if deadline is not None:
            due.append(deadline)
        if self._patience_ends is not None and now >= self._patience_ends:
            self._output.discard()
        if self._gives_up_at is not None and now >= self._gives_up_at:
            self._give_up()
        self._loop.turn(min(due))
        if monotonic_s() >= self._read_next_at or self._sealed is not None:
            self._read_log()
        if self._view is not None:
            self._view.tick()

    def _next_look(self, now: float) -> list[float]:
        """When to look at the log again: when it changes, but not more often than every 20 ms.

        Thousands of short checks would otherwise wake this process for every event, and take the
        processor from them.
        """
        notify = None if self._follower is None else self._follower.fileno()
        if notify is None:
            return []
        if now < self._read_next_at:
            self._loop.forget(notify)
            return [self._read_next_at]
        self._loop.watch(notify, self._read_log)
        return []

    def _over(self) -> bool:
        """Whether the run has ended, one way or the other, and all of it was read."""
        if self._lost or self._failed is not None:
            return True
        if self._view is not None and self._view.problem is not None:
            return self._sealed is not None
        if self._sealed is None:
            return False
        return self._follower is None or self._follower.finished

    def _wait_deadline(self) -> float | None:
        max_wait = self._watching.max_wait
        if not isinstance(max_wait, int):
            return None
        deadline = self._watching.began_s + max_wait / SECOND_NS
        sealed = self._follower is not None and self._follower.finished
        return deadline + SEALED_BOUND_S if sealed else deadline

    def _waited_long_enough(self) -> bool:
        """Whether `--max-wait` is over, or nothing worth waiting for can come any more.

        Once the last check has settled, the supervisor's own word is near.
        """
        view, max_wait = self._view, self._watching.max_wait
        if max_wait is None or view is None:
            return False
        if max_wait == "foreground":
            return only_the_background_is_left(view.state)
        if is_decided_early(view.state):
            return True
        deadline = self._wait_deadline()
        return deadline is not None and monotonic_s() >= deadline

    # Hearing.

    def _read_log(self) -> None:
        if self._view is None or self._follower is None:
            return
        if self._view.read(self._follower):  # else the next change is waited for, however long
            self._read_next_at = monotonic_s() + READ_PERIOD_S

    def _hear_supervisor(self) -> None:
        reports = self._reader.read()
        if reports is None:
            self._loop.forget(self._supervisor.reports)
            if self._sealed is None and self._failed is None:
                self._lose_supervisor()
            return
        for report in reports:
            if isinstance(report, Started):
                self._started = report
            elif isinstance(report, Sealed):
                self._sealed = report
            else:
                self._failed = report

    def _lose_supervisor(self) -> None:
        """The supervisor died: nothing of the run may outlive it."""
        self._lost = True
        if self._supervisor.guarded_here:
            kill_descendants(SWEEP_BOUND_S)

    def _give_up(self) -> None:
        """The supervisor does not answer to a signal (somebody stopped it): end it and the run."""
        self._gives_up_at = None
        if self._sealed is None and self._supervisor.guarded_here:
            os.kill(self._supervisor.guardian, signal.SIGKILL)
        elif self._sealed is None:
            self._lost = True  # its guardian stays with it; only this command ends

    def _hear_signals(self) -> None:
        for number in self._signals.received():
            if number in EXIT_CODES:
                self._interrupt(number)
            elif number == signal.SIGTSTP:
                self._stop()
            elif number == signal.SIGWINCH and self._view is not None:
                self._view.resize()

    def _interrupt(self, number: signal.Signals) -> None:
        """The first signal cancels; a second one ends all patience."""
        first = self._presses.press(number, monotonic_s())
        if first is None:
            return
        if first:
            self._wake_supervisor()
            self._order(Interrupt(number.name, EXIT_CODES[number]))
            self._patience_ends = monotonic_s() + self._grace_s + 1.0
            self._gives_up_at = self._patience_ends + ANSWER_BOUND_S
        else:
            self._order(Kill())
            self._patience_ends = monotonic_s() + 1.0
            self._gives_up_at = self._patience_ends + ANSWER_BOUND_S

    def _wake_supervisor(self) -> None:
        """A check may have stopped it; what runs is not disturbed."""
        if self._supervisor.guarded_here and not self._guardian_gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._supervisor.guardian, signal.SIGCONT)

    def _stop(self) -> None:
        """Ctrl-Z: pause the checks, then stop like any job; what follows happens after `fg`."""
        self._order(Pause())
        give_up = monotonic_s() + PAUSE_BOUND_S
        while self._view is not None and self._view.state.paused_since is None:
            if monotonic_s() >= give_up or self._over():
                break
            self._loop.turn(monotonic_s() + 0.02)
            self._read_log()
        if self._view is not None:
            self._view.clear()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._order(Resume())

    def _order(self, order: Order) -> None:
        try:
            send(self._supervisor.orders, order)
        except BrokenPipeError:
            return  # it is ending; its pipe tells how

    # Ending.

    def _end(self, view: View, follower: Follower) -> int:
        ending = self._ending(view, follower)
        view.finish(ending)
        if self._watching.seal_to is not None and follower.seal is not None:
            self._output.write(self._watching.seal_to, f"{follower.seal.sha256}\n")
        if ending.exit_code is None:
            return self._part_with(exit_code_so_far(view.state))
        return self._part_with(ending.exit_code)

    def _ending(self, view: View, follower: Follower) -> Ending:
        """What is to be said of the end beside the events, and the exit code that it means."""
        if self._failed is not None:
            # A log that is sealed all the same would show the verdict that it must not give.
            return Ending(
                exit_code=self._failed.exit_code,
                log_status=LogStatus.CORRUPT if follower.finished else LogStatus.INCOMPLETE,
                problem=self._failed.what,
                hint=self._failed.do,
            )
        problem = differences_from(self._sealed, view, follower)
        if problem:
            return Ending(exit_code=ExitCode.CORRUPT, log_status=LogStatus.CORRUPT, problem=problem)
        if self._sealed is not None:
            return Ending(exit_code=self._sealed.exit_code, log_status=LogStatus.COMPLETE)
        if self._lost:
            return Ending(
                exit_code=ExitCode.INCOMPLETE,
                log_status=LogStatus.INCOMPLETE,
                problem="the supervisor died before it handed over a verdict; "
                "every check was ended",
            )
        return self._live(view)

    def _live(self, view: View) -> Ending:
        """The run goes on without this command."""
        run_id = self._started.run_id if self._started is not None else "latest"
        # Without the supervisor's own word a seal in the log may be anybody's: that is no pass.
        return Ending(
            exit_code=exit_code_so_far(view.state) or ExitCode.PENDING,
            log_status=LogStatus.LIVE,
            hint=f"{self._watching.program} wait {run_id}",
        )

    def _part_with(self, code: int) -> int:
        """End; the exit code. A pass that found no room to be told is none (docs/adr/0062)."""
        why = self._output.lost()
        if why:
            what = f"vibeguard: cannot write the output: {why}; the run was not ended by it\n"
            self._output.write(Stream.HUMAN, what)
        self._part()
        return code or (ExitCode.INCOMPLETE if self._output.lost() else ExitCode.PASSED)

    def _part(self) -> None:
        """Let readers take what is left, and the supervisor finish, before this process ends."""
        staying = self._supervisor.guarded_here
        period = self._watch_guardian() if staying else LONGEST_TURN_S
        bound = monotonic_s() + PARTING_BOUND_S
        while self._output.waiting() or (staying and self._awaits_guardian(bound)):
            if self._patience_ends is not None and monotonic_s() >= self._patience_ends:
                self._output.discard()
            self._loop.turn(monotonic_s() + period)
        if self._failed is not None and self._guardian_gone:
            kill_descendants(SWEEP_BOUND_S)  # it may have had no means left to end them
        self._signals.hold_back()

    def _watch_guardian(self) -> float:
        """Have the supervisor's exit end a turn; how long a turn may take (seconds)."""
        try:
            descriptor = os.pidfd_open(self._supervisor.guardian)
        except (AttributeError, OSError):  # another system than Linux; reaped by now
            return LOOK_PERIOD_S
        self._loop.watch(descriptor, lambda: self._loop.forget(descriptor))
        return LONGEST_TURN_S

    def _awaits_guardian(self, bound: float) -> bool:
        """Whether the supervisor is still ending, within its bound."""
        if not self._guardian_gone:
            try:
                finished, _ = os.waitpid(self._supervisor.guardian, os.WNOHANG)
                self._guardian_gone = finished != 0
            except ChildProcessError:
                self._guardian_gone = True  # reaped with everything that it left behind
        return not self._guardian_gone and monotonic_s() < bound

    def _never_started(self) -> Exception:
        if self._failed is None:
            return RunIncomplete("the supervisor died before the run began", "run it again")
        if self._failed.exit_code == ExitCode.USAGE:
            return UsageError(self._failed.what, self._failed.do)
        if self._failed.exit_code == ExitCode.CORRUPT:
            return LogWriteError(self._failed.what, self._failed.do)
        return RunIncomplete(self._failed.what, self._failed.do)
