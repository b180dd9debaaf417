"""DESIGN section 4 and the mission's seed list, under virtual time."""

import pytest
import trio
from msgspec.structs import replace

from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import check, judge_by_exit, plan_of, run_virtually
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import CancelReason, LeakPolicy
from vibeguard.system.process.orphans import marks_around
from vibeguard.system.supervisor import groups
from vibeguard.system.supervisor.groups import DESCRIPTORS_PER_CHECK, OWN_DESCRIPTORS, Groups
from vibeguard.system.supervisor.support import OWN_PATIENCE_S

FOREVER = float("inf")


def seconds(duration: float, **options) -> Script:
    return Script(duration_s=duration, **options)


def test_there_is_no_barrier_between_frontiers():
    run = run_virtually(
        [check("quick"), check("slow"), check("after", "quick")],
        {"quick": seconds(1), "slow": seconds(100), "after": seconds(1)},
    )
    assert run.started_s("after") == pytest.approx(1)
    assert run.settled_s("after") == pytest.approx(2)
    assert run.elapsed_s == pytest.approx(100)


def test_an_async_check_completes_and_counts():
    run = run_virtually([check("a"), check("bg", mode="async")], {"bg": seconds(60)})
    assert run.outcomes() == {"a": "passed", "bg": "passed"}
    assert run.elapsed_s == pytest.approx(60)


def test_a_run_whose_only_failure_is_in_the_background_waits_for_it_and_exits_1():
    run = run_virtually([check("a"), check("bg", mode="async")], {"bg": seconds(60, exit_code=1)})
    assert run.outcomes() == {"a": "passed", "bg": "failed"}
    assert run.exit_code() == 1


def test_a_dependent_of_an_async_check_waits_for_it_and_for_nothing_else():
    run = run_virtually(
        [check("bg", mode="async"), check("other"), check("after", "bg")],
        {"bg": seconds(60), "other": seconds(100)},
    )
    assert run.started_s("after") == pytest.approx(60)


def test_the_foreground_settles_while_async_checks_and_what_waits_for_them_remain():
    run = run_virtually(
        [check("a"), check("bg", mode="async"), check("after", "bg")],
        {"a": seconds(1), "bg": seconds(60)},
    )
    settled = run.state.foreground_settled
    assert settled.pending == ("bg", "after")
    assert run.state.foreground_settled_t == pytest.approx(1e9)


def test_with_only_async_checks_the_foreground_settles_at_once():
    run = run_virtually([check("bg", mode="async")], {"bg": seconds(60)})
    assert run.state.foreground_settled_t == 0
    assert run.outcomes() == {"bg": "passed"}


def test_an_async_check_times_out():
    run = run_virtually([check("bg", mode="async", timeout_s=90)], {"bg": seconds(FOREVER)})
    assert run.outcomes() == {"bg": "timeout"}
    assert run.exit_code() == 1
    assert run.settled_s("bg") == pytest.approx(90)


def test_an_async_check_is_cancelled_with_the_run():
    async def cancel(run):
        await trio.sleep(10)
        run.cancel(CancelReason.CANCEL)

    run = run_virtually(
        [check("bg", mode="async"), check("after", "bg")],
        {"bg": seconds(FOREVER)},
        during=cancel,
    )
    assert run.outcomes() == {"bg": "cancelled", "after": "cancelled"}
    assert run.exit_code() == 143


def test_a_timeout_above_async_after_makes_a_check_async_by_itself():
    plan = plan_of(
        [check("long", mode="auto", timeout_s=61), check("short", mode="auto", timeout_s=60)]
    )
    assert [c.pool.value for c in plan.checks] == ["background", "foreground"]
    plan = plan_of(
        [check("kept", mode="sync", timeout_s=600), check("sent", mode="async", timeout_s=1)]
    )
    assert [c.pool.value for c in plan.checks] == ["foreground", "background"]


