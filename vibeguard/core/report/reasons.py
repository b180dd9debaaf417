"""What readers are told of one check: its word, why it settled so, how long it took, and where.

The sentences hold strings from configs and logs: whoever shows them sanitises them.
"""

from collections.abc import Callable

from msgspec import Struct

from vibeguard.core.model.events import CheckSettled
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, Outcome, Pool, Reason, Severity
from vibeguard.core.wording.layout import shorten
from vibeguard.core.wording.sentences import BESIDE, ENDED, NOT_STARTED_CODES, status_word
from vibeguard.core.wording.units import duration, size

_MOST_CHARACTERS = 2_500  # a detail of the judge and what stands before it


def shown_status(record: CheckRecord) -> str:
    """The word for where a check stands: its state, its outcome, or `warned`."""
    if record.outcome is None:
        return record.state.value
    quarantined = record.settled is not None and record.settled.quarantined
    severity = Severity.WARNING if quarantined else record.planned.severity
    return status_word(record.outcome.value, severity)


def reason_of(state: State, record: CheckRecord) -> str:
    """Why the check settled as it did, in half a sentence of bearable length, untrusted as it is.

    Of a check that has not settled: what worker it waits for, if it does.
    """
    settled = record.settled
    if settled is None:
        awaited = awaited_worker(record)
        return f"waiting for {awaited}" if awaited else ""
    finished = record.finished
    failed = finished is not None and settled.outcome is not Outcome.PASSED
    detail = settled.detail or (finished.error if finished and failed else "")
    return shorten(_why(_Case(state, record, settled, detail)), _MOST_CHARACTERS)


def _direct(state: State, record: CheckRecord) -> str:
    """The requirement itself that stood in the way of a skipped check."""
    settled = record.settled
    if settled is None or record.reason is not Reason.REQUIREMENT:
        return ""
    names = [requirement.check for requirement in record.planned.requires]
    if settled.cause in names:
        return settled.cause
    for name in names:
        required = state.checks.get(name)
        if required and required.settled and required.settled.cause == settled.cause:
            return name
    return ""


class _Case(Struct, frozen=True):
    """A settled check; `detail` is what its judge said, else what was wrong with its attempt."""

    state: State
    record: CheckRecord
    settled: CheckSettled
    detail: str

    def with_detail(self, sentence: str) -> str:
        """The sentence, and the detail if there is one."""
        return f"{sentence}: {self.detail}" if self.detail else sentence


Sentence = Callable[[_Case], str]


def _why(case: _Case) -> str:
    """Empty when it simply passed; of a pass by an old file, how old that is."""
    if case.settled.reason is None:
        return case.detail
    sentence = _SENTENCES[case.settled.reason](case)
    beside = BESIDE.search(case.detail)
    return f"{sentence}; {beside[0]}" if beside and beside[0] not in sentence else sentence


def _exit_code(case: _Case) -> str:
    code = case.record.finished.exit_code if case.record.finished else None
    meaning = NOT_STARTED_CODES.get(code or 0)
    sentence = f"exit code {code}" + (f" ({meaning})" if meaning else "")
    return sentence if case.detail.startswith("exited with") else case.with_detail(sentence)


def _signal(case: _Case) -> str:
    signal = case.record.finished.signal if case.record.finished else ""
    return f"ended by {signal or 'a signal'}"


def _assertion(case: _Case) -> str:
    assertion = case.record.planned.assertion
    if case.detail.startswith(assertion):  # the judge says it with its values
        return case.with_detail("assertion is false")
    return case.with_detail(f"assertion is false: {assertion}")


def _timeout(case: _Case) -> str:
    limit_ns = case.record.planned.timeout_ns
    limit = f" of {duration(limit_ns)}" if limit_ns else ""
    return case.with_detail(f"ran longer than its timeout{limit}")


def _idle(case: _Case) -> str:
    limit_ns = case.record.planned.idle_timeout_ns
    limit = f" for {duration(limit_ns)}" if limit_ns else ""
    return case.with_detail(f"wrote nothing{limit} (idle timeout)")


def _output_limit(case: _Case) -> str:
    return f"wrote more output than {size(case.record.planned.output_limit_bytes)}"


def _requirement(case: _Case) -> str:
    direct = _direct(case.state, case.record)
    cause = case.settled.cause or direct or "a check"
    root = case.state.checks.get(cause)
    ended = ENDED.get((root and root.outcome) or "", "did not pass")
    if direct and direct != cause:
        return f"requires {direct}, which was skipped: {cause} {ended}"
    return f"requires {cause}, which {ended}"


def _interrupted(case: _Case) -> str:
    cancel = case.state.cancel
    return f"the run got {(cancel and cancel.by) or 'a signal'}"


def _reused(case: _Case) -> str:
    return f"passed in run {case.record.reused.run if case.record.reused else 'an earlier one'}"


