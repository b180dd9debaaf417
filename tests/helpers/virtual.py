"""Runs a plan under virtual time with the scripted executor, and keeps every event."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypedDict, Unpack

import trio
import trio.testing
from msgspec.structs import replace

from tests.helpers.scripted_executor import Script, ScriptedExecutor
from vibeguard.core.fold.fold import fold
from vibeguard.core.fold.verdict import outcome_counts, verdict_of
from vibeguard.core.judge import Judgement
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.events import Event, RunFinished, RunPlanned, RunStarted
from vibeguard.core.model.plan import Plan, PlannedCheck
from vibeguard.core.model.settings import Settings
from vibeguard.core.model.state import State
from vibeguard.core.names import (
    LeakPolicy,
    Mode,
    Outcome,
    Reason,
    TerminationReason,
    WhilePending,
)
from vibeguard.core.planning.plan import make_plan, resolve_settings
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.system.executors.base import AttemptSpec
from vibeguard.system.supervisor.groups import Groups
from vibeguard.system.supervisor.recorder import Recorder
from vibeguard.system.supervisor.run import Run
from vibeguard.system.supervisor.support import Ended, Judge, Patience, Support

SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS


class MemoryLog:
    """A log that keeps events in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.on_reserve = False

    def append(self, event: Event) -> None:
        self.events.append(event)

    def sync(self) -> None:
        """Nothing is ever lost here."""


class VirtualRun:
    """What a virtual run left: its events, their fold, and how long it took."""

    def __init__(self, events: list[Event], plan: Plan, elapsed_s: float) -> None:
        self.events = events
        self.plan = plan
        self.elapsed_s = elapsed_s

    @property
    def state(self) -> State:
        return fold(self.events)

    def outcomes(self) -> dict[str, str]:
        return {
            check: record.outcome.value if record.outcome else record.state.value
            for check, record in self.state.checks.items()
        }

    def reasons(self) -> dict[str, str | None]:
        return {
            check: record.settled.reason.value if record.settled and record.settled.reason else None
            for check, record in self.state.checks.items()
        }

    def started_s(self, check: str) -> float | None:
        at = self.state.checks[check].first_started_t
        return None if at is None else at / SECOND_NS

    def settled_s(self, check: str) -> float | None:
        at = self.state.checks[check].settled_t
        return None if at is None else at / SECOND_NS

    def exit_code(self) -> int:
        finished = self.state.finished
        assert finished is not None
        return finished.exit_code

    def names(self) -> list[str]:
        return [str(type(event).__struct_config__.tag) for event in self.events]


def check(
    name: str,
    *requires: str | tuple[str, str],
    mode: Mode = "sync",
    timeout_s: float = 3600,
    **options: Any,
) -> CheckConfig:
    """A check for a virtual plan; a requirement is an id or (id, while_pending).

    `options` are further fields of CheckConfig.
    """
    requirements = tuple(
        Requirement(r) if isinstance(r, str) else Requirement(r[0], WhilePending(r[1]))
        for r in requires
    )
    plain = CheckConfig(
        id=name,
        run="scripted",
        requires=requirements,
        mode=mode,
        timeout_ns=round(timeout_s * SECOND_NS),
    )
    return replace(plain, **options)


class PlanOptions(TypedDict, total=False):
    """What a virtual plan may be told: four slots in each pool and no limits, unless it says so."""

    parallel: int
    async_parallel: int
    fail_fast: bool
    grace_s: float
    run_timeout_s: float
    expected_ns: Mapping[str, int]
    failed: Collection[str]


def plan_of(checks: Sequence[CheckConfig], **options: Unpack[PlanOptions]) -> Plan:
    """The plan of these checks, all of them selected."""
    run_timeout_s = options.get("run_timeout_s")
    settings = Settings(
        parallel=options.get("parallel", 4),
        async_parallel=options.get("async_parallel", 4),
        fail_fast=options.get("fail_fast", False),
        grace_ns=round(options.get("grace_s", 5.0) * SECOND_NS),
        run_timeout_ns=None if run_timeout_s is None else round(run_timeout_s * SECOND_NS),
    )
    resolved = resolve_settings(settings, usable_cpus=2, jitter_seed=7)
    expected_ns = options.get("expected_ns")
    failed = options.get("failed", ())
    return make_plan(checks, resolved, variables={}, expected_ns=expected_ns, failed=failed)


def planned_state(plan: Plan) -> State:
    """The State of a run that has been planned and has not begun."""
    log = MemoryLog()
    _record_beginning(Recorder(log, lambda: 0), plan)
    return fold(log.events)


