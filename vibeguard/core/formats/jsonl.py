"""The events themselves, one a line, as the log holds them."""

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.report.safe_json import encode_json


class JsonLinesFormat:
    """Each line is the log's, byte for byte, unless it holds what a terminal would act on.

    Then those characters arrive as JSON escapes: the same value in other bytes.
    """

    stream = Stream.MACHINE
    exact = True

    def __init__(self, options: FormatOptions) -> None:
        self._since = options.since
        self._ci = options.ci

    def feed(self, state: State, event: Event) -> str:
        """The event."""
        del state
        return encode_json(event, ci=self._ci) + "\n" if event.seq > self._since else ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """Nothing: the seal is the last line."""
        del state, ending
        return ""
