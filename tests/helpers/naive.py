"""A slow, obvious model of a run: every answer is looked up anew in the whole list of events.

Events are plain dicts here, as they stand in the log. Nothing is kept from one event to the next, so
that no counter can drift; `told` puts the State of the fold into the same words.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from vibeguard.core.fold.verdict import exit_code_so_far, outcome_counts
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.names import Pool

Facts = dict[str, Any]
_STATES = {
    "check.queued": "queued",
    "check.started": "running",
    "check.retry_scheduled": "backoff",
    "check.settled": "settled",
}
_OUTCOMES = ("passed", "failed", "timeout", "cancelled", "skipped", "error")


def plain(events: Iterable[Event]) -> list[Facts]:
    """The events as the log has them, defaults left out."""
    return [msgspec.to_builtins(event) for event in events]


def naive(log: Sequence[Facts]) -> Facts:
    """What the events say, every answer by a search through all of them."""
    planned = next(e for e in log if e["type"] == "run.planned")
    checks = {c["id"]: _check(c, log) for c in planned["checks"]}
    settled = [e for e in log if e["type"] == "check.settled"]
    counts = {o: sum(e["outcome"] == o for e in settled) for o in _OUTCOMES}
    degraded = [e for e in log if e["type"] == "run.degraded"]
    capacity = degraded[-1] if degraded else planned["settings"]
    return {
        "checks": checks,
        "settled": len(settled),
        "counts": {outcome: count for outcome, count in counts.items() if count},
        "frontiers": sum(e["type"] == "frontier.advanced" for e in log),
        "slots": [capacity["parallel"], capacity["async_parallel"]],
        "used": {p: _used(p, planned, log) for p in ("foreground", "background")},
        "groups": {
            c["group"]: c["id"] for c in planned["checks"] if c.get("group") and _runs(c, log)
        },
        "paused": _paused(log),
        "foreground_settled": any(e["type"] == "run.foreground_settled" for e in log),
        "exit_code": _exit_code(planned, log),
    }


def _own(check: Facts, log: Sequence[Facts], *kinds: str) -> list[Facts]:
    return [e for e in log if e.get("check") == check["id"] and (not kinds or e["type"] in kinds)]


def _check(check: Facts, log: Sequence[Facts]) -> Facts:
    frontiers = [e for e in log if e["type"] == "frontier.advanced" and check["id"] in e["checks"]]
    state = "ready" if frontiers else "pending"
    for event in _own(check, log):
        state = _STATES.get(event["type"], state)
    started = _own(check, log, "check.started")
    settled = _own(check, log, "check.settled")
    waived = {e["requirement"]: e["choice"] for e in _own(check, log, "check.requirement_waived")}
    return {
        "state": state,
        "outcome": settled[0]["outcome"] if settled else None,
        "reason": settled[0].get("reason") if settled else None,
        "cause": settled[0].get("cause", "") if settled else None,
        "attempt": len(_own(check, log, "check.queued")),
        "frontier": frontiers[0]["number"] if frontiers else None,
        "first_started_t": started[0]["t"] if started else None,
        "running_t": started[-1]["t"] if started else None,
        "settled_t": settled[0]["t"] if settled else None,
        "waived": waived,
        "ran_before": [r for r, choice in waived.items() if choice == "proceed" and started],
        "struck": _struck(check, log),
    }


def _struck(check: Facts, log: Sequence[Facts]) -> str | None:
    """Why the present attempt was ended: the first reason that is not a leak, else a leak."""
    reason = None
    for event in _own(check, log, "check.started", "check.termination_requested"):
        if event["type"] == "check.started":
            reason = None
        elif reason in (None, "leak"):
            reason = event["reason"]
    return reason


def _runs(check: Facts, log: Sequence[Facts]) -> bool:
    """Whether an attempt of it is under way: starts without an end."""
    ends = [e for e in _own(check, log, "check.attempt_finished") if e["end"] != "refused"]
    return len(_own(check, log, "check.started")) > len(ends)


def _used(pool: str, planned: Facts, log: Sequence[Facts]) -> int:
    setting = "parallel" if pool == "foreground" else "async_parallel"
    running = [
        c for c in planned["checks"] if c.get("pool", "foreground") == pool and _runs(c, log)
    ]
    return sum(min(c.get("weight", 1), planned["settings"][setting]) for c in running)


def _paused(log: Sequence[Facts]) -> bool:
    kinds = [e["type"] for e in log if e["type"] in ("run.paused", "run.resumed")]
    return kinds[-1:] == ["run.paused"]


def _exit_code(planned: Facts, log: Sequence[Facts]) -> int:
    """DESIGN section 8, for a log that is neither corrupt nor incomplete."""
    cancels = [e for e in log if e["type"] == "run.cancel_requested" and "exit_code" in e]
    for event in sorted(cancels, key=lambda e: e["reason"] != "log_failure"):
        return int(event["exit_code"])
    severity = {c["id"]: c.get("severity", "error") for c in planned["checks"]}
    settled = [e for e in log if e["type"] == "check.settled"]
    failing = [
        e
        for e in settled
        if e["outcome"] != "passed"
        and severity[e["check"]] == "error"
        and not (e.get("waived") or e.get("quarantined"))
    ]
    if failing:
        return int(planned["settings"].get("error_exit_code", 1))
    if not any(e["type"] == "log.sealed" for e in log):
        return 5
    gone = {(e["check"], e["attempt"]) for e in log if e.get("end") in ("lost", "refused")}
    began = {(e["check"], e["attempt"]) for e in log if e["type"] == "check.started"}
    return 0 if began - gone or any(e["type"] == "check.reused" for e in log) else 1


def told(state: State) -> Facts:
    """The fold's State in the words of the naive model."""
    checks = {}
    for id_, record in state.checks.items():
        settled, ending = record.settled, record.termination
        checks[id_] = {
            "state": record.state.value,
            "outcome": record.outcome.value if record.outcome else None,
            "reason": settled.reason.value if settled and settled.reason else None,
            "cause": settled.cause if settled else None,
            "attempt": record.attempt,
            "frontier": record.frontier,
            "first_started_t": record.first_started_t,
            "running_t": record.running_t,
            "settled_t": record.settled_t,
            "waived": {r: str(choice) for r, choice in record.waived.items()},
            "ran_before": list(record.ran_before),
            "struck": ending.reason.value if ending else None,
        }
    return {
        "checks": checks,
        "settled": state.settled,
        "counts": outcome_counts(state),
        "frontiers": state.frontiers,
        "slots": [state.slots[Pool.FOREGROUND], state.slots[Pool.BACKGROUND]],
        "used": {pool: state.used[Pool(pool)] for pool in ("foreground", "background")},
        "groups": state.groups,
        "paused": state.paused_since is not None,
        "foreground_settled": state.foreground_settled is not None,
        "exit_code": exit_code_so_far(state),
    }
