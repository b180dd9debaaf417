"""State -> Report: the whole run as one document, in plan order. No clock, no file is looked at.

`violations` are the checks of either severity that settled as failed, timeout, error or cancelled;
never a skip. `status` is the outcome, or the state of a check that has not settled. `duration_ms`
is from the first start to the end, waits between attempts included. `state` says what is known of
the run, and `verdict` is null until it has one. Every field is always there.
"""

from msgspec import Struct

from vibeguard.core.fold.verdict import exit_code_so_far, fails_the_run, outcome_counts
from vibeguard.core.model.event_parts import TreeChange
from vibeguard.core.model.events import CheckExtracted, CheckResults, CheckSettled, RunFinished
from vibeguard.core.model.report import (
    REPORT_SCHEMA_VERSION,
    AssertionReport,
    BackgroundReport,
    ChangedReport,
    CheckReport,
    ExcerptReport,
    Report,
    ResultsReport,
    RunState,
    StagedReport,
    Violation,
)
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, CancelReason, ExitCode, LogStatus, Outcome, Pool, Verdict
from vibeguard.core.report.authored import advice_of, shown_command, shown_prompts
from vibeguard.core.report.reasons import cause_of, reason_of, shown_status
from vibeguard.core.report.results import result_report
from vibeguard.core.report.savings import in_background, saved_ns
from vibeguard.core.report.times import duration_ns
from vibeguard.core.report.workers import worker_of
from vibeguard.core.wording.sentences import cancelled_because
from vibeguard.core.wording.units import MILLISECOND_NS, some

VIOLATIONS = (Outcome.FAILED, Outcome.TIMEOUT, Outcome.ERROR, Outcome.CANCELLED)


class Ending(Struct, frozen=True):
    """What the reader of the log knows when it stops reading, and the events do not tell.

    `exit_code` is what the command will exit with; None means as the events say. `problem` says in
    a sentence what is wrong with the log, `hint` what the user can do to see the rest. `elapsed_ns`
    is how long a live run has been going on.
    """

    exit_code: int | None = None
    log_status: LogStatus | None = None
    problem: str = ""
    hint: str = ""
    elapsed_ns: int | None = None


NOTHING_MORE = Ending()


def build_report(state: State, *, run_folder: str = "", ending: Ending = NOTHING_MORE) -> Report:
    """The report of a run as far as `state` knows it.

    `run_folder` is put before the paths of outputs, which the log gives relative to it.
    """
    started, planned = state.started, state.planned
    verdict = verdict_event(state, ending)
    checks = state.checks.items()
    return Report(
        schema=REPORT_SCHEMA_VERSION,
        checks=tuple(_check(state, id_, record, run_folder) for id_, record in checks),
        violations=tuple(
            _violation(state, record, record.settled, run_folder)
            for record in state.checks.values()
            if record.settled is not None and record.outcome in VIOLATIONS
        ),
        exit_code=exit_code_of(state, ending),
        fail_fast_triggered=fail_fast_triggered(state),
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


def exit_code_of(state: State, ending: Ending) -> int:
    """What the command that shows this exits with (DESIGN section 8)."""
    if ending.exit_code is not None:
        return ending.exit_code
    if ending.log_status is LogStatus.CORRUPT:
        return ExitCode.CORRUPT
    if ending.log_status is LogStatus.INCOMPLETE:
        return ExitCode.INCOMPLETE
    code = exit_code_so_far(state)
    unsealed = verdict_event(state, ending) is None
    return ExitCode.PENDING if unsealed and code == ExitCode.PASSED else code


def verdict_event(state: State, ending: Ending) -> RunFinished | None:
    """The event with the run's verdict; None unless the log that holds it is sealed.

    A supervisor may be killed between this event and the seal, and bytes after the seal are damage:
    such a run has no verdict (DESIGN section 6). An unknown log status means a whole log.
    """
    return state.finished if ending.log_status in (None, LogStatus.COMPLETE) else None


def run_problem(state: State, ending: Ending) -> str:
    """What is wrong with the run as a whole, which no check would show; untrusted, as it is."""
    if ending.problem:
        return ending.problem
    finished = verdict_event(state, ending)
    if finished is None:
        left = len(state.checks) - state.settled
        yet = " yet" if ending.log_status is LogStatus.LIVE else ""
        return f"the run has no verdict{yet}: {left} of {len(state.checks)} checks have not settled"
    if finished.verdict is Verdict.PASSED:
        return ""  # that nothing was concerned is a reason, and no trouble
    if finished.verdict is Verdict.CANCELLED and state.cancel is not None:
        return f"the run was cancelled {cancelled_because(state.cancel.reason, state.cancel.by)}"
    return finished.reason or _failed_without_a_failure(state)


def _failed_without_a_failure(state: State) -> str:
    """What fails a run in which no check failed: one was skipped because of a mere warning."""
    lost = [record for record in state.checks.values() if fails_the_run(record)]
    if any(record.outcome in UNPASSED for record in lost):
        return ""
    names = some([f"{record.planned.id} {shown_status(record)}" for record in lost], 5)
    return f"the run failed, since not every check passed: {names}"


def fail_fast_triggered(state: State) -> bool:
    """Whether a failing check has cancelled the rest of the run."""
    return state.cancel is not None and state.cancel.reason is CancelReason.FAIL_FAST


def output_path(record: CheckRecord, run_folder: str) -> str:
    """Where the whole output of the last attempt is; empty when there is none."""
    return _in(run_folder, record.finished.output_path if record.finished else "")


def patch_path(state: State, run_folder: str) -> str:
    """Where the patch of a run with --staged is; empty where there is none."""
    return _in(run_folder, state.finished.patch if state.finished else "")


def _in(run_folder: str, path: str) -> str:
    if not path or path.startswith("/") or not run_folder:
        return path
    return f"{run_folder.rstrip('/')}/{path}"


def _state_word(state: State, ending: Ending) -> RunState:
    if ending.log_status is LogStatus.CORRUPT:
        return "corrupt"
    if ending.log_status is LogStatus.INCOMPLETE:
        return "incomplete"
    if verdict_event(state, ending) is not None:
        return "finished"
    return "running" if state.planned else "pending"


def _check(state: State, id_: str, record: CheckRecord, run_folder: str) -> CheckReport:
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
        root_cause=cause_of(record) or None,
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
    if found is None:
        return None
    return ResultsReport(
        guessed=found.guessed,
        tests=found.tests,
        diagnostics=found.diagnostics,
        results=tuple(map(result_report, found.results)),
        left_out=found.left_out,
        notes=found.notes,
        quarantine=found.quarantine.value,
    )


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


def changed_meanwhile(state: State) -> TreeChange | None:
    """What is known of files that changed during the run; None where none did."""
    return state.finished.changed if state.finished else None


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
