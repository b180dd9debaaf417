"""The format of whoever only wants to know: it says nothing."""

from vibeguard.core.formats.base import Ending, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State


class Silent:
    """Takes every event and makes no text of it."""

    stream = Stream.HUMAN
    exact = False

    def feed(self, state: State, event: Event) -> str:  # noqa: ARG002 - a format's signature
        """No text."""
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:  # noqa: ARG002
        """No text."""
        return ""
