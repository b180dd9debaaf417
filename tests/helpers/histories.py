"""Histories of runs, made by hand: events that the real fold accepts, without clock or processes."""

from collections.abc import Callable
from typing import Any

from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import outcome_counts, verdict_of
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckExtracted,
    CheckQueued,
    CheckSettled,
    CheckStarted,
    Event,
    FrontierAdvanced,
    LogSealed,
    RunCancelRequested,
    RunFinished,
    RunForegroundSettled,
    RunPlanned,
    RunStarted,
)
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.model.state import State
from vibeguard.core.names import AttemptEnd, CheckState, Outcome, Reason

MS = 1_000_000
SECOND = 1000 * MS
RUN_ID = "20261124-060000-0123abcd"


class History:
    """Builds a run event by event; `at` is in nanoseconds and only grows."""

    def __init__(
        self, *checks: PlannedCheck, started: dict[str, Any] | None = None, **planned: Any
    ):
        self.events: list[Event] = []
        self.state: State = State()
        self.at = 0
        self.add(RunStarted, **{**_STARTED, **(started or {})})
        settings = planned.pop("settings", ResolvedSettings(parallel=4, async_parallel=4))
        facts = {"config_path": "vibeguard.yaml", "config_sha256": "c" * 64, **planned}
        self.add(RunPlanned, settings=settings, checks=checks, **facts)

    def add(self, kind: Callable[..., Event], **fields: Any) -> Event:
        """Stamp one event, fold it, keep it."""
        event = kind(seq=len(self.events), t=self.at, **fields)
        apply(self.state, event)
        self.events.append(event)
        return event

    def after(self, ns: int) -> "History":
        """Let time pass."""
        self.at += ns
        return self

    def ready(self, *ids: str) -> None:
        """These checks form the next frontier."""
        self.add(FrontierAdvanced, number=self.state.frontiers, checks=ids)

    def queue(self, id_: str) -> None:
        """The next attempt of a check wants a slot."""
        record = self.state.checks[id_]
        pool = record.planned.pool
        self.add(CheckQueued, check=id_, attempt=record.attempt + 1, pool=pool)

    def start(self, id_: str, *, worker: str = "") -> None:
        """Start the next attempt of a check; queue it if that has not been done."""
        record = self.state.checks[id_]
        if record.state is not CheckState.QUEUED:
            self.queue(id_)
        facts = {"attempt": record.attempt, "pool": record.planned.pool, "worker": worker}
        self.add(CheckStarted, check=id_, pid=4000 + len(self.events), **facts)

    def exit(
        self,
        id_: str,
        *,
        code: int | None = 0,
        extracted: dict[str, Any] | None = None,
        **facts: Any,
    ) -> None:
        """The present attempt of a check is over."""
        record = self.state.checks[id_]
        elapsed = self.at - (record.running_t or 0)
        fields: dict[str, Any] = {
            "end": AttemptEnd.EXITED,
            "exit_code": code,
            "elapsed_ns": elapsed,
            "active_ns": elapsed,
            "output_path": f"output/{record.planned.stem}.{record.attempt}.log",
            "output_bytes": 1536,
            "output_sha256": "0" * 64,
            **facts,
        }
        self.add(CheckAttemptFinished, check=id_, attempt=record.attempt, **fields)
        if extracted is not None:
            self.add(CheckExtracted, check=id_, attempt=record.attempt, **extracted)

    def settle(
        self, id_: str, outcome: Outcome, reason: Reason | None = None, **facts: Any
    ) -> None:
        """The check has its outcome."""
        attempts = self.state.checks[id_].attempt if outcome is not Outcome.SKIPPED else 0
        flaky = outcome is Outcome.PASSED and attempts > 1
        facts = {"attempts": attempts, "flaky": flaky, **facts}
        self.add(CheckSettled, check=id_, outcome=outcome, reason=reason, **facts)

    def passes(
        self, id_: str, *, ns: int = SECOND, extracted: dict[str, Any] | None = None, **facts: Any
    ) -> None:
        """Start a ready check, let it run, and pass it."""
        self.start(id_)
        self.after(ns).exit(id_, extracted=extracted)
        self.settle(id_, Outcome.PASSED, **facts)

    def fails(self, id_: str, *, ns: int = SECOND, code: int = 1, **facts: Any) -> None:
        """Start a ready check, let it run, and fail it by its exit code."""
        self.start(id_)
        self.after(ns).exit(id_, code=code)
        self.settle(id_, Outcome.FAILED, Reason.EXIT_CODE, **facts)

    def skip(self, id_: str, *, cause: str) -> None:
        """A requirement of the check did not pass."""
        self.settle(id_, Outcome.SKIPPED, Reason.REQUIREMENT, cause=cause)

    def cancel(self, **fields: Any) -> None:
        """The run is cancelled."""
        self.add(RunCancelRequested, **fields)

    def foreground_settled(self) -> None:
        """Only the background remains."""
        records = self.state.checks.items()
        pending = tuple(id_ for id_, r in records if r.state is not CheckState.SETTLED)
        self.add(RunForegroundSettled, counts=outcome_counts(self.state), pending=pending)

    def finish(self, **facts: Any) -> "History":
        """Foreground settled if it was not said yet, verdict, seal."""
        if self.state.foreground_settled is None:
            self.foreground_settled()
        ruling = verdict_of(self.state)
        self.add(
            RunFinished,
            verdict=ruling.verdict,
            counts=outcome_counts(self.state),
            exit_code=ruling.exit_code,
            reason=ruling.reason,
            elapsed_ns=self.at,
            **facts,
        )
        self.add(LogSealed, events=len(self.events), bytes=4096, sha256="5" * 64)
        return self


def check(id_: str, **fields: Any) -> PlannedCheck:
    """A planned check with bearable defaults."""
    return PlannedCheck(id=id_, **{"run": f"make {id_}", "stem": id_, **fields})


_STARTED = {
    "run_id": RUN_ID,
    "schema": "1.0",
    "tool_version": "1.0.0",
    "wall_time": "2026-11-24T06:00:00.000000Z",
    "boot_id": "b",
    "pid": 4000,
    "pid_start": 1,
    "argv": ("vibeguard", "run", "-c", "ci/guard.yaml"),
    "cwd": "/work",
}