def test_async_checks_take_background_slots_and_never_starve_a_short_check():
    slow = [check(f"bg{i}", mode="async") for i in range(5)]
    run = run_virtually(
        [*slow, check("short")],
        {**{c.id: seconds(100) for c in slow}, "short": seconds(1)},
        parallel=1,
        async_parallel=2,
    )
    assert run.started_s("short") == 0
    assert run.elapsed_s == pytest.approx(300)


def test_among_ready_checks_the_longest_remaining_path_goes_first():
    run = run_virtually(
        [check("lone"), check("head"), check("tail", "head")],
        {"lone": seconds(1), "head": seconds(1), "tail": seconds(1)},
        parallel=1,
    )
    assert run.started_s("head") == 0
    run = run_virtually(
        [check("short"), check("long")],
        {"short": seconds(1), "long": seconds(9)},
        parallel=1,
        expected_ns={"short": 10**9, "long": 9 * 10**9},
    )
    assert run.started_s("long") == 0


def test_what_failed_before_goes_first_and_what_stands_in_its_way():
    checks = [check("long"), check("base"), check("red", "base"), check("tail", "long")]
    times = {"long": seconds(9), "base": seconds(1), "red": seconds(1), "tail": seconds(9)}
    expected_ns = {"long": 9 * 10**9, "base": 10**9, "red": 10**9, "tail": 9 * 10**9}
    usual = run_virtually(checks, times, parallel=1, expected_ns=expected_ns)
    assert usual.started_s("long") == 0
    run = run_virtually(checks, times, parallel=1, expected_ns=expected_ns, failed={"red", "gone"})
    assert [run.started_s(one) for one in ("base", "red", "long", "tail")] == [0, 1, 2, 11]
    assert run.elapsed_s == usual.elapsed_s


def test_who_becomes_ready_by_a_settlement_competes_for_its_slot():
    run = run_virtually(
        [check("head"), check("short"), check("tail", "head")],
        {"head": seconds(1), "short": seconds(1), "tail": seconds(9)},
        parallel=1,
        expected_ns={"head": 10**9, "short": 10**9, "tail": 9 * 10**9},
    )
    assert run.started_s("tail") == pytest.approx(1)
    assert run.started_s("short") == pytest.approx(10)


def test_checks_of_one_group_never_run_at_the_same_time(tmp_path):
    run = run_virtually(
        [check("a", group="db"), check("b", group="db", mode="async"), check("c")],
        {"a": seconds(5), "b": seconds(5), "c": seconds(1)},
        group_folder=str(tmp_path),
    )
    first, second = sorted([run.started_s("a"), run.started_s("b")])
    assert second - first == pytest.approx(5)
    assert run.started_s("c") == 0


def test_a_lock_is_waited_for_as_long_as_others_give_theirs_back(tmp_path, monkeypatch):
    """Who looked only while nothing happened to run called descriptors exhausted that came back."""
    for_one_check = OWN_DESCRIPTORS + DESCRIPTORS_PER_CHECK
    monkeypatch.setattr(groups, "usable_descriptors", lambda: for_one_check)
    run = run_virtually(
        [check(f"c{number}", group=f"g{number}") for number in range(60)],
        {f"c{number}": seconds(0.03) for number in range(60)},
        parallel=60,
        group_folder=str(tmp_path),
    )
    assert set(run.outcomes().values()) == {"passed"}
    assert run.elapsed_s > OWN_PATIENCE_S


def test_a_check_waits_for_its_group_without_taking_a_slot(tmp_path):
    run = run_virtually(
        [check("a", group="db"), check("b", group="db"), check("c")],
        {"a": seconds(5), "b": seconds(5), "c": seconds(1)},
        parallel=2,
        group_folder=str(tmp_path),
    )
    assert run.started_s("c") == 0


OUTCOMES = {
    "passes": (seconds(20), "passed"),
    "fails": (seconds(20, exit_code=1), "failed"),
    "times out": (seconds(FOREVER), "timeout"),
    "is refused": (Script(refuse="no"), "error"),
}


