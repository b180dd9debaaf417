"""The front of `run`: launch the supervisor, guard it, follow its log, pass signals on, end.

To the loop of everybody who follows a log it adds what only a guardian does: it believes the
supervisor's word and not the log's alone, passes signals on, and has a bound for its patience.
"""

import os
import signal
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.fold.verdict import (
    exit_code_so_far,
    is_decided_early,
    only_the_background_is_left,
)
from vibeguard.core.formats.base import Ending, Stream
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.core.problems import LogWriteError, RunIncomplete, RunPending, UsageError
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.channel import Interrupt, Kill, Launch, Pause, Ready, Resume, Started
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.early import Supervisor
from vibeguard.system.front.following import Following, differences_from, restored
from vibeguard.system.front.import_ahead import import_ahead
from vibeguard.system.front.link import SupervisorLink
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.signals import EXIT_CODES, SignalCount, stop_here, take_over_signals
from vibeguard.system.front.view import make_view
from vibeguard.system.journal.follow import Follower
from vibeguard.system.rundir.notes import note_differences
from vibeguard.system.vouching.endings import corrupt, incomplete
from vibeguard.system.vouching.refusing import refusals_marked

START_PERIOD_S = 0.25
# Between two looks at a log that grows without a rest: a frame of live progress.
LONGEST_PAUSE_S = 0.1
# A run that is over by then is looked at now and then instead of being watched.
SHORT_RUN_S = 1.0
PAUSE_BOUND_S = 0.5
PAUSE_PERIOD_S = 0.02
PARTING_BOUND_S = 2.0
# Readers of the output have so long beyond the grace of a first signal, or after a second one.
READERS_BOUND_S = 1.0
# How long beyond that a supervisor may take to end a run that was interrupted.
ANSWER_BOUND_S = 4.0
# How long beyond `--max-wait` a front waits for what the supervisor says of a seal that is read.
SEALED_BOUND_S = 3.0
NOT_BEGUN = "the run has not begun within --max-wait: what is staged is still being laid out"


class Watching(Struct, frozen=True, kw_only=True):
    """How the caller wants to see the run, and how long it stays.

    `max_wait` is nanoseconds from `began_s` (monotonic seconds), "foreground", or None: to the end.
    With `quiet` a pass is no news.
    """

    format: str
    verbose: bool = False
    detach: bool = False
    max_wait: int | Literal["foreground"] | None = None
    began_s: float = 0.0
    print_seal: bool = False
    quiet: bool = False

    @property
    def seal_to(self) -> Stream | None:
        """Where the seal is printed: beside what the format writes, never in the middle of it."""
        if not self.print_seal:
            return None
        return Stream.MACHINE if self.format in ("text", "agent") else Stream.HUMAN

    @property
    def deadline(self) -> float | None:
        """When `--max-wait` is over (monotonic seconds), where it is a time."""
        return self.began_s + self.max_wait / SECOND_NS if isinstance(self.max_wait, int) else None

    def has_seen_enough(self, state: State) -> bool:
        """Whether nothing worth waiting for can come any more.

        Once the last check has settled, the supervisor's own word is near.
        """
        if self.max_wait == "foreground":
            return only_the_background_is_left(state)
        return self.max_wait is not None and is_decided_early(state)


