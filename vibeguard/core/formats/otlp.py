"""OpenTelemetry's trace in OTLP's JSON: a span for the run, each check and each attempt.

Ids follow from the run and the check, so that every replay is the same trace. Names are those of
the semantic conventions for CI/CD; ids are hexadecimal, as OTLP has them, and not base64.
"""

from collections.abc import Mapping
from hashlib import sha256

from vibeguard.core.formats.base import NOTHING_MORE, Ending, TimelineFormat
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome
from vibeguard.core.report.conclusion import exit_code_of, verdict_event
from vibeguard.core.report.epoch import started_ns
from vibeguard.core.report.reasons import reason_of
from vibeguard.core.report.safe_json import JsonObject, encode_document
from vibeguard.core.report.timeline import Span
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.version import __version__

_INTERNAL, _OK, _ERROR = 1, 1, 2
# A verdict is called as an outcome of a check is.
_RESULTS: Mapping[str, str] = {
    Outcome.PASSED: "success",
    Outcome.FAILED: "failure",
    Outcome.TIMEOUT: "timeout",
    Outcome.ERROR: "error",
    Outcome.SKIPPED: "skip",
    Outcome.CANCELLED: "cancellation",
}
Attributes = dict[str, str | int | bool | None]


class OtlpFormat(TimelineFormat):
    """One ExportTraceServiceRequest at the end; what still runs ends where the log ends."""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document."""
        attempts: dict[str, list[Span]] = {}
        for span in self.timeline.spans:
            attempts.setdefault(span.check, []).append(span)
        trace = _Trace(state)
        spans = [_run(trace, ending)]
        for check, record in state.checks.items():
            spans.append(_check(trace, check, record))
            spans += [_attempt(trace, span) for span in attempts.get(check, ())]
        scope = {"name": "vibeguard", "version": __version__}
        resource = {"attributes": _attributes({"service.name": "vibeguard", **_of_tree(state)})}
        scoped = [{"scope": scope, "spans": spans}]
        document = {"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]}
        return encode_document(document, ci=self.options.ci)


class _Trace:
    """The ids and times of one run."""

    def __init__(self, state: State) -> None:
        started = state.started
        self.state = state
        self._run_id = state.run_id
        self._epoch_ns = started_ns(state)
        came = started.traceparent.split("-") if started and started.traceparent else []
        self.id = came[1] if came else _digest(self._run_id, 32)
        self.parent = came[2] if came else ""
        self.root = self.span_id("")

    def span_id(self, what: str) -> str:
        """The id of the span of a check, an attempt, or (empty) the run."""
        return _digest(f"{self._run_id}/{what}", 16)

    def span(
        self,
        name: str,
        what: str,
        parent: str,
        times: tuple[int, int],
        *,
        status: JsonObject,
        attributes: Attributes,
    ) -> JsonObject:
        """A span with every field that a reader needs; `what` it is of makes its id."""
        own = {"traceId": self.id, "spanId": self.span_id(what), "name": sanitise(name)}
        begin, end = (str(self._epoch_ns + t) for t in times)
        above = {"parentSpanId": parent} if parent else {}
        ends = {"kind": _INTERNAL, "startTimeUnixNano": begin, "endTimeUnixNano": end}
        return {**own, **above, **ends, "attributes": _attributes(attributes), "status": status}


def _run(trace: _Trace, ending: Ending) -> JsonObject:
    state = trace.state
    finished = verdict_event(state, ending)
    result = _RESULTS[finished.verdict] if finished is not None else "error"
    status = _status(result, finished.reason if finished else "the run has no verdict")
    attributes: Attributes = {
        "cicd.pipeline.name": state.config_path,
        "cicd.pipeline.run.id": state.run_id,
        "cicd.pipeline.result": result,
        "vibeguard.exit_code": int(exit_code_of(state, ending)),
        "vibeguard.finished": finished is not None,
    }
    return trace.span(
        "vibeguard run", "", trace.parent, (0, state.last_t), status=status, attributes=attributes
    )


def _check(trace: _Trace, check: str, record: CheckRecord) -> JsonObject:
    state = trace.state
    end = state.last_t if record.settled_t is None else record.settled_t
    times = (end if record.first_started_t is None else record.first_started_t, end)
    result = _RESULTS[record.outcome] if record.outcome is not None else None
    attributes: Attributes = {
        "cicd.pipeline.task.name": check,
        "cicd.pipeline.task.run.id": f"{state.run_id}/{check}",
        "cicd.pipeline.task.run.result": result,
        "vibeguard.pool": record.planned.pool.value,
        "vibeguard.attempts": record.attempt,
        "vibeguard.flaky": record.flaky,
        "process.exit.code": record.finished.exit_code if record.finished else None,
    }
    status = _status(result or "", reason_of(state, record))
    return trace.span(check, check, trace.root, times, status=status, attributes=attributes)


def _attempt(trace: _Trace, span: Span) -> JsonObject:
    end = trace.state.last_t if span.end_t is None else span.end_t
    attributes: Attributes = {"vibeguard.attempt": span.attempt, "vibeguard.slot": span.slot}
    name, what = f"{span.check}: attempt {span.attempt}", f"{span.check}/{span.attempt}"
    times, parent = (span.start_t, end), trace.span_id(span.check)
    return trace.span(name, what, parent, times, status={"code": 0}, attributes=attributes)


def _status(result: str, message: str) -> JsonObject:
    """Unset where nothing is known, and for what was skipped; a cancelled run did not pass."""
    if result in ("failure", "error", "timeout", "cancellation"):
        return {"code": _ERROR, "message": sanitise(message)}
    return {"code": _OK if result == "success" else 0}


def _of_tree(state: State) -> Attributes:
    vcs = state.vcs
    if vcs is None:
        return {}
    known = {"vcs.ref.head.revision": vcs.head, "vcs.ref.head.name": vcs.branch}
    return {**{name: value for name, value in known.items() if value}, "vibeguard.dirty": vcs.dirty}


def _attributes(values: Attributes) -> list[JsonObject]:
    return [{"key": k, "value": _value(v)} for k, v in values.items() if v is not None]


def _value(value: str | int | bool | None) -> JsonObject:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case _:
            return {"stringValue": sanitise(value or "")}


def _digest(text: str, length: int) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:length]