@pytest.mark.parametrize("how", OUTCOMES)
def test_while_pending_wait_waits_and_then_goes_by_the_outcome(how):
    script, outcome = OUTCOMES[how]
    run = run_virtually(
        [check("dep", mode="async", timeout_s=90), check("a", ("dep", "wait"))], {"dep": script}
    )
    assert run.outcomes()["dep"] == outcome
    assert run.outcomes()["a"] == ("passed" if outcome == "passed" else "skipped")
    assert run.exit_code() == (0 if outcome == "passed" else 1)


@pytest.mark.parametrize("how", ["passes", "fails", "times out"])
def test_while_pending_skip_settles_as_skipped_without_failing_the_run(how):
    script, outcome = OUTCOMES[how]
    run = run_virtually(
        [
            check("dep", mode="async", timeout_s=90),
            check("a", ("dep", "skip")),
            check("behind", "a"),
            check("other"),
        ],
        {"dep": script, "other": seconds(3)},
    )
    assert run.outcomes()["a"] == run.outcomes()["behind"] == "skipped"
    assert run.reasons()["a"] == "dependency pending"
    assert run.settled_s("a") == pytest.approx(3)
    assert run.exit_code() == (0 if outcome == "passed" else 1)


@pytest.mark.parametrize("how", ["passes", "fails", "times out"])
def test_while_pending_proceed_runs_without_it(how):
    script, outcome = OUTCOMES[how]
    run = run_virtually(
        [
            check("dep", mode="async", timeout_s=90),
            check("a", ("dep", "proceed")),
            check("other"),
        ],
        {"dep": script, "other": seconds(3), "a": seconds(1)},
    )
    assert run.outcomes()["a"] == "passed"
    assert run.started_s("a") == pytest.approx(3)
    assert run.state.checks["a"].ran_before == ("dep",)
    assert run.exit_code() == (0 if outcome == "passed" else 1)


@pytest.mark.parametrize("choice", ["skip", "proceed"])
def test_a_requirement_that_settled_by_then_must_have_passed(choice):
    for exit_code, expected in ((0, "passed"), (1, "skipped")):
        run = run_virtually(
            [check("dep", mode="async"), check("a", ("dep", choice)), check("other")],
            {"dep": seconds(1, exit_code=exit_code), "other": seconds(10)},
        )
        assert run.outcomes()["a"] == expected
        if expected == "skipped":
            assert run.reasons()["a"] == "requirement"
            assert run.exit_code() == 1
        else:
            assert run.started_s("a") == pytest.approx(1)


def test_a_skipped_async_dependency_skips_its_dependents():
    for choice in ("wait", "skip", "proceed"):
        run = run_virtually(
            [check("root"), check("dep", "root", mode="async"), check("a", ("dep", choice))],
            {"root": seconds(1, exit_code=1)},
        )
        assert run.outcomes() == {"root": "failed", "dep": "skipped", "a": "skipped"}
        assert run.state.checks["a"].settled.cause == "root"


def test_last_ones_are_offered_after_every_other_foreground_check_has_settled():
    run = run_virtually(
        [
            check("last", ("bg", "proceed")),
            check("bg", mode="async"),
            check("one"),
            check("two", "one"),
        ],
        {"bg": seconds(100), "one": seconds(2), "two": seconds(2), "last": seconds(1)},
    )
    assert run.started_s("last") == pytest.approx(4)


def test_cancelling_one_check_settles_that_one_and_skips_its_dependents():
    async def cancel(run):
        await trio.sleep(1)
        run.cancel_check("running")
        run.cancel_check("queued")

    run = run_virtually(
        [check("running"), check("queued"), check("later", "running"), check("other")],
        {"running": seconds(FOREVER), "other": seconds(5)},
        parallel=1,
        expected_ns={"running": 10**12},
        during=cancel,
    )
    assert run.outcomes() == {
        "running": "cancelled",
        "queued": "cancelled",
        "later": "skipped",
        "other": "passed",
    }
    assert run.exit_code() == 1