class Front:
    """One run as its front sees it."""

    def __init__(self, supervisor: Supervisor, watching: Watching) -> None:
        self._supervisor = supervisor
        self._watching = watching
        self._grace_s = 0.0
        self._output = Output(may_be_lost=True)
        self._loop = Loop(self._output)
        self._link = SupervisorLink(supervisor, self._loop)
        self._signal_count = SignalCount()
        self._following: Following | None = None
        self._patience_ends: float | None = None
        self._interrupted = ""

    def run(self, launch: Launch, *, recorded: Callable[[], None] = lambda: None) -> int:
        """Launch the run, unless that is done, and stay as long as asked; the command's exit code.

        `recorded` is called once other processes can see the run. No command of it is started until
        everything that is needed here has been imported.
        """
        if self._supervisor.launched_ns is None:
            self._supervisor.launch(launch)
        self._grace_s = launch.plan.settings.grace_ns / SECOND_NS
        self._signals = take_over_signals()
        self._loop.watch(self._signals.descriptor, lambda: self._signals.dispatch(self._on_signal))
        make_view(self._watching.format, format_options(run_folder=""), self._output, live=True)
        import_ahead(self._watching.format, launch.plan)
        self._link.order(Ready())
        while self._link.started is None and not self._is_over():
            if self._link.lays_out and self._is_late():
                raise RunPending(NOT_BEGUN, "it goes on: see when it has begun with vibeguard runs")
            self._turn()
        recorded()
        started = self._link.started
        if started is None or (self._link.lost and self._interrupted):
            state_dir = os.fsdecode(launch.state_dir)
            with refusals_marked(state_dir, launched_ns=self._supervisor.launched_ns):
                raise self._never_started()
        if self._watching.detach:
            return self._leave(started)
        following = self._open(started)
        with restored(following.shown):
            while not self._is_over() and not self._waited_long_enough(following):
                self._turn(*self._wait_deadlines(following))
            following.read()
            code = following.finish(self._ending(following), self._watching.seal_to)
        following.close()  # while the supervisor tidies: to give a watch up takes Linux 15 ms
        return self._part_with(code)

    @property
    def state(self) -> State | None:
        """The fold of what was shown of the run; None before it began."""
        return None if self._following is None else self._following.shown.state

    # Waiting.

    def _open(self, started: Started) -> Following:
        folder = os.fsdecode(started.folder)
        options = format_options(
            run_folder=folder, verbose=self._watching.verbose, quiet=self._watching.quiet
        )
        view = make_view(self._watching.format, options, self._output, live=True)
        # The checks have the processor: however few events there are, none wakes this process.
        follower = Follower(
            folder, at_once=0, longest_pause_s=LONGEST_PAUSE_S, unannounced_s=SHORT_RUN_S
        )
        self._following = Following(self._loop, follower, view)
        self._following.read()
        return self._following

    def _leave(self, started: Started) -> int:
        """Tell which run goes on in the background: its id, or the document of it as it stands."""
        if self._watching.format != "json":
            self._output.write(Stream.MACHINE, f"{started.run_id}\n")
        else:
            following = self._open(started)
            following.shown.finish(replace(self._live(following), exit_code=ExitCode.PASSED))
        return self._part_with(ExitCode.PASSED)

    def _turn(self, *deadlines: float) -> None:
        """One turn of the loop, and what is due when patience is at its end."""
        self._lose_patience()
        if self._following is None:
            self._loop.turn(monotonic_s() + START_PERIOD_S)
        else:
            self._following.turn(*deadlines)

    def _lose_patience(self) -> None:
        if self._patience_ends is None:
            return
        now = monotonic_s()
        if now >= self._patience_ends:
            self._output.discard()
        # Before the run begins there is nothing to bring to an end.
        if now >= self._patience_ends + (ANSWER_BOUND_S if self._link.started else 0):
            self._link.give_up()

    def _is_over(self) -> bool:
        """Whether the run has ended, one way or the other, and all of it was read."""
        if self._link.lost or self._link.failed is not None:
            return True
        if self._link.sealed is None or self._following is None:
            return False
        return self._following.shown.problem is not None or self._following.follower.finished

    def _is_late(self) -> bool:
        deadline = self._watching.deadline
        return deadline is not None and monotonic_s() >= deadline

    def _wait_deadlines(self, following: Following) -> list[float]:
        deadline = self._watching.deadline
        if deadline is None:
            return []
        return [deadline + SEALED_BOUND_S if following.follower.finished else deadline]

    def _waited_long_enough(self, following: Following) -> bool:
        """Whether `--max-wait` is over, or there is nothing more to wait for."""
        if self._watching.has_seen_enough(following.shown.state):
            return True
        return any(monotonic_s() >= deadline for deadline in self._wait_deadlines(following))

    # Signals.

    def _on_signal(self, number: signal.Signals) -> None:
        if number in EXIT_CODES:
            self._interrupt(number)
        elif number == signal.SIGTSTP:
            self._stop()
        elif number == signal.SIGWINCH and self._following is not None:
            self._following.shown.resize()

    def _interrupt(self, number: signal.Signals) -> None:
        """The first signal cancels; a second one, and SIGQUIT at any time, ends all patience."""
        count = self._signal_count.count(monotonic_s())
        if count == 1:
            self._link.wake()
            self._link.order(Interrupt(number.name))
            self._interrupted = number.name
            grace_s = self._grace_s if self._link.started else 0
            self._patience_ends = monotonic_s() + grace_s + READERS_BOUND_S
        if count == 2 or number == signal.SIGQUIT:
            self._link.order(Kill())
            self._patience_ends = monotonic_s() + READERS_BOUND_S

    def _stop(self) -> None:
        """Ctrl-Z: pause the checks, then stop like any job; what follows happens after `fg`."""
        self._link.order(Pause())
        following, give_up = self._following, monotonic_s() + PAUSE_BOUND_S
        while following is not None and following.shown.state.paused_since is None:
            if monotonic_s() >= give_up or self._is_over():
                break
            self._loop.turn(monotonic_s() + PAUSE_PERIOD_S)
            following.read()
        if following is not None:
            following.shown.clear()
        stop_here()
        self._link.order(Resume())

    # Ending.

    def _ending(self, following: Following) -> Ending:
        """What is to be said of the end beside the events, and the exit code that it means."""
        sealed, failed = self._link.sealed, self._link.failed
        if failed is not None:
            # A log that is sealed all the same would show the verdict that it must not give.
            whole = following.follower.finished
            return Ending(
                exit_code=failed.exit_code,
                log_status=LogStatus.CORRUPT if whole else LogStatus.INCOMPLETE,
                problem=failed.what,
                hint=failed.do,
            )
        problem = differences_from(sealed, following.shown, following.follower)
        if problem:
            note_differences(following.follower.folder, (problem,))  # for whoever looks later
            return corrupt(problem)
        if sealed is not None:
            return Ending(exit_code=sealed.exit_code, log_status=LogStatus.COMPLETE)
        if self._link.lost:
            told = "before it handed over a verdict; every check was ended"
            return incomplete(f"{self._link.death} {told}")
        return self._live(following)

    def _live(self, following: Following) -> Ending:
        """The run goes on without this command."""
        run_id = self._link.started.run_id if self._link.started is not None else "latest"
        # Without the supervisor's own word a seal in the log may be anybody's: that is no pass.
        return Ending(
            exit_code=exit_code_so_far(following.shown.state) or ExitCode.PENDING,
            log_status=LogStatus.LIVE,
            hint=f"vibeguard wait {run_id}",
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
        period, bound = self._link.watch_end(), monotonic_s() + PARTING_BOUND_S
        while self._output.waiting() or self._link.is_ending(bound):
            if self._patience_ends is not None and monotonic_s() >= self._patience_ends:
                self._output.discard()
            self._loop.turn(monotonic_s() + period)
        self._link.end_leftovers()
        self._signals.hold_back()

    def _never_started(self) -> BaseException:
        failed = self._link.failed
        if failed is None:
            if self._interrupted:
                return KeyboardInterrupt(self._interrupted)
            return RunIncomplete(f"{self._link.death} before the run began", "run it again")
        kinds = (UsageError, LogWriteError, RunIncomplete)
        kind = next(kind for kind in kinds if kind.exit_code == failed.exit_code)
        return kind(failed.what, failed.do)
