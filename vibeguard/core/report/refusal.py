"""What `--json` prints when there is no run to report: the same document, with errors."""

from collections.abc import Sequence

from vibeguard.core.model.report import REPORT_SCHEMA_VERSION, ErrorReport, Report
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import Problem
from vibeguard.core.wording.sanitise import well_formed


def problems_document(
    problems: Sequence[Problem], exit_code: int = ExitCode.USAGE, *, tool_version: str = ""
) -> Report:
    """The document for mistakes in a config or a command line, in the order given."""
    return Report(
        schema=REPORT_SCHEMA_VERSION,
        checks=(),
        violations=(),
        exit_code=int(exit_code),
        fail_fast_triggered=False,
        run_id="",
        state="refused",
        verdict=None,
        reason=well_formed(problems[0].what) if problems else "",
        counts={},
        duration_ms=0,
        started_at="",
        tool_version=tool_version,
        config_path="",
        notes=(),
        background=None,
        errors=tuple(
            ErrorReport(
                file=well_formed(problem.file),
                line=problem.line,
                column=problem.column,
                message=well_formed(problem.what),
                hint=well_formed(problem.do),
            )
            for problem in problems
        ),
    )