def test_a_signal_decides_the_exit_code_even_after_fail_fast():
    async def interrupt(run):
        await trio.sleep(2)
        run.cancel(CancelReason.SIGNAL, by="SIGINT")

    run = run_virtually(
        [check("a"), check("b")],
        {"a": seconds(1, exit_code=1), "b": Script(FOREVER, ignores_term_s=4)},
        fail_fast=True,
        during=interrupt,
    )
    assert run.exit_code() == 130
    assert run.outcomes() == {"a": "failed", "b": "cancelled"}


@pytest.mark.parametrize(
    "late",
    [Script(duration_s=5), Script(refuse="no room"), Script(duration_s=5, start_shielded=True)],
)
def test_a_check_cancelled_while_its_start_waits_stays_cancelled(late):
    """A start may take long (another machine, say): what it brings then is not wanted any more."""

    async def cancel(run):
        await trio.sleep(1)
        run.cancel_check("a")

    run = run_virtually(
        [check("a"), check("b")],
        {"a": replace(late, start_delay_s=2), "b": seconds(1)},
        during=cancel,
        parallel=1,
    )
    assert run.outcomes() == {"a": "cancelled", "b": "passed"}
    assert run.started_s("a") is None


def test_a_check_that_is_cancelled_while_it_is_judged_is_not_tried_again():
    async def judge_slowly(*of_an_attempt):
        with trio.move_on_after(1, shield=True):  # no cancel makes a judge raise
            await trio.sleep_forever()
        return await judge_by_exit(*of_an_attempt)

    async def cancel(run):
        await trio.sleep(1.5)
        run.cancel_check("a")

    once = {"a": seconds(1, exit_code=1)}
    run = run_virtually([check("a", retries=1)], once, judge=judge_slowly, during=cancel)
    assert run.outcomes() == {"a": "failed"}


def test_an_exit_observed_before_a_cancel_keeps_its_outcome():
    async def interrupt(run):
        await trio.sleep(2)
        run.cancel(CancelReason.SIGNAL, by="SIGTERM")

    run = run_virtually(
        [check("a"), check("b")],
        {"a": seconds(1), "b": seconds(FOREVER)},
        during=interrupt,
    )
    assert run.outcomes() == {"a": "passed", "b": "cancelled"}
    assert run.exit_code() == 143


@pytest.mark.parametrize("ended", [{"signal": "SIGTERM"}, {"exit_code": 143}])
def test_who_stops_everything_may_reach_a_check_first(ended):
    """The run had failed before its own signal came: which of the two is read first is chance."""

    async def interrupt(run):
        await trio.sleep(1.2)
        run.cancel(CancelReason.SIGNAL, by="SIGTERM")

    run = run_virtually([check("a")], {"a": seconds(1, **ended)}, during=interrupt)
    assert run.outcomes() == {"a": "failed"}
    assert run.exit_code() == 143
    alone = run_virtually([check("a")], {"a": seconds(1, **ended)})
    assert (alone.exit_code(), alone.elapsed_s) == (1, 1.25)


def test_an_exit_keeps_its_outcome_even_while_its_leftovers_are_being_swept():
    async def interrupt(run):
        await trio.sleep(1.1)  # the leader has gone at 1, its leftover has 0.2 s of grace
        run.cancel(CancelReason.SIGNAL, by="SIGTERM")

    left = (ProcessReport(pid=7, command="sleep 1000"),)
    run = run_virtually(
        [check("a", leaks=LeakPolicy.WARN), check("b")],
        {"a": seconds(1, leaked=left), "b": seconds(FOREVER)},
        during=interrupt,
    )
    assert run.outcomes() == {"a": "passed", "b": "cancelled"}


# More than Python recurses, and so many that a cost which grows with their square would be felt; ten
# thousand take nine seconds of a processor.
many = pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.nightly)])


@many
def test_a_long_chain_runs_and_can_be_cancelled_in_the_middle(count):
    chain = [check("c0"), *[check(f"c{i}", f"c{i - 1}") for i in range(1, count)]]
    run = run_virtually(chain, {}, audited=False)
    assert set(run.outcomes().values()) == {"passed"}

    async def cancel(run):
        while run.recorder.state.settled < count // 10:
            await trio.lowlevel.checkpoint()
        run.cancel(CancelReason.SIGNAL, by="SIGINT")

    run = run_virtually(chain, {}, during=cancel, audited=False)
    counts = run.state.counts
    assert count // 10 <= counts["passed"] < count // 5
    assert counts["passed"] + counts["cancelled"] == count
    assert run.exit_code() == 130


