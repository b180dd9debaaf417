"""What people read while a run goes on: for each event the lines that it deserves, often none.

A passing run says nothing before its summary. What fails, is retried, slow, silent or cancelled is
said at the moment when it happens.
"""

from typing import Final

from vibeguard.core.model import events
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, Outcome, Pool, TerminationReason, WhilePending
from vibeguard.core.report.authored import shown_command
from vibeguard.core.report.brief import place_text
from vibeguard.core.report.conclusion import Ending
from vibeguard.core.report.failure import Paragraphs
from vibeguard.core.report.reasons import duration_ns, placed, reason_of, shown_status
from vibeguard.core.report.summary import summary
from vibeguard.core.wording.layout import cells, cut, fold, wrap
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.sentences import cancelled_because
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import duration, some

# Of the table of failures: one stands right above; in fewer columns a row says nothing.
FEWEST = 2
NARROWEST = 40
MOST_ROWS = 20
WIDEST_NAME = 32
_ROOM = 1 << 20  # the row is cut to the columns, not what it says
# Of which nothing is said, ever; of a start in a verbose run alone.
_SILENT: Final = frozenset({events.CheckQueued, events.CheckAttemptFinished})


class Prose(Paragraphs):
    """Lines for people: of a check that a person should look at its paragraph."""

    def event(self, state: State, event: events.Event) -> str:
        """What to say after `event`; every line ends in a newline."""
        kind = type(event)  # first: nothing is said of three in four events of a run
        if kind in _SILENT or (kind is events.CheckStarted and not self.verbose):
            return ""
        record = state.checks.get(getattr(event, "check", ""))
        if record is None:
            return self._joined(self._of_run(state, event))
        lines = self._of_check(state, record, event)
        return self._joined(lines) if lines else ""  # of a check that passes nothing is said

    def end(self, state: State, ending: Ending) -> str:
        """The summary, and what comes before it."""
        texts = summary(state, ending, self.style, self.run_folder)
        table = failure_table(state, self.columns, self.style)
        return self._joined([*table, *(wrap(text, self.columns, rest="  ") for text in texts)])

    def _joined(self, lines: list[str]) -> str:
        return "".join(f"{line}\n" for line in lines if line)

    def _line(self, label: str, text: str) -> list[str]:
        return [wrap(f"{self.style.warn(label)}: {sanitise(text)}", self.columns, rest="  ")]

    def _of_run(self, state: State, event: events.Event) -> list[str]:
        """What is said of an event of the run."""
        match event:
            case events.RunStarted() if self.verbose:
                return self._line("run", event.run_id)
            case events.RunPlanned():
                return [line for note in event.notes for line in self._line("note", note)]
            case events.RunForegroundSettled() if self.verbose and event.pending:
                when = duration(state.last_t)
                return self._line("foreground", f"done after {when}; left: {some(event.pending)}")
            case events.RunPaused():
                return self._line("paused", "every check is stopped, and so are its limits")
            case events.RunResumed():
                return self._line("resumed", f"after {duration(event.paused_ns)}")
            case events.RunDegraded(parallel=slots, async_parallel=others):
                limits = f"{slots} in the foreground, {others} in the background"
                return self._line("degraded", f"at most {limits} from now on: {event.reason}")
            case events.RunCancelRequested():
                return self._line("cancelling", cancelled_because(event.reason, event.by))
            case _:
                return []

    def _of_check(self, state: State, record: CheckRecord, event: events.Event) -> list[str]:
        """What is said of an event of a check."""
        planned = record.planned
        match event:  # what every check has comes first: each pattern that is tried costs
            case events.CheckSettled():
                return self._settled(state, record, event)
            case events.CheckStarted():
                return self._started(record, event)
            case events.CheckSlow(check=check):
                text = f"{check} has been running for {duration(event.elapsed_ns)}"
                return self._line("slow", text)
            case events.CheckIdle(check=check):
                limit = planned.idle_timeout_ns
                until = f" (idle timeout {duration(limit)})" if limit else ""
                text = f"{check} has written nothing for {duration(event.idle_ns)}{until}"
                return self._line("silent", text)
            case events.CheckRequirementWaived(choice=WhilePending.PROCEED) if self.verbose:
                text = f"{event.check} does not wait for {event.requirement}"
                return self._line("proceeds", text)
            case events.CheckTerminationRequested(check=check, reason=reason) if (
                self.verbose or reason is TerminationReason.OUTPUT_LIMIT
            ):
                why = reason.value.replace("_", " ")
                return self._line("ending", f"{check} ({why}) with {event.signal}")
            case events.CheckRetryScheduled(check=check, attempt=attempt):
                attempts = planned.retries + 1 + record.lost
                when = f" in {duration(event.delay_ns)}" if event.delay_ns else ""
                return self._line("retry", f"{check}, attempt {attempt} of {attempts}{when}")
            case _:
                return []

    def _started(self, record: CheckRecord, event: events.CheckStarted) -> list[str]:
        where = " in the background" if event.pool is Pool.BACKGROUND else ""
        where += f" {placed(record)}" if event.worker else ""
        attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
        lines = self._line("started", f"{event.check}{where}{attempt}")
        commands = sanitise(shown_command(record.planned), multiline=True)
        for command in commands.strip().split("\n"):
            lines.append(fold(command, self.columns, prefix="  $ ", rest="    "))
        return lines

    def _settled(self, state: State, record: CheckRecord, event: events.CheckSettled) -> list[str]:
        loud = event.outcome in UNPASSED
        if event.outcome is Outcome.CANCELLED:
            loud = record.first_started_t is not None
        remarkable = event.leaked or event.flaky or bool(event.prompts)
        return self.of(state, record) if loud or self.verbose or remarkable else []


def failure_table(state: State, columns: int, style: Style) -> list[str]:
    """Word, check, time, and the first place and message, of all that failed; warnings last.

    Nothing before the end and where that is less than two checks; `columns` 0 means no limit.
    """
    records = [r for r in state.checks.values() if r.outcome in UNPASSED]
    records.sort(key=lambda record: shown_status(record) == "warned")
    if state.finished is None or len(records) < FEWEST or 0 < columns < NARROWEST:
        return []
    shown = records[:MOST_ROWS]
    rows = [_row(state, record) for record in shown]
    widths = [max(cells(row[n]) for row in rows) for n in range(3)]
    lines = []
    for record, (word, name, took, said) in zip(shown, rows, strict=True):
        padded = [name + " " * (widths[1] - cells(name)), took.rjust(widths[2]), said]
        rest = "  ".join(padded).rstrip()
        room = columns - 1 - 2 - widths[0] - 2
        rest = cut(rest, room) if columns else rest
        lines.append(f"  {style.status(word.ljust(widths[0]), shown_status(record))}  {rest}")
    if len(records) > len(shown):
        lines.append(f"  and {len(records) - len(shown)} more")
    return lines


def _row(state: State, record: CheckRecord) -> tuple[str, str, str, str]:
    name = cut(sanitise(record.planned.id), WIDEST_NAME)
    took = duration(duration_ns(state, record))
    said = sanitise(place_text(record, _ROOM) or reason_of(state, record))
    return shown_status(record), name, took, said
