"""What people read while a run goes on: for each event the lines that it deserves, often none.

A passing run says nothing before its summary. What fails, is retried, slow, silent or cancelled is
said at the moment when it happens.
"""

from collections.abc import Callable
from typing import Any

from vibeguard.core.model.events import (
    CheckIdle,
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckSettled,
    CheckSlow,
    CheckStarted,
    CheckTerminationRequested,
    Event,
    RunCancelRequested,
    RunDegraded,
    RunForegroundSettled,
    RunPaused,
    RunPlanned,
    RunResumed,
    RunStarted,
)
from vibeguard.core.model.state import State
from vibeguard.core.names import UNPASSED, Outcome, Pool, TerminationReason, WhilePending
from vibeguard.core.report.authored import shown_command
from vibeguard.core.report.build import Ending
from vibeguard.core.report.failure import Paragraphs
from vibeguard.core.report.failure_table import failure_table
from vibeguard.core.report.summary import summary
from vibeguard.core.report.workers import placed
from vibeguard.core.wording.layout import fold, wrap
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.sentences import cancelled_because
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration, some


class Prose:
    """Lines for people, in given columns (0: no limit), with or without colour."""

    def __init__(self, *, colour: bool, columns: int, verbose: bool, run_folder: str) -> None:
        self.style = Style(colour=colour)
        self.columns = columns
        self.verbose = verbose
        self.run_folder = run_folder

    def event(self, state: State, event: Event) -> str:
        """What to say after `event`; every line ends in a newline."""
        say = _SAY.get(type(event))
        return self._joined(say(self, state, event)) if say else ""

    def end(self, state: State, ending: Ending) -> str:
        """The summary, and what comes before it."""
        texts = summary(state, ending, self.style, self.run_folder)
        table = failure_table(state, self.columns, self.style)
        return self._joined([*table, *(wrap(text, self.columns, rest="  ") for text in texts)])

    def _joined(self, lines: list[str]) -> str:
        return "".join(f"{line}\n" for line in lines if line)

    def _line(self, label: str, text: str) -> list[str]:
        return [wrap(f"{self.style.warn(label)}: {sanitise(text)}", self.columns, rest="  ")]

    def _run_started(self, state: State, event: RunStarted) -> list[str]:
        del state
        return self._line("run", event.run_id) if self.verbose else []

    def _planned(self, state: State, event: RunPlanned) -> list[str]:
        del state
        return [line for note in event.notes for line in self._line("note", note)]

    def _started(self, state: State, event: CheckStarted) -> list[str]:
        if not self.verbose:
            return []
        where = " in the background" if event.pool is Pool.BACKGROUND else ""
        where += f" {placed(state.checks[event.check])}" if event.worker else ""
        attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
        lines = self._line("started", f"{event.check}{where}{attempt}")
        commands = sanitise(shown_command(state.checks[event.check].planned), multiline=True)
        for command in commands.strip().split("\n"):
            lines.append(fold(command, self.columns, prefix="  $ ", rest="    "))
        return lines

    def _slow(self, state: State, event: CheckSlow) -> list[str]:
        del state
        return self._line(
            "slow", f"{event.check} has been running for {duration(event.elapsed_ns)}"
        )

    def _idle(self, state: State, event: CheckIdle) -> list[str]:
        limit = state.checks[event.check].planned.idle_timeout_ns
        until = f" (idle timeout {duration(limit)})" if limit else ""
        text = f"{event.check} has written nothing for {duration(event.idle_ns)}{until}"
        return self._line("silent", text)

    def _waived(self, state: State, event: CheckRequirementWaived) -> list[str]:
        del state
        if not self.verbose or event.choice is not WhilePending.PROCEED:
            return []
        return self._line("proceeds", f"{event.check} does not wait for {event.requirement}")

    def _terminated(self, state: State, event: CheckTerminationRequested) -> list[str]:
        del state
        if not self.verbose and event.reason is not TerminationReason.OUTPUT_LIMIT:
            return []
        reason = event.reason.value.replace("_", " ")
        return self._line("ending", f"{event.check} ({reason}) with {event.signal}")

    def _retry(self, state: State, event: CheckRetryScheduled) -> list[str]:
        record = state.checks[event.check]
        attempts = record.planned.retries + 1 + record.lost
        when = f" in {duration(event.delay_ns)}" if event.delay_ns else ""
        return self._line("retry", f"{event.check}, attempt {event.attempt} of {attempts}{when}")

    def _settled(self, state: State, event: CheckSettled) -> list[str]:
        record = state.checks[event.check]
        loud = event.outcome in UNPASSED
        if event.outcome is Outcome.CANCELLED:
            loud = record.first_started_t is not None
        remarkable = event.leaked or event.flaky or bool(event.prompts)
        if not (loud or self.verbose or remarkable):
            return []
        paragraphs = Paragraphs(
            style=self.style,
            columns=self.columns,
            run_folder=self.run_folder,
            verbose=self.verbose,
        )
        return paragraphs.of(state, record)

    def _foreground(self, state: State, event: RunForegroundSettled) -> list[str]:
        if not self.verbose or not event.pending:
            return []
        when = duration(state.last_t)
        return self._line("foreground", f"done after {when}; left: {some(event.pending)}")

    def _paused(self, state: State, event: RunPaused) -> list[str]:
        del state, event
        return self._line("paused", "every check is stopped, and so are its limits")

    def _resumed(self, state: State, event: RunResumed) -> list[str]:
        del state
        return self._line("resumed", f"after {duration(event.paused_ns)}")

    def _degraded(self, state: State, event: RunDegraded) -> list[str]:
        del state
        slots = f"{event.parallel} in the foreground, {event.async_parallel} in the background"
        return self._line("degraded", f"at most {slots} from now on: {event.reason}")

    def _cancelling(self, state: State, event: RunCancelRequested) -> list[str]:
        del state
        return self._line("cancelling", cancelled_because(event.reason, event.by))


_SAY: dict[type, Callable[[Prose, State, Any], list[str]]] = {
    RunStarted: Prose._run_started,  # noqa: SLF001 - a table of this class's own methods
    RunPlanned: Prose._planned,  # noqa: SLF001
    CheckStarted: Prose._started,  # noqa: SLF001
    CheckSlow: Prose._slow,  # noqa: SLF001
    CheckIdle: Prose._idle,  # noqa: SLF001
    CheckRequirementWaived: Prose._waived,  # noqa: SLF001
    CheckTerminationRequested: Prose._terminated,  # noqa: SLF001
    CheckRetryScheduled: Prose._retry,  # noqa: SLF001
    CheckSettled: Prose._settled,  # noqa: SLF001
    RunForegroundSettled: Prose._foreground,  # noqa: SLF001
    RunPaused: Prose._paused,  # noqa: SLF001
    RunResumed: Prose._resumed,  # noqa: SLF001
    RunDegraded: Prose._degraded,  # noqa: SLF001
    RunCancelRequested: Prose._cancelling,  # noqa: SLF001
}
