"""Text for people where nothing is drawn: pipes, files, CI logs, terminals that cannot move.

A check that starts or passes is nothing that happens: a failure is told at once, in one paragraph,
and so are retries, silence, leftovers, pauses and cancels. Skipped dependents are told at the end,
one line for each root cause, since ten thousand of them are one fact. Words are never broken when
lines are wrapped: a path can be copied in twenty columns too.
"""

from vibeguard.core.formats.base import NOTHING_MORE, Ending, ProseFormat
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State


class TextFormat(ProseFormat):
    """A line when something happens, a paragraph when it fails, one line of summary."""

    def feed(self, state: State, event: Event) -> str:
        """What to say after this event."""
        return self.say(state, event)

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The summary."""
        return self.prose.end(state, ending)
