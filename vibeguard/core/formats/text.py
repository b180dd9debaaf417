"""Text for people where nothing is drawn: pipes, files, CI logs, terminals that cannot move.

A check that starts or passes is nothing that happens: a failure is told at once, in one paragraph,
and so are retries, silence, leftovers, pauses and cancels. Skipped dependents are told at the end,
one line for each root cause, since ten thousand of them are one fact. Words are never broken when
lines are wrapped: a path can be copied in twenty columns too.
"""

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.report.prose import Prose


class TextFormat:
    """A line when something happens, a paragraph when it fails, one line of summary."""

    stream = Stream.HUMAN
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._since = options.since
        self._prose = Prose(
            colour=options.colour,
            columns=options.columns,
            verbose=options.verbose,
            run_folder=options.run_folder,
        )

    def feed(self, state: State, event: Event) -> str:
        """What to say after this event."""
        return self._prose.event(state, event) if event.seq > self._since else ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The summary."""
        return self._prose.end(state, ending or Ending())
