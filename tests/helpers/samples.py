"""A few whole runs that between them hold every event type: what each format must be able to show."""

from collections.abc import Callable

from tests.helpers.histories import MS, SECOND, History, check
from vibeguard.core.model.config_parts import Requirement, Trigger, Triggers, Where
from vibeguard.core.model.event_parts import Excerpt, ProcessReport, TriggeredPrompt, VersionControl
from vibeguard.core.model.events import (
    CheckHang,
    CheckIdle,
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckSlow,
    CheckSubmitted,
    CheckTerminationRequested,
    RunDegraded,
    RunPaused,
    RunResumed,
)
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.names import (
    AttemptEnd,
    CancelReason,
    CheckState,
    LeakPolicy,
    Outcome,
    Pool,
    Reason,
    Severity,
    TerminationReason,
    WhilePending,
)


def passing() -> History:
    """Two short checks, and a long one in the background that one more waits for."""
    run = History(
        check("fmt", run="ruff format --check ."),
        check("unit", run="pytest -q", requires=(Requirement("fmt"),)),
        check("integration", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND),
        check("package", requires=(Requirement("integration"),), after_background=True),
    )
    run.ready("fmt", "integration")
    run.start("integration")
    run.passes("fmt", ns=400 * MS)
    run.ready("unit")
    run.passes("unit", ns=2 * SECOND, extracted={"values": {"cov": "81"}})
    run.foreground_settled()
    run.after(60 * SECOND).exit("integration")
    run.settle("integration", Outcome.PASSED)
    run.ready("package")
    run.passes("package", ns=3 * SECOND)
    return run.finish()


def failing() -> History:
    """A failure with advice, a warning, skips in a chain, a late failure, a flaky pass."""
    run = History(
        check("fmt", severity=Severity.WARNING, run="ruff format --check ."),
        check(
            "unit",
            run="pytest -q\n",
            grok=("coverage: %{NUMBER:cov}%", "never"),
            assertion="cov >= 80",
            suggestion="Coverage is {{.cov}}%.",
            fix="make cover MIN={{.cov}}",
            on=Triggers(failure=(Trigger("inline", "Look at the tests first."),)),
        ),
        check("deploy", requires=(Requirement("unit"),)),
        check("announce", requires=(Requirement("deploy"),)),
        check("integration", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND),
        check("docs", requires=(Requirement("integration", WhilePending.PROCEED),)),
        check("site", requires=(Requirement("integration", WhilePending.SKIP),)),
        check("wobbly", retries=2),
        notes=("left out: slow (--exclude-tags slow)",),
        vars={"min": "80"},
    )
    run.ready("fmt", "unit", "integration", "docs", "site", "wobbly")
    run.start("integration")
    run.fails("fmt", ns=300 * MS, tail=("Would reformat: a.py", "1 file would be reformatted"))
    run.start("unit")
    run.after(2300 * MS).exit(
        "unit",
        extracted={
            "values": {"cov": "71.5"},
            "unmatched": ("never",),
            "assertion": "cov >= 80",
            "assertion_result": False,
        },
    )
    run.settle(
        "unit",
        Outcome.FAILED,
        Reason.ASSERTION,
        detail="cov is 71.5",
        excerpt=Excerpt(rule="pytest", lines=("E   assert 1 == 2",), first_line=12),
        tail=("TOTAL 71.5%", "1 failed, 3 passed"),
        prompts=(
            TriggeredPrompt(event="failure", source="inline", content="Look at the tests first."),
        ),
    )
    run.skip("deploy", cause="unit")
    run.skip("announce", cause="unit")
    run.start("wobbly")
    run.after(100 * MS).exit("wobbly", code=1)
    run.add(CheckRetryScheduled, check="wobbly", attempt=2, delay_ns=1500 * MS)
    run.after(1500 * MS).passes("wobbly", ns=200 * MS)
    waived = {"requirement": "integration", "state": CheckState.RUNNING}
    run.queue("docs")
    run.add(CheckRequirementWaived, check="docs", choice=WhilePending.PROCEED, **waived)
    run.passes("docs")
    run.queue("site")
    run.add(CheckRequirementWaived, check="site", choice=WhilePending.SKIP, **waived)
    run.settle("site", Outcome.SKIPPED, Reason.DEPENDENCY_PENDING, cause="integration", waived=True)
    run.foreground_settled()
    run.after(30 * SECOND).exit("integration", code=2)
    run.settle("integration", Outcome.FAILED, Reason.EXIT_CODE, tail=("connection refused",))
    return run.finish()


