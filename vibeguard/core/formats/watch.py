"""One run of many that `watch` shows: the first failure in full, a line for the verdict."""

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import CheckSettled, Event
from vibeguard.core.model.state import State
from vibeguard.core.names import FAILS_FAST, CancelReason, LogStatus
from vibeguard.core.report.build import exit_code_of
from vibeguard.core.report.prose import Prose
from vibeguard.core.report.summary import verdict_line
from vibeguard.core.report.tally import not_passed
from vibeguard.core.wording.layout import wrap
from vibeguard.core.wording.sanitise import sanitise


class WatchFormat:
    """Says at once what fails first, and nothing of a run that was superseded."""

    stream = Stream.HUMAN
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._quiet = options.quiet
        self._since = options.since
        self._first_failure_is_told = False
        self._prose = Prose(
            colour=options.colour,
            columns=options.columns,
            verbose=options.verbose,
            run_folder=options.run_folder,
        )

    def feed(self, state: State, event: Event) -> str:
        """The first failure, when it is there."""
        if not isinstance(event, CheckSettled) or self._first_failure_is_told:
            return ""
        if event.outcome not in FAILS_FAST or not fails_the_run(state.checks[event.check]):
            return ""
        self._first_failure_is_told = True
        return self._prose.event(state, event) if event.seq > self._since else ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The verdict, if it is news."""
        ending = ending or Ending()
        whole = ending.log_status in (None, LogStatus.COMPLETE) and not ending.problem
        superseded = state.cancel is not None and state.cancel.reason is CancelReason.SIGNAL
        green = exit_code_of(state, ending) == 0 and not not_passed(state)
        if whole and (superseded or (green and self._quiet)):
            return ""
        lines = [verdict_line(state, ending, self._prose.style)]
        lines += [sanitise(text) for text in (ending.problem, ending.hint) if text]
        return "".join(f"{wrap(line, self._prose.columns, rest='  ')}\n" for line in lines)