async def judge_by_exit(
    planned: PlannedCheck,
    number: int,
    ended: Ended,
    before_waiting: Callable[[], None],
) -> Judgement:
    """The judge of virtual runs: the exit code and what ended the attempt."""
    result, struck = ended.result, ended.struck
    if struck in (TerminationReason.TIMEOUT, TerminationReason.IDLE):
        reason = Reason.TIMEOUT if struck is TerminationReason.TIMEOUT else Reason.IDLE
        return Judgement(outcome=Outcome.TIMEOUT, reason=reason)
    if struck is TerminationReason.OUTPUT_LIMIT:
        return Judgement(outcome=Outcome.FAILED, reason=Reason.OUTPUT_LIMIT)
    if result.signal:
        return Judgement(outcome=Outcome.FAILED, reason=Reason.SIGNAL)
    if result.exit_code:
        return Judgement(outcome=Outcome.FAILED, reason=Reason.EXIT_CODE)
    if result.leaked and planned.leaks is LeakPolicy.FAIL:
        return Judgement(outcome=Outcome.FAILED, reason=Reason.LEAK)
    return Judgement(outcome=Outcome.PASSED, reason=None)


def audit(run: Run) -> None:
    """At rest, a scheduler made from the State anew must have nothing left to do, either.

    What the log does not say is told to it: who has been offered a slot and has not started.
    """
    anew = Scheduler(run.recorder.state)
    anew._index.slots = run.scheduler._index.slots
    assert anew.next_move() is None


class VirtualRunClock:
    """A run clock on whatever clock Trio has: virtual time in tests."""

    def __init__(self) -> None:
        self._paused_at_ns: int | None = None

    def elapsed_ns(self) -> int:
        """Nanoseconds of Trio's time."""
        return round(trio.current_time() * 1e9)

    def pause(self) -> None:
        """Remember when; virtual time itself goes on."""
        self._paused_at_ns = self.elapsed_ns()

    def resume(self) -> int:
        """The nanoseconds since the pause."""
        since = self._paused_at_ns
        self._paused_at_ns = None
        return 0 if since is None else self.elapsed_ns() - since


def run_virtually(
    checks: Sequence[CheckConfig],
    scripts: Mapping[str, Script | Sequence[Script]],
    *,
    before: Callable[[Run], object] | None = None,
    during: Callable[[Run], Awaitable[object]] | None = None,
    log: MemoryLog | None = None,
    audited: bool = True,
    plan: Plan | None = None,
    group_folder: str = "/nonexistent",
    judge: Judge = judge_by_exit,
    **options: Unpack[PlanOptions],
) -> VirtualRun:
    """Conduct a plan (`plan`, or that of `checks` and `options`) to its end in virtual time.

    `before(run)` is called when the run is planned; `during(run)` is an async function run beside it.
    """
    plan = plan_of(checks, **options) if plan is None else plan
    log = MemoryLog() if log is None else log
    table = {k: [v] if isinstance(v, Script) else list(v) for k, v in scripts.items()}

    async def main() -> float:
        clock = VirtualRunClock()
        recorder = Recorder(log, clock.elapsed_ns)
        _record_beginning(recorder, plan)
        run = Run(
            support=Support(
                executor=ScriptedExecutor(table),
                patience=Patience(recorder.state),
                begin=_look_at_nothing,
                specify=_specification,
                judge=judge,
                keep=lambda *_: None,
            ),
            recorder=recorder,
            clock=clock,
            groups=Groups(group_folder),
        )
        if before is not None:
            before(run)
        async with trio.open_nursery() as services:
            if during is not None:
                services.start_soon(during, run)
            if audited:
                services.start_soon(_audit_always, run)
            await run.run()
            services.cancel_scope.cancel()
        _record_end(recorder, clock)
        return trio.current_time()

    elapsed = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return VirtualRun(log.events, plan, elapsed)


async def _look_at_nothing(_: PlannedCheck) -> None:
    """Nothing that an attempt could change."""


def _specification(planned: PlannedCheck, number: int) -> AttemptSpec:
    """What the scripted executor is told: it looks at id and attempt only."""
    return AttemptSpec(
        run_id="virtual",
        check=planned.id,
        attempt=number,
        command=planned.run,
        cwd="/",
        environment={},
        output_path="",
        output_limit_bytes=planned.output_limit_bytes,
        leaks=planned.leaks,
        leak_grace_ns=200_000_000,
    )


def _record_beginning(recorder: Recorder, plan: Plan) -> None:
    recorder.record(
        RunStarted(
            run_id="virtual",
            schema="1.0",
            tool_version="0",
            wall_time="2026-01-01T00:00:00Z",
            boot_id="",
            pid=1,
            pid_start=1,
            argv=(),
            cwd="/",
        )
    )
    recorder.record(
        RunPlanned(settings=plan.settings, config_path="", config_sha256="", checks=plan.checks)
    )


def _record_end(recorder: Recorder, clock: VirtualRunClock) -> None:
    ruling = verdict_of(recorder.state)
    recorder.record(
        RunFinished(
            verdict=ruling.verdict,
            counts=outcome_counts(recorder.state),
            exit_code=ruling.exit_code,
            elapsed_ns=clock.elapsed_ns(),
            reason=ruling.reason,
        )
    )


async def _audit_always(run: Run) -> None:
    """Audit whenever every other task has come to rest."""
    while True:
        await trio.testing.wait_all_tasks_blocked()
        audit(run)
        before = run.recorder.state.next_seq
        while run.recorder.state.next_seq == before:  # noqa: ASYNC110 - virtual time
            await trio.sleep(0.25)