def hanging() -> History:
    """Slow, silent, hung, killed, leaking, refused, degraded, paused."""
    run = History(
        check("hang", timeout_ns=3 * SECOND, slow_after_ns=SECOND, idle_timeout_ns=4 * SECOND),
        check("leaky", leaks=LeakPolicy.WARN),
        check("refused"),
        check("quiet", run="true"),
    )
    run.ready("hang", "leaky", "refused", "quiet")
    run.start("hang")
    run.after(SECOND).add(CheckSlow, check="hang", attempt=1, elapsed_ns=SECOND)
    run.add(RunPaused)
    run.after(5 * SECOND).add(RunResumed, paused_ns=5 * SECOND)
    run.add(CheckIdle, check="hang", attempt=1, elapsed_ns=7 * SECOND, idle_ns=2 * SECOND)
    run.add(RunDegraded, parallel=2, async_parallel=1, reason="out of descriptors")
    processes = (
        ProcessReport(pid=11, command="sh -c make hang", state="blocked", waits_in="do_wait"),
        ProcessReport(pid=12, command="cat", parent=11, state="blocked", waits_for_stdin=True),
    )
    run.after(SECOND).add(
        CheckHang, check="hang", attempt=1, processes=processes, silent_ns=2 * SECOND
    )
    run.add(
        CheckTerminationRequested,
        check="hang",
        attempt=1,
        reason=TerminationReason.TIMEOUT,
        signal="SIGTERM",
    )
    run.after(50 * MS).exit("hang", code=None, signal="SIGKILL", survivors=processes[1:], swept=1)
    run.settle("hang", Outcome.TIMEOUT, Reason.TIMEOUT, tail=("Password: ",))
    run.start("leaky")
    run.after(SECOND).exit("leaky", leaked=(ProcessReport(pid=13, command="gradle --daemon"),))
    run.settle("leaky", Outcome.PASSED, leaked=True)
    run.queue("refused")
    run.exit(
        "refused",
        code=None,
        end=AttemptEnd.REFUSED,
        error="argument list too long",
        elapsed_ns=0,
        active_ns=0,
        output_path="",
        output_bytes=0,
    )
    run.settle("refused", Outcome.ERROR, Reason.NOT_STARTABLE, attempts=0)
    run.passes("quiet")
    return run.finish()


def cancelled() -> History:
    """Ctrl-C in the middle."""
    run = History(
        check("a"),
        check("b", requires=(Requirement("a"),)),
        started={"vcs": VersionControl(head="1f" * 20, dirty=True), "detached": True},
    )
    run.ready("a")
    run.start("a")
    run.after(SECOND).cancel(reason=CancelReason.SIGNAL, by="SIGINT", exit_code=130)
    run.add(
        CheckTerminationRequested,
        check="a",
        attempt=1,
        reason=TerminationReason.SIGNAL,
        signal="SIGTERM",
    )
    run.after(100 * MS).exit("a", code=None, signal="SIGTERM")
    run.settle("a", Outcome.CANCELLED, Reason.INTERRUPTED)
    run.settle("b", Outcome.CANCELLED, Reason.INTERRUPTED, attempts=0)
    return run.finish()


def fail_fast() -> History:
    """The first failure cancels the rest."""
    run = History(check("a"), check("b"), check("c"))
    run.ready("a", "b", "c")
    run.start("b")
    run.fails("a", ns=500 * MS, tail=("no",))
    run.cancel(reason=CancelReason.FAIL_FAST, by="a")
    ending = {"reason": TerminationReason.FAIL_FAST, "signal": "SIGTERM"}
    run.add(CheckTerminationRequested, check="b", attempt=1, **ending)
    run.after(10 * MS).exit("b", code=None, signal="SIGTERM")
    run.settle("b", Outcome.CANCELLED, Reason.FAIL_FAST, cause="a")
    run.settle("c", Outcome.CANCELLED, Reason.FAIL_FAST, cause="a", attempts=0)
    return run.finish()


def unfinished() -> History:
    """A log that ends while a check runs, another waits, and a third has failed."""
    run = History(
        check("a"), check("b", timeout_ns=90 * SECOND, expected_ns=20 * SECOND), check("c", run="x")
    )
    run.ready("a", "b", "c")
    run.start("b")
    run.fails("a", tail=("broken",))
    run.after(4 * SECOND).queue("c")
    return run


def on_workers() -> History:
    """One check of a pool has failed on a worker, one runs on another, and one waits for a third."""
    gpu = {"pool": Pool.WORKERS, "where": Where(labels=("gpu",))}
    settings = ResolvedSettings(parallel=4, async_parallel=4, pool=PoolSettings())
    run = History(
        check("here"),
        check("train", timeout_ns=90 * SECOND, artifacts=("out/*.xml",), **gpu),
        check("infer", timeout_ns=90 * SECOND, **gpu),
        check("wide", pool=Pool.WORKERS, where=Where(labels=("gpu", "x86"))),
        settings=settings,
    )
    run.ready("here", "train", "infer", "wide")
    for name in ("train", "infer", "wide"):
        run.queue(name)
        wanted = run.state.checks[name].planned.where
        run.add(
            CheckSubmitted,
            check=name,
            attempt=1,
            engine="default",
            token=name * 4,
            wanted=wanted.labels if wanted else (),
            present=("gpu", "linux"),
        )
    run.passes("here")
    run.after(2 * SECOND).start("train", worker="gpu1")
    large = "out/*.xml: out/all.xml does not fit into 268435456 bytes"
    run.after(4 * SECOND).exit("train", code=1, not_returned=(large,))
    run.settle("train", Outcome.FAILED, Reason.EXIT_CODE, tail=("loss is nan",))
    run.after(SECOND).start("infer", worker="gpu2.example.org")
    run.after(500 * MS).add(
        CheckSubmitted,
        check="wide",
        attempt=1,
        engine="default",
        token="wide" * 4,
        wanted=("gpu", "x86"),
        present=("gpu", "x86"),
    )
    return run


SAMPLES: dict[str, Callable[[], History]] = {
    "passing": passing,
    "failing": failing,
    "hanging": hanging,
    "cancelled": cancelled,
    "fail_fast": fail_fast,
    "unfinished": unfinished,
    "on_workers": on_workers,
}
