"""State -> Report: the whole run as one document, in plan order. No clock, no file is looked at.

`violations` are the checks of either severity that settled as failed, timeout, error or cancelled;
never a skip. `status` is the outcome, or the state of a check that has not settled. `duration_ms`
is from the first start to the end, waits between attempts included. `state` says what is known of
the run, and `verdict` is null until it has one. Every field is always there.
"""

from collections.abc import Sequence

from msgspec import convert
from msgspec.structs import replace

from vibeguard.core.fold.verdict import outcome_counts
from vibeguard.core.model.events import CheckExtracted, CheckResults, CheckSettled
from vibeguard.core.model.report import (
    REPORT_SCHEMA_VERSION,
    AssertionReport,
    BackgroundReport,
    ChangedReport,
    CheckReport,
    ErrorReport,
    ExcerptReport,
    Report,
    ResultsReport,
    RunState,
    StagedReport,
    Violation,
)
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import VIOLATIONS, CancelReason, ExitCode, LogStatus, Pool
from vibeguard.core.problems import Problem
from vibeguard.core.report.authored import advice_of, shown_command, shown_prompts
from vibeguard.core.report.conclusion import (
    NOTHING_MORE,
    Ending,
    changed_meanwhile,
    exit_code_of,
    output_path,
    patch_path,
    verdict_event,
)
from vibeguard.core.report.reasons import duration_ns, reason_of, worker_of
from vibeguard.core.report.savings import in_background, saved_ns
from vibeguard.core.wording.sanitise import well_formed
from vibeguard.core.wording.units import MILLISECOND_NS


def build_report(state: State, *, run_folder: str = "", ending: Ending = NOTHING_MORE) -> Report:
    """The report of a run as far as `state` knows it.

    `run_folder` is put before the paths of outputs, which the log gives relative to it.
    """
    started, planned = state.started, state.planned
    verdict = verdict_event(state, ending)
    checks, cancel = state.checks.items(), state.cancel
    return Report(
        schema=REPORT_SCHEMA_VERSION,
        checks=tuple(_check(state, id_, record, run_folder) for id_, record in checks),
        violations=tuple(
            _violation(state, record, record.settled, run_folder)
            for record in state.checks.values()
            if record.settled is not None and record.outcome in VIOLATIONS
        ),
        exit_code=exit_code_of(state, ending),
        fail_fast_triggered=cancel is not None and cancel.reason is CancelReason.FAIL_FAST,
        run_id=state.run_id,
        state=_state_word(state, ending),
        verdict=verdict.verdict.value if verdict else None,
        reason=ending.problem or (verdict.reason if verdict else ""),
        counts=outcome_counts(state),
        duration_ms=state.elapsed_ns // MILLISECOND_NS,
        started_at=started.wall_time if started else "",
        tool_version=started.tool_version if started else "",
        config_path=state.config_path,
        notes=planned.notes if planned else (),
        background=_background(state),
        errors=(),
        staged=_staged(state, run_folder),
        changed=_changed(state),
    )


def problems_document(
    problems: Sequence[Problem], exit_code: int = ExitCode.USAGE, *, tool_version: str = ""
) -> Report:
    """What `--json` prints where there is no run to report: the mistakes, in the order given."""
    return replace(
        build_report(State()),
        exit_code=int(exit_code),
        state="refused",
        reason=well_formed(problems[0].what) if problems else "",
        tool_version=tool_version,
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


def _state_word(state: State, ending: Ending) -> RunState:
    if ending.log_status is LogStatus.CORRUPT:
        return "corrupt"
    if ending.log_status is LogStatus.INCOMPLETE:
        return "incomplete"
    if verdict_event(state, ending) is not None:
        return "finished"
    return "running" if state.planned else "pending"


def _check(state: State, id_: str, record: CheckRecord, run_folder: str) -> CheckReport:
    """One check as the document has it; what did not happen is null, empty or false."""
    planned, settled, finished = record.planned, record.settled, record.finished
    extracted, queued = record.extracted, record.queued_ns
    return CheckReport(
        id=id_,
        status=(record.outcome or record.state).value,
        duration_ms=duration_ns(state, record) // MILLISECOND_NS,
        tags=planned.tags,
        triggered_prompts=shown_prompts(record),
        severity=planned.severity.value,
        command=shown_command(planned),
        pool=planned.pool.value,
        requires=tuple(requirement.check for requirement in planned.requires),
        reason=record.reason.value if record.reason else None,
        message=reason_of(state, record),
        root_cause=(settled.cause or None) if settled else None,
        attempts=settled.attempts if settled else record.attempt,
        flaky=record.flaky,
        leaked=settled.leaked if settled else False,
        waived=settled.waived if settled else False,
        quarantined=settled.quarantined if settled else False,
        ran_before=record.ran_before,
        exit_code=finished.exit_code if finished else None,
        signal=(finished.signal or None) if finished else None,
        started_ns=record.first_started_t,
        settled_ns=record.settled_t,
        extracted=extracted.values if extracted else {},
        unmatched=extracted.unmatched if extracted else (),
        assertion=_assertion(planned.assertion, extracted),
        log_file=output_path(record, run_folder) or None,
        output_bytes=finished.output_bytes if finished else None,
        output_sha256=(finished.output_sha256 or None) if finished else None,
        results=_results(record.results),
        worker=worker_of(record) or None,
        queued_ms=None if queued is None else queued // MILLISECOND_NS,
        not_returned=finished.not_returned if finished else (),
        reused_from=record.reused.run if record.reused else None,
        reuse_key=record.reused.key if record.reused else None,
    )


def _results(found: CheckResults | None) -> ResultsReport | None:
    """The same fields; the words are those of the event."""
    return None if found is None else convert(found, ResultsReport, from_attributes=True)


def _violation(
    state: State, record: CheckRecord, settled: CheckSettled, run_folder: str
) -> Violation:
    planned, excerpt, advice = record.planned, settled.excerpt, advice_of(state, record)
    return Violation(
        id=planned.id,
        severity=planned.severity.value,
        command=shown_command(planned),
        suggestion=advice.suggestion,
        fix=advice.fix,
        extracted=record.extracted.values if record.extracted else {},
        log_file=output_path(record, run_folder),
        triggered_prompts=shown_prompts(record),
        status=settled.outcome.value,
        reason=settled.reason.value if settled.reason else None,
        message=reason_of(state, record),
        excerpt=ExcerptReport(excerpt.rule, excerpt.first_line, excerpt.lines) if excerpt else None,
        fix_template=advice.fix_template,
        fix_values=dict(advice.fix_values),
    )


def _assertion(expression: str, extracted: CheckExtracted | None) -> AssertionReport | None:
    if not expression:
        return None
    return AssertionReport(expression, extracted.assertion_result if extracted else None)


def _changed(state: State) -> ChangedReport | None:
    found = changed_meanwhile(state)
    return ChangedReport(found.files, found.left_out, found.untold) if found else None


def _staged(state: State, run_folder: str) -> StagedReport | None:
    view = state.started.staged if state.started else None
    if view is None:
        return None
    return StagedReport(view.way.value, view.why, patch_path(state, run_folder) or None)


def _background(state: State) -> BackgroundReport | None:
    planned = [c for c, r in state.checks.items() if r.planned.pool is Pool.BACKGROUND]
    if not planned:
        return None
    saved = saved_ns(state) if in_background(state) else None
    return BackgroundReport(
        checks=tuple(planned),
        foreground_settled_ns=state.foreground_settled_t,
        saved_ms=None if saved is None else int(saved / MILLISECOND_NS),
    )
