"""The events themselves, one a line, as the log holds them."""

from vibeguard.core.formats.base import Format
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.report.safe_json import encode_json


class JsonLinesFormat(Format):
    """Each line is the log's, byte for byte, unless it holds what a terminal would act on.

    Then those characters arrive as JSON escapes: the same value in other bytes.
    """

    def feed(self, state: State, event: Event) -> str:
        """The event; the seal is the last."""
        del state
        new = event.seq > self.options.since
        return encode_json(event, ci=self.options.ci) + "\n" if new else ""
