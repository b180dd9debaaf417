"""Chrome's trace-event JSON: what ran when, for Perfetto, speedscope and chrome://tracing.

A thread is a slot, so that no two attempts overlap on one; times are microseconds.
"""

from msgspec import Struct

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
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
from vibeguard.core.report.encode import encode_json
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


class TraceFormat:
    """Collects attempts while events come in; writes one document at the end."""

    stream = Stream.MACHINE
    exact = True

    def __init__(self, options: FormatOptions) -> None:
        self._ci = options.ci
        self._busy: dict[str, int] = {}
        self._free: dict[Pool, list[int]] = {pool: [] for pool in Pool}
        self._lanes = dict.fromkeys(Pool, 0)
        self._open: dict[str, TraceEvent] = {}
        self._last: dict[str, TraceEvent] = {}
        self._events: list[TraceEvent] = []

    def feed(self, state: State, event: Event) -> str:
        """Remember what the picture needs."""
        del state
        match event:
            case CheckStarted():
                self._start(event)
            case CheckAttemptFinished():
                self._end(event)
            case CheckSettled(check=check) if check in self._last:
                self._last[check].args["outcome"] = event.outcome.value
                if event.reason is not None:
                    self._last[check].args["reason"] = event.reason.value
            case CheckRetryScheduled(check=check) if check in self._last:
                self._last[check].args["outcome"] = "retried"
            case RunForegroundSettled():
                self._mark("foreground settled", event.t)
            case RunCancelRequested():
                self._mark(f"cancel: {event.reason.value}", event.t)
            case _:
                pass
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The document; what still runs ends where the log ends."""
        del ending
        for entry in self._open.values():
            entry.dur = state.last_t / 1000 - entry.ts
            entry.args["outcome"] = "running"
        return encode_json(TraceDocument([*self._names(), *self._events]), ci=self._ci) + "\n"

    def _start(self, event: CheckStarted) -> None:
        free = self._free[event.pool]
        if not free:
            self._lanes[event.pool] += 1
            free.append(self._lanes[event.pool])
        lane = min(free)
        free.remove(lane)
        self._busy[event.check] = lane
        tid = FIRST_LANES[event.pool] + lane
        entry = TraceEvent(
            name=sanitise(event.check),
            ph="X",
            ts=event.t / 1000,
            pid=PID,
            tid=tid,
            cat=event.pool.value,
            args={"attempt": event.attempt, **({"worker": event.worker} if event.worker else {})},
        )
        self._open[event.check] = self._last[event.check] = entry
        self._events.append(entry)

    def _end(self, event: CheckAttemptFinished) -> None:
        entry = self._open.pop(event.check, None)
        if entry is None:  # a start that was refused took no slot
            return
        entry.dur = event.t / 1000 - entry.ts
        if event.exit_code is not None:
            entry.args["exit_code"] = event.exit_code
        self._free[Pool(entry.cat)].append(self._busy.pop(event.check))

    def _mark(self, name: str, t: int) -> None:
        self._events.append(TraceEvent(name=name, ph="i", ts=t / 1000, pid=PID, tid=1, s="g"))

    def _names(self) -> list[TraceEvent]:
        names = [_name("process_name", 0, "vibeguard")]
        for pool, first in FIRST_LANES.items():
            names.extend(
                _name("thread_name", first + lane, f"{pool.value} {lane}")
                for lane in range(1, self._lanes[pool] + 1)
            )
        return names


def _name(kind: str, tid: int, name: str) -> TraceEvent:
    return TraceEvent(name=kind, ph="M", ts=0, pid=PID, tid=tid, args={"name": name})
