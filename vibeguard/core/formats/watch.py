"""One run of many that `watch` shows: the first failure in full, a line for the verdict."""

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.formats.base import NOTHING_MORE, Ending, ProseFormat
from vibeguard.core.model.events import CheckSettled, Event
from vibeguard.core.model.state import State
from vibeguard.core.names import UNPASSED, CancelReason, LogStatus
from vibeguard.core.report.conclusion import exit_code_of
from vibeguard.core.report.summary import verdict_line
from vibeguard.core.report.tally import not_passed
from vibeguard.core.wording.layout import wrap
from vibeguard.core.wording.sanitise import sanitise


class WatchFormat(ProseFormat):
    """Says at once what fails first, and nothing of a run that was superseded."""

    _first_failure_is_told = False

    def feed(self, state: State, event: Event) -> str:
        """The first failure, when it is there."""
        if not isinstance(event, CheckSettled) or self._first_failure_is_told:
            return ""
        if event.outcome not in UNPASSED or not fails_the_run(state.checks[event.check]):
            return ""
        self._first_failure_is_told = True
        return self.say(state, event)

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The verdict, if it is news."""
        whole = ending.log_status in (None, LogStatus.COMPLETE) and not ending.problem
        superseded = state.cancel is not None and state.cancel.reason is CancelReason.SIGNAL
        green = exit_code_of(state, ending) == 0 and not not_passed(state)
        if whole and (superseded or (green and self.options.quiet)):
            return ""
        lines = [verdict_line(state, ending, self.prose.style)]
        lines += [sanitise(text) for text in (ending.problem, ending.hint) if text]
        return "".join(f"{wrap(line, self.prose.columns, rest='  ')}\n" for line in lines)
