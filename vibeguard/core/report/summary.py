"""The end of a text: one line of summary, and before it what a reader might otherwise miss."""

from collections.abc import Iterator, Sequence

from vibeguard.core.fold.verdict import fails_the_run
from vibeguard.core.model.events import RunWeakened
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, LogStatus, Outcome, Reason, Verdict
from vibeguard.core.report.conclusion import Ending, about, exit_code_of, patch_lines, verdict_event
from vibeguard.core.report.reasons import awaited_worker, worker_of
from vibeguard.core.report.savings import in_background, saved_ns
from vibeguard.core.report.tally import (
    has_nothing_to_confirm,
    named,
    not_passed,
    passed,
    passed_earlier,
    passed_in_words,
)
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.sentences import ENDED, cancelled_because
from vibeguard.core.wording.style import Style
from vibeguard.core.wording.units import SECOND_NS, duration, plural, some


def summary(state: State, ending: Ending, style: Style, run_folder: str = "") -> list[str]:
    """Skips by their root cause, what came too late, then the one line that sums up the run.

    `run_folder` is put before the paths of files in it.
    """
    lines = [*skips(state), *late(state)]
    lines.append(verdict_line(state, ending, style))
    lines += patch_lines(state, run_folder)
    lines += missing_artifacts(state)
    if state.finished is not None and state.finished.unattributed:
        count = len(state.finished.unattributed)
        lines.append(f"swept: {plural(count, 'process', 'processes')} of no check known")
    lines += weaker_here(state.weakened)
    if ending.problem:
        lines.append(sanitise(ending.problem))
    if ending.hint:
        lines.append(sanitise(ending.hint))
    return lines


def missing_artifacts(state: State) -> Iterator[str]:
    """Which artifacts did not come back from a worker, and why: no outcome says so."""
    for check, record in state.checks.items():
        told = record.finished.not_returned if record.finished else ()
        if not told:
            continue
        prefixes = tuple(f"{pattern}: " for pattern in record.planned.artifacts)
        missing = [line for line in told if line.startswith(prefixes)]
        if missing:
            yield sanitise(f"artifacts of {check} that did not come back: {some(missing, 3)}")


def verdict_line(state: State, ending: Ending, style: Style) -> str:
    """The one line that sums up the run, with what it rests on."""
    return _last_line(state, ending, style) + about(state)


def _last_line(state: State, ending: Ending, style: Style) -> str:
    if ending.log_status is LogStatus.CORRUPT:
        return f"{style.bad('CORRUPT')}: nothing in this log can be trusted to be a verdict"
    finished = verdict_event(state, ending)
    if finished is None:
        return _unfinished(state, ending, style)
    took = duration(finished.elapsed_ns)
    if finished.verdict is Verdict.PASSED:
        return _passed(state, took, style)
    listing = ", ".join([*named(not_passed(state)), passed_in_words(state)])
    if finished.verdict is Verdict.CANCELLED and state.cancel is not None:
        because = sanitise(cancelled_because(state.cancel.reason, state.cancel.by))
        return f"{style.warn('CANCELLED')} {because} after {took}: {listing}"
    reason = f" ({sanitise(finished.reason)})" if finished.reason else ""
    return f"{style.bad('FAILED')}{reason} in {took}: {listing}{background(state)}"


def _passed(state: State, took: str, style: Style) -> str:
    """The last line of a pass: how many, how long, and what it leaves unsaid otherwise."""
    if not state.checks and state.planned is not None:
        narrowed = sanitise(state.planned.narrowed)
        return f"{style.good('passed')}: no check is concerned by {narrowed}; nothing ran"
    count = passed(state)
    total = sum(not has_nothing_to_confirm(record) for record in state.checks.values())
    of = plural(total, "check") if count == total else f"{count} of {total} checks"
    earlier = passed_earlier(state)
    of += f", {earlier}," if earlier else ""
    line = f"{style.good('passed')}: {of} in {took}"
    others = named(not_passed(state))
    flaky = [c for c, r in state.checks.items() if r.flaky]
    if flaky:
        others.append(f"{len(flaky)} flaky ({sanitise(some(flaky))})")
    if others:
        line += f"; {', '.join(others)}"
    return line + background(state)