@many
def test_many_independent_checks_run(count):
    run = run_virtually([check(f"c{i}") for i in range(count)], {}, audited=False)
    assert set(run.outcomes().values()) == {"passed"}


def test_a_run_of_starts_that_are_refused_keeps_nobody_waiting():
    """One task may live thousands of checks, none of which waits for anything of its own."""
    refused = [check(f"c{i}") for i in range(3_000)]

    async def cancel(run):
        while run.recorder.state.settled < 100:
            await trio.lowlevel.checkpoint()
        run.cancel(CancelReason.SIGNAL, by="SIGINT")

    scripts = {one.id: Script(refuse="no shell") for one in refused}
    run = run_virtually(refused, scripts, during=cancel, audited=False, parallel=1)
    counts = run.state.counts
    assert 100 <= counts["error"] < 200
    assert counts["error"] + counts["cancelled"] == 3_000


def test_every_attempt_is_a_task_in_the_nursery_of_its_frontier():
    """Siblings below two nurseries, however long the chain; what waits for a slot is no task."""
    seen = {}

    async def look(run):
        while not run.over:
            for path in _paths_below(trio.lowlevel.current_root_task()):
                if path[-1] in run.state.checks:
                    seen[path[-1]] = path[-2], len(path)
            await trio.sleep(0.5)

    chain = [check("c0"), check("c1", "c0"), check("c2", "c1"), check("bg", mode="async")]
    waiting = [check(f"w{i}") for i in range(5)]
    checks = [*chain, *waiting]
    run = run_virtually(checks, {one.id: seconds(1) for one in checks}, during=look, parallel=1)
    assert set(run.outcomes().values()) == {"passed"}
    assert {name: parent for name, (parent, _) in seen.items()} == {
        "c0": "frontier 0",
        "bg": "frontier 0",
        "c1": "frontier 1",
        "c2": "frontier 2",
        **{one.id: "frontier 0" for one in waiting},
    }
    assert len({depth for _, depth in seen.values()}) == 1


def test_pressure_lowers_the_parallelism_and_says_so():
    run = run_virtually(
        [check(f"c{i}") for i in range(8)],
        {f"c{i}": seconds(1) for i in range(7)}
        | {"c7": Script(refuse="out of processes", refuse_transient=True)},
        parallel=8,
    )
    assert "run.degraded" in run.names()
    assert run.outcomes()["c7"] == "error"
    assert run.outcomes()["c0"] == "passed"


def test_what_the_runs_own_checks_hold_is_waited_for_however_long_they_run():
    """Patience runs while nothing else does: what runs gives back what the others lack."""
    run = run_virtually(
        [check("long"), check("short_of")],
        {
            "long": seconds(100),
            "short_of": Script(refuse="out of descriptors", refuse_transient=True),
        },
    )
    assert run.settled_s("short_of") == pytest.approx(130, abs=2)


@pytest.mark.parametrize(("ours", "borne_s"), [(True, 3), (False, 30)])
def test_what_one_start_has_waited_for_in_vain_no_other_waits_for(ours: bool, borne_s: int):
    """Ten checks that lack the same made a run of five minutes; descriptors come from nobody else."""
    lacking = Script(refuse="too little", refuse_transient=True, refuse_ours=ours)
    run = run_virtually(
        [check("first"), *(check(f"c{i}") for i in range(10))],
        {"first": [seconds(100)]} | {f"c{i}": lacking for i in range(10)},
        parallel=1,
    )
    assert run.settled_s("first") == 100
    assert run.settled_s("c9") == pytest.approx(100 + borne_s, abs=2)


