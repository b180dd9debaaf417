"""Chrome's trace-event JSON: what ran when, for Perfetto, speedscope and chrome://tracing.

A thread is a slot, so that no two attempts overlap on one; times are microseconds.
"""

from msgspec import Struct

from vibeguard.core.formats.base import NOTHING_MORE, Ending, FormatOptions, TimelineFormat
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckRetryScheduled,
    CheckSettled,
    CheckStarted,
    Event,
    RunCancelRequested,
    RunForegroundSettled,
)
from vibeguard.core.model.state import State
from vibeguard.core.names import Pool
from vibeguard.core.report.safe_json import encode_json
from vibeguard.core.report.timeline import Span
from vibeguard.core.wording.sanitise import sanitise

FIRST_LANES = {Pool.FOREGROUND: 0, Pool.BACKGROUND: 100_000, Pool.WORKERS: 200_000}
PID = 1  # a run is one process of the picture


class TraceEvent(Struct, omit_defaults=True):
    """One entry of `traceEvents`; the names are the format's own.

    What every viewer needs has no default here: a default is left out.
    """

    name: str
    ph: str
    ts: float
    pid: int
    tid: int
    dur: float | None = None
    cat: str = ""
    s: str = ""
    args: dict[str, str | int] = {}


class TraceDocument(Struct):
    """The whole file."""

    traceEvents: list[TraceEvent]  # noqa: N815 - the format's own name
    displayTimeUnit: str = "ms"  # noqa: N815


class TraceFormat(TimelineFormat):
    """Collects attempts while events come in; writes one document at the end."""

    def __init__(self, options: FormatOptions) -> None:
        super().__init__(options)
        self._attempts: list[tuple[Span, TraceEvent]] = []
        self._last: dict[str, dict[str, str | int]] = {}  # what is told of a check's last attempt
        self._events: list[TraceEvent] = []

    def feed(self, state: State, event: Event) -> str:
        """Remember what the picture needs."""
        super().feed(state, event)
        match event:
            case CheckStarted():
                self._start(self.timeline.spans[-1], event.worker)
            case CheckAttemptFinished(check=check, exit_code=int(code)) if check in self._last:
                self._last[check]["exit_code"] = code
            case CheckSettled(check=check) if check in self._last:
                self._last[check]["outcome"] = event.outcome.value
                if event.reason is not None:
                    self._last[check]["reason"] = event.reason.value
            case CheckRetryScheduled(check=check) if check in self._last:
                self._last[check]["outcome"] = "retried"
            case RunForegroundSettled():
                self._mark("foreground settled", event.t)
            case RunCancelRequested():
                self._mark(f"cancel: {event.reason.value}", event.t)
            case _:
                pass
        return ""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The document; what still runs ends where the log ends."""
        del ending
        for span, entry in self._attempts:
            if span.end_t is None:
                entry.args["outcome"] = "running"
            end_t = state.last_t if span.end_t is None else span.end_t
            entry.dur = end_t / 1000 - entry.ts
        return (
            encode_json(TraceDocument([*self._names(), *self._events]), ci=self.options.ci) + "\n"
        )

    def _start(self, span: Span, worker: str) -> None:
        entry = TraceEvent(
            name=sanitise(span.check),
            ph="X",
            ts=span.start_t / 1000,
            pid=PID,
            tid=FIRST_LANES[span.pool] + span.slot,
            cat=span.pool.value,
            args={"attempt": span.attempt, **({"worker": worker} if worker else {})},
        )
        self._last[span.check] = entry.args
        self._attempts.append((span, entry))
        self._events.append(entry)

    def _mark(self, name: str, t: int) -> None:
        self._events.append(TraceEvent(name=name, ph="i", ts=t / 1000, pid=PID, tid=1, s="g"))

    def _names(self) -> list[TraceEvent]:
        names = [_name("process_name", 0, "vibeguard")]
        for pool, first in FIRST_LANES.items():
            names.extend(
                _name("thread_name", first + lane, f"{pool.value} {lane}")
                for lane in range(1, self.timeline.slots[pool] + 1)
            )
        return names


def _name(kind: str, tid: int, name: str) -> TraceEvent:
    return TraceEvent(name=kind, ph="M", ts=0, pid=PID, tid=tid, args={"name": name})