def background(state: State) -> str:
    """What ran in the background and what it saved; empty when nothing did."""
    checks = in_background(state)
    if not checks:
        return ""
    text = f"; background: {sanitise(some(checks, 3))}"
    saved = saved_ns(state)
    if saved is not None and saved >= SECOND_NS // 10:
        text += f", {duration(saved)} saved"
    if state.foreground_settled_t is not None and state.foreground_settled_t < state.last_t:
        text += f" (foreground done after {duration(state.foreground_settled_t)})"
    return text


def _unfinished(state: State, ending: Ending, style: Style) -> str:
    """The last line of a run without a verdict: what has settled, what runs, what waits."""
    took = duration(state.last_t if ending.elapsed_ns is None else ending.elapsed_ns)
    running, waiting = open_checks(state)
    parts = [f"{state.settled} of {len(state.checks)} settled", *named(not_passed(state))]
    if ending.log_status is LogStatus.INCOMPLETE:
        word = f"{style.bad('INCOMPLETE')}: the run ended without a verdict after {took}"
        verb = "was running"
    else:
        failed = any(fails_the_run(record) for record in state.checks.values())
        early = "FAILED so far, not the end yet" if failed else "PENDING"
        word = f"{style.warn(early)} after {took}"
        verb = "running"
    if running:
        parts.append(f"{verb}: {sanitise(some(running))}")
    if waiting:
        parts.append(f"not started: {sanitise(some(waiting))}")
    return f"{word} (exit code {exit_code_of(state, ending)}): {', '.join(parts)}"


def open_checks(state: State) -> tuple[list[str], list[str]]:
    """The checks that run now, and those that have yet to start (again), in plan order.

    With those of a pool goes which worker they are on, or which one they wait for.
    """
    running: list[str] = []
    waiting: list[str] = []
    for check, record in state.checks.items():
        if record.state is CheckState.RUNNING:
            worker = worker_of(record)
            running.append(f"{check} on {worker}" if worker else check)
        elif record.outcome is None:
            awaited = awaited_worker(record)
            waiting.append(f"{check} (for {awaited})" if awaited else check)
    return running, waiting


def skips(state: State) -> Iterator[str]:
    """One line for each root cause, so that no dependent of a failure vanishes."""
    groups: dict[tuple[str, Reason | None], list[str]] = {}
    for check, record in state.checks.items():
        settled = record.settled
        if settled is None or settled.outcome is not Outcome.SKIPPED:
            continue
        if not has_nothing_to_confirm(record):
            reason = settled.reason if not settled.waived else None
            groups.setdefault((settled.cause, reason), []).append(check)
    for (cause, reason), checks in groups.items():
        root = state.checks.get(cause)
        if reason is None:
            because = f"{cause} had not finished (while_pending: skip)"
        else:
            because = f"{cause} {_ended(root)}"
        yield f"skipped: {sanitise(f'{some(checks, 8)}, because {because}')}"


def _ended(record: CheckRecord | None) -> str:
    outcome = record.outcome if record else None
    return ENDED.get(outcome or "", "did not pass")


def weaker_here(weakened: Sequence[RunWeakened]) -> list[str]:
    """What this system kept VibeGuard from promising, in one line; none where nothing."""
    said = [f"{promise.what} ({promise.why})" for promise in weakened]
    return [sanitise(f"weaker here: {'; '.join(said)}")] if said else []


def late(state: State) -> Iterator[str]:
    """Checks that went ahead of a requirement which then did not pass."""
    for check, record in state.checks.items():
        for requirement in record.ran_before:
            required = state.checks[requirement]
            if required.outcome not in (None, Outcome.PASSED):
                ended = _ended(required)
                yield sanitise(f"late: {check} ran before {requirement}, which {ended}")