@pytest.mark.parametrize("how", ["cancelled", "skipped"])
def test_what_settles_while_another_run_has_its_group_holds_nothing_up(tmp_path, how):
    elsewhere = Groups(str(tmp_path))
    assert elsewhere.acquire("db")

    async def settle_it(run):
        await trio.sleep(1)
        if how == "cancelled":
            run.cancel_check("grouped")
        await trio.sleep(1000)
        elsewhere.release("db")

    requirement = [] if how == "cancelled" else [("bg", "proceed")]
    run = run_virtually(
        [check("bg", mode="async"), check("grouped", *requirement, group="db")],
        {"bg": seconds(3, exit_code=1)},
        during=settle_it,
        group_folder=str(tmp_path),
    )
    elsewhere.release("db")
    assert run.outcomes() == {"bg": "failed", "grouped": how}
    assert run.elapsed_s == pytest.approx(3, abs=0.2)


def test_a_group_whose_holder_is_not_told_yet_is_waited_for_inside_a_check(tmp_path, monkeypatch):
    """Whoever stands above and is no check was taken for the holder, and the wait refused."""
    monkeypatch.setattr("vibeguard.system.supervisor.groups.marks_around", marks_around.__wrapped__)
    monkeypatch.setenv("VIBEGUARD_RUN", "around")
    elsewhere = Groups(str(tmp_path))
    assert elsewhere.acquire("db")
    (lock,) = tmp_path.iterdir()
    lock.write_bytes(b"")
    assert not Groups(str(tmp_path)).acquire("db")
    elsewhere.release("db")


def test_one_check_asks_for_a_group_that_another_run_has_for_all_that_want_it(
    tmp_path, monkeypatch
):
    elsewhere = Groups(str(tmp_path))
    assert elsewhere.acquire("db")
    asked = []

    class Counted(Groups):
        def acquire(self, group: str, check: str = "") -> bool:
            asked.append(trio.current_time())
            return super().acquire(group, check)

    async def let_go(_):
        await trio.sleep(10)
        elsewhere.release("db")

    monkeypatch.setattr("tests.helpers.virtual.Groups", Counted)
    checks = [check(f"c{i}", group="db") for i in range(50)]
    run = run_virtually(checks, {}, during=let_go, group_folder=str(tmp_path), parallel=50)
    assert set(run.outcomes().values()) == {"passed"}
    assert len([at for at in asked if at < 9.95]) <= 101
    assert run.elapsed_s == pytest.approx(10, abs=0.2)


def _paths_below(task, path=()):
    """The names of the tasks on the way to each task."""
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield (*path, child.name)
            yield from _paths_below(child, (*path, child.name))


def test_a_resume_that_comes_before_anything_has_begun_changes_nothing():
    """SIGCONT ends a stop of the whole command, too: the run need not have been paused."""
    run = run_virtually([check("a"), check("b", "a")], {}, before=lambda run: run.resume())
    assert run.outcomes() == {"a": "passed", "b": "passed"}


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["pause", "resume"], "passed"),
        (["resume", "pause", "resume", "pause", "resume"], "passed"),
        (["pause", "cancel", "resume"], "cancelled"),
        (["pause", "resume", "cancel"], "cancelled"),
    ],
)
def test_orders_that_come_before_anything_has_begun_hold_once_it_does(words, outcome):
    """The front may have read Ctrl-Z, fg and Ctrl-C while the supervisor prepared the run."""

    def order(run):
        for word in words:
            getattr(run, word)(*([CancelReason.SIGNAL] if word == "cancel" else []))

    run = run_virtually([check("a"), check("b", "a", mode="async")], {}, before=order)
    assert run.outcomes() == {"a": outcome, "b": outcome}


def test_what_got_a_slot_in_a_pause_starts_when_it_is_over():
    async def pause(run):
        await trio.sleep(1)
        run.pause()
        run.cancel_check("a")
        await trio.sleep(5)
        assert run.state.checks["b"].first_started_t is None
        run.resume()

    run = run_virtually(
        [check("a"), check("b")], {"a": Script(duration_s=3)}, parallel=1, during=pause
    )
    assert run.outcomes() == {"a": "cancelled", "b": "passed"}
