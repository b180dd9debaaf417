"""One JSON document at the end of the run: `schemas/report.schema.json`."""

from msgspec.structs import replace

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.report.build import build_report
from vibeguard.core.report.comparing import comparison_report
from vibeguard.core.report.encode import encode_document


class JsonFormat:
    """Says nothing until the end, then everything."""

    stream = Stream.MACHINE
    exact = True

    def __init__(self, options: FormatOptions) -> None:
        self._options = options

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet."""
        del state, event
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The document."""
        options = self._options
        report = build_report(state, run_folder=options.run_folder, ending=ending)
        before = options.former(state) if options.compare else None
        if before is not None:
            report = replace(report, comparison=comparison_report(state, before))
        return encode_document(report, ci=self._options.ci)
