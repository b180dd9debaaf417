"""Logs as bytes: hand-made histories encoded, sealed, and written into run folders."""

from collections.abc import Iterable, Sequence

from msgspec.structs import force_setattr

from tests.helpers.histories import MS, SECOND, History, check
from vibeguard.core.eventlog.encode import encode_line, encode_seal, new_digest
from vibeguard.core.model.config_parts import Requirement, Trigger, Triggers, Where
from vibeguard.core.model.event_parts import Excerpt, ProcessReport, TriggeredPrompt
from vibeguard.core.model.events import (
    CheckHang,
    CheckIdle,
    CheckQueued,
    CheckRequirementWaived,
    CheckResults,
    CheckRetryScheduled,
    CheckReused,
    CheckSlow,
    CheckStarted,
    CheckSubmitted,
    CheckTerminationRequested,
    Event,
    LogSealed,
    RunDegraded,
    RunPaused,
    RunResumed,
    RunWeakened,
)
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.model.results import Result
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import (
    CancelReason,
    Outcome,
    Pool,
    Reason,
    ResultKind,
    ReusePolicy,
    TerminationReason,
    WhilePending,
)


def encode_log(events: Iterable[Event]) -> bytes:
    """The bytes of a whole log; a seal in it is made to fit what stands before it."""
    log = bytearray()
    digest = new_digest()
    for event in events:
        if isinstance(event, LogSealed):
            force_setattr(event, "bytes", len(log))
            line = encode_seal(event, digest)
        else:
            line = encode_line(event)
        log += line
        digest.update(line)
    return bytes(log)


def every_event() -> Sequence[Event]:
    """A legal run that holds every type of event there is, texts beyond ASCII among them."""
    history = History(
        *_checks(),
        settings=ResolvedSettings(
            parallel=4, async_parallel=2, grace_ns=5 * SECOND, pool=PoolSettings(), reuse=True
        ),
        vars={"größe": "80 %", "emoji": "🦊"},
        notes=("left out: docs",),
        started={"argv": ("vibeguard", "run", "naïve\n\x1b[31m"), "cwd": "/wörk"},
    )
    history.ready("fmt", "lint", "e2e", "report", "soft", "known")
    history.after(MS).passes("fmt", extracted={"values": {"n": "3"}, "unmatched": ("%{INT:x}",)})
    _reused(history)
    _flaky(history)
    _hanging(history)
    for choice, name in ((WhilePending.PROCEED, "report"), (WhilePending.SKIP, "soft")):
        pool = history.state.checks[name].planned.pool
        history.add(CheckQueued, check=name, attempt=1, pool=pool)
        state = history.state.checks["e2e"].state
        facts = {"check": name, "requirement": "e2e", "choice": choice, "state": state}
        history.add(CheckRequirementWaived, **facts)
    history.settle("soft", Outcome.SKIPPED, Reason.DEPENDENCY_PENDING, cause="e2e", waived=True)
    _ending(history)
    return history.finish().events


# `report` is for a worker, `soft` runs here.
_PLACES = {"report": {"pool": Pool.WORKERS, "where": Where(labels=("linux",))}, "soft": {}}


def _checks() -> tuple[PlannedCheck, ...]:
    after_e2e = {"report": WhilePending.PROCEED, "soft": WhilePending.SKIP}
    waiting = [
        check(name, requires=(Requirement("e2e", choice),), **_PLACES[name])
        for name, choice in after_e2e.items()
    ]
    prompts = Triggers(failure=(Trigger("fix", "Mend it."),), timeout=(Trigger("inline", "Slow."),))
    return (
        check("fmt", tags=("quick",), grok=("%{INT:n}", "%{INT:x}"), assertion=""),
        check("lint", retries=1, on=prompts, timeout_ns=30 * SECOND),
        check("e2e", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND, expected_ns=90 * SECOND),
        *waiting,
        check("known", reuse=ReusePolicy.ON, inputs=("src/**",), tools=()),
    )


def _reused(history: History) -> None:
    """An earlier pass stands for `known`."""
    earlier = {"run": "20261123-060000-0123abcd", "seal": "5" * 64, "key": "e" * 64}
    history.add(CheckReused, check="known", **earlier)
    history.settle("known", Outcome.PASSED, Reason.REUSED)


def _flaky(history: History) -> None:
    """`lint` fails, is tried again, and passes."""
    history.start("lint")
    slow = {"check": "lint", "attempt": 1, "elapsed_ns": SECOND}
    history.after(SECOND).add(CheckSlow, **slow)
    history.exit("lint", code=3)
    history.add(CheckRetryScheduled, check="lint", attempt=2, delay_ns=MS)
    history.after(MS).passes("lint")


def _hanging(history: History) -> None:
    """`e2e` starts in the background and says nothing."""
    history.start("e2e")
    history.add(RunPaused)
    history.after(SECOND).add(RunResumed, paused_ns=SECOND)
    history.add(RunWeakened, what="no pidfd", why="refused (EPERM)", may_ignore=True)
    history.add(RunDegraded, parallel=3, async_parallel=2, reason="out of processes")
    history.add(CheckIdle, check="e2e", attempt=1, elapsed_ns=SECOND, idle_ns=SECOND)


def _ending(history: History) -> None:
    """`report` runs without its requirement, the foreground settles, a signal ends the rest."""
    pool = history.state.checks["report"].planned.pool
    asked = {"engine": "default", "token": "t-1", "wanted": ("linux",), "present": ("größe linux",)}
    history.add(CheckSubmitted, check="report", attempt=1, **asked)
    history.add(CheckStarted, check="report", attempt=1, pool=pool, worker="ci-7", pid=4999)
    history.after(SECOND).exit("report", code=2)
    case = Result(kind=ResultKind.TEST, name="größe", file="a/b.py", line=3, message="<1> & 2")
    history.add(
        CheckResults, check="report", attempt=1, guessed=True, tests={"failed": 1}, results=(case,)
    )
    prompt = TriggeredPrompt(event="failure", source="fix", content="Mend it.")
    excerpt = Excerpt("compiler", ("report.c:1: error: Ω",), 12)
    facts = {"prompts": (prompt,), "excerpt": excerpt, "tail": ("bye",)}
    history.settle("report", Outcome.FAILED, Reason.EXIT_CODE, **facts)
    history.foreground_settled()
    sleeping = ProcessReport(4100, "sleep 600", 4000, "blocked", "hrtimer_nanosleep")
    hang = {"processes": (sleeping,), "silent_ns": SECOND, "last_lines": ("waiting for db",)}
    history.add(CheckHang, check="e2e", attempt=1, **hang)
    history.cancel(reason=CancelReason.SIGNAL, by="SIGTERM", exit_code=143)
    ending = {"reason": TerminationReason.SIGNAL, "signal": "SIGTERM"}
    history.add(CheckTerminationRequested, check="e2e", attempt=1, **ending)
    history.after(SECOND).exit("e2e", code=None, signal="SIGTERM", survivors=(sleeping,), swept=1)
    history.settle("e2e", Outcome.CANCELLED, Reason.INTERRUPTED)
