"""One JSON document at the end of the run: `schemas/report.schema.json`."""

from msgspec.structs import replace

from vibeguard.core.formats.base import NOTHING_MORE, Ending, Format
from vibeguard.core.model.state import State
from vibeguard.core.report.build import build_report
from vibeguard.core.report.comparing import compare
from vibeguard.core.report.safe_json import encode_document


class JsonFormat(Format):
    """Says nothing until the end, then everything."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        options = self.options
        report = build_report(state, run_folder=options.run_folder, ending=ending)
        before = options.former(state) if options.compare else None
        if before is not None:
            report = replace(report, comparison=compare(state, before))
        return encode_document(report, ci=self.options.ci)