def _after_cause(otherwise: str, sentence: str) -> Sentence:
    return lambda case: f"{case.settled.cause or otherwise} {sentence}"


def _detail_or(text: str) -> Sentence:
    return lambda case: case.detail or text


def _detailed(sentence: str) -> Sentence:
    return lambda case: case.with_detail(sentence)


_SENTENCES: dict[Reason, Sentence] = {
    Reason.REUSED: _reused,
    Reason.EXIT_CODE: _exit_code,
    Reason.SIGNAL: _signal,
    Reason.ASSERTION: _assertion,
    Reason.NOT_EXTRACTED: _detailed("the assertion needs what no pattern extracted"),
    Reason.OUTPUT_LIMIT: _output_limit,
    Reason.LEAK: _detailed("left processes behind"),
    Reason.TIMEOUT: _timeout,
    Reason.IDLE: _idle,
    Reason.REQUIREMENT: _requirement,
    Reason.DEPENDENCY_PENDING: _after_cause(
        "a requirement", "had not finished (while_pending: skip)"
    ),
    Reason.NOTHING_TO_CONFIRM: _after_cause("the check", "was not reused"),
    Reason.FAIL_FAST: _after_cause("another check", "did not pass (fail-fast)"),
    Reason.CANCEL: _detailed("cancelled on request"),
    Reason.INTERRUPTED: _interrupted,
    Reason.FRONT_LOST: _detailed("the command that guarded the run is gone"),
    Reason.RUN_TIMEOUT: _detailed("the run took longer than run_timeout"),
    Reason.LOG_FAILURE: _detailed("the log could not be written"),
    Reason.NOT_STARTABLE: _detailed("the command could not be started"),
    Reason.LOST: _detailed("the attempt was lost"),
    Reason.UNKILLABLE: _detailed("processes could not be killed"),
    Reason.RESULTS_CONTRADICT: _detail_or("a test failed beside exit code 0"),
    Reason.CHANGED_FILES: _detail_or("changed files of the tree"),
    Reason.EXPECTATION: _detail_or("its results are not what is expected"),
    Reason.RESULTS: _detail_or("a report could not be read"),
    Reason.FILE: _detailed("its file could not be read"),
    Reason.GROK_LIMIT: _detailed("more output than grok reads"),
    Reason.BAD_VALUE: _detailed("the assertion could not be evaluated"),
    Reason.JUDGE_TIMEOUT: _detailed("judging took too long"),
    Reason.TREE_MOVED: _detailed("files of the work tree changed under it"),
    Reason.OUTPUT_LOST: _detailed("the output is lost"),
    Reason.INTERNAL: _detailed("a defect of VibeGuard itself"),
}


def duration_ns(state: State, record: CheckRecord) -> int:
    """How long the check took, all attempts together; while it runs, up to the last event."""
    if record.first_started_t is None:
        return 0
    if record.settled_t is None:
        return max(state.last_t - record.first_started_t, 0)
    if record.attempt <= 1 and record.finished is not None and record.finished.elapsed_ns:
        return record.finished.elapsed_ns
    return record.settled_t - record.first_started_t


def took(state: State, record: CheckRecord) -> str:
    """How long the check took, in words; empty for one that never ran."""
    return "" if record.first_started_t is None else duration(duration_ns(state, record))


def worker_of(record: CheckRecord) -> str:
    """The worker that the last attempt was started on; empty for one of this machine."""
    return record.started.worker if record.started else ""


def placed(record: CheckRecord) -> str:
    """`on gpu1, queued for 3s`; empty for a check of this machine."""
    worker, queued = worker_of(record), record.queued_ns
    if not worker:
        return ""
    return f"on {worker}" + (f", queued for {duration(queued)}" if queued else "")


def awaited_worker(record: CheckRecord) -> str:
    """Which worker a check in the queue of a pool waits for; empty for any other."""
    awaits = record.awaits
    if awaits is None:
        return ""
    wanted = ", ".join(awaits.wanted)
    present = "; ".join(awaits.present) or "none"
    return f"a worker{f' with {wanted}' if wanted else ''}; present: {present}"


def awaited(state: State, record: CheckRecord) -> str:
    """What the check waits for, unless it is other checks; empty for one that is not in a queue."""
    if record.state is not CheckState.QUEUED:
        return ""
    worker = awaited_worker(record)
    if worker:
        return worker
    holder = state.groups.get(record.group) if record.group else None
    if holder is not None and holder != record.planned.id:
        return f"the group {record.group}, which {holder} has"
    used, of = state.used[record.pool], state.slots[record.pool]
    where = " in the background" if record.pool is Pool.BACKGROUND else ""
    wanted = min(record.planned.weight, of)
    if used + wanted <= of:
        return ""  # it is about to start, or is held back for another reason
    slots = "a slot" if wanted == 1 else f"{wanted} slots"
    return f"{slots}{where} ({used} of {of} taken)"
