"""DESIGN section 3, under virtual time: what a verdict is made of."""

import pytest
import trio

from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import SECOND_NS, check, judge_by_exit, run_virtually
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import CancelReason, LeakPolicy, Severity

FOREVER = float("inf")
WARNING = Severity.WARNING


def test_a_run_passes_when_every_planned_error_severity_check_passed():
    run = run_virtually([check("a"), check("b", "a")], {})
    assert run.outcomes() == {"a": "passed", "b": "passed"}
    assert run.exit_code() == 0


def test_a_failing_error_severity_check_fails_the_run():
    run = run_virtually([check("a")], {"a": Script(exit_code=3)})
    assert run.outcomes() == {"a": "failed"}
    assert run.exit_code() == 1


def test_a_warning_that_fails_or_times_out_never_fails_the_run_by_itself():
    run = run_virtually(
        [
            check("style", severity=WARNING),
            check("slow", severity=WARNING, timeout_s=1),
            check("unit"),
        ],
        {"style": Script(exit_code=1), "slow": Script(FOREVER)},
    )
    assert run.outcomes() == {"style": "failed", "slow": "timeout", "unit": "passed"}
    assert run.exit_code() == 0


def test_a_check_whose_requirement_did_not_pass_is_skipped_with_the_root_cause_named():
    run = run_virtually([check("a"), check("b", "a"), check("c", "b")], {"a": Script(exit_code=1)})
    assert run.outcomes() == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert run.state.checks["c"].settled.cause == "a"
    assert "check.started" not in [
        name
        for name, event in zip(run.names(), run.events, strict=True)
        if getattr(event, "check", "") == "c"
    ]


def test_a_warning_requirement_that_failed_skips_its_dependents_and_these_fail_the_run():
    run = run_virtually([check("a", severity=WARNING), check("b", "a")], {"a": Script(exit_code=1)})
    assert run.outcomes() == {"a": "failed", "b": "skipped"}
    assert run.exit_code() == 1


@pytest.mark.parametrize("script", [Script(refuse="no shell"), Script(lost=True)])
def test_a_run_in_which_nothing_was_executed_exits_1_with_reason_nothing_ran(script):
    """Nor is anything known to have run that a worker was told to start and never spoke of."""
    run = run_virtually([check("a", severity=WARNING)], {"a": script})
    assert run.outcomes() == {"a": "error"}
    assert run.exit_code() == 1
    assert run.state.finished.reason == "nothing ran"


def test_a_refused_start_is_an_error_that_names_its_cause():
    run = run_virtually([check("a")], {"a": Script(refuse="argument list too long")})
    assert run.outcomes() == {"a": "error"}
    assert run.state.checks["a"].settled.detail == "argument list too long"
    assert run.exit_code() == 1


def test_what_an_earlier_attempt_left_behind_is_not_that_of_a_refused_one():
    """What settles the check is made once the end of the refused attempt is recorded."""
    leaks = Script(exit_code=1, leaked=(ProcessReport(pid=7, command="daemon"),))
    run = run_virtually([check("a", retries=1)], {"a": [leaks, Script(refuse="no room")]})
    assert run.outcomes() == {"a": "error"}
    assert run.state.checks["a"].settled.detail == "no room"
    assert run.exit_code() == 1


def test_a_lost_attempt_is_an_error_never_a_pass():
    run = run_virtually([check("a")], {"a": Script(lost=True)})
    assert run.outcomes() == {"a": "error"}
    assert run.reasons() == {"a": "lost"}


def test_a_failed_attempt_is_retried_and_a_pass_on_a_retry_is_flaky():
    run = run_virtually(
        [check("a", retries=2)], {"a": [Script(exit_code=1), Script(exit_code=1), Script()]}
    )
    settled = run.state.checks["a"].settled
    assert (settled.outcome, settled.attempts, settled.flaky) == ("passed", 3, True)
    assert run.exit_code() == 0


def test_a_timed_out_attempt_is_retried_and_the_timeout_is_per_attempt():
    run = run_virtually(
        [check("a", retries=1, timeout_s=2)], {"a": [Script(FOREVER), Script(duration_s=1.5)]}
    )
    assert run.outcomes() == {"a": "passed"}
    assert run.state.checks["a"].settled.attempts == 2


def test_errors_are_not_retried():
    run = run_virtually([check("a", retries=3)], {"a": [Script(refuse="no such shell")]})
    assert run.state.checks["a"].settled.attempts == 0
    run = run_virtually([check("a", retries=3)], {"a": [Script(lost=True)]})
    assert run.state.checks["a"].settled.attempts == 1


def test_retries_that_are_used_up_settle_by_the_last_attempt():
    run = run_virtually(
        [check("a", retries=1, timeout_s=1)], {"a": [Script(exit_code=1), Script(FOREVER)]}
    )
    assert run.outcomes() == {"a": "timeout"}


def test_slot_and_group_are_free_during_backoff():
    run = run_virtually(
        [check("a", retries=1, group="db"), check("b", group="db")],
        {"a": [Script(exit_code=1), Script()], "b": Script(duration_s=0.01)},
        parallel=1,
        group_folder="/tmp",
    )
    assert run.outcomes() == {"a": "passed", "b": "passed"}
    retry = run.state.checks["a"].running_t
    assert run.state.checks["b"].settled_t <= retry


def test_a_timeout_settles_at_the_timeout():
    run = run_virtually([check("a", timeout_s=2)], {"a": Script(FOREVER)})
    assert run.outcomes() == {"a": "timeout"}
    assert run.settled_s("a") == pytest.approx(2)


def test_a_check_that_ignores_sigterm_gets_grace_and_then_sigkill():
    run = run_virtually(
        [check("a", timeout_s=2)], {"a": Script(FOREVER, ignores_term_s=FOREVER)}, grace_s=5
    )
    assert run.settled_s("a") == pytest.approx(7)


def test_silence_for_idle_timeout_is_a_timeout_with_reason_idle():
    run = run_virtually(
        [check("a", idle_timeout_ns=10 * SECOND_NS)],
        {"a": Script(FOREVER, later_output=((4.0, b"x"), (8.0, b"y")))},
    )
    assert run.outcomes() == {"a": "timeout"}
    assert run.reasons() == {"a": "idle"}
    assert run.settled_s("a") == pytest.approx(18)
    assert "check.idle" in run.names()


def test_too_much_output_is_failed_with_reason_output_limit():
    run = run_virtually(
        [check("a", output_limit_bytes=4)], {"a": Script(FOREVER, later_output=((1.0, b"12345"),))}
    )
    assert run.outcomes() == {"a": "failed"}
    assert run.reasons() == {"a": "output_limit"}


def test_slow_after_is_said_again_every_period():
    run = run_virtually([check("a", slow_after_ns=2 * SECOND_NS)], {"a": Script(duration_s=7)})
    assert run.names().count("check.slow") == 3


def test_what_cannot_be_killed_is_an_error_and_the_run_goes_on():
    stuck = (ProcessReport(pid=7, command="stuck on nfs"),)
    run = run_virtually(
        [check("a", timeout_s=1), check("b")], {"a": Script(FOREVER, unkillable=stuck)}
    )
    assert run.outcomes() == {"a": "error", "b": "passed"}
    assert run.reasons()["a"] == "unkillable"


def test_a_leak_fails_only_under_leaks_fail():
    left = (ProcessReport(pid=7, command="sleep 1000"),)
    run = run_virtually(
        [
            check("warned", leaks=LeakPolicy.WARN),
            check("strict", leaks=LeakPolicy.FAIL),
            check("free", leaks=LeakPolicy.IGNORE),
        ],
        {name: Script(leaked=left) for name in ("warned", "strict", "free")},
    )
    assert run.outcomes() == {"warned": "passed", "strict": "failed", "free": "passed"}
    assert {c: r.settled.leaked for c, r in run.state.checks.items()} == {
        "warned": True,
        "strict": True,
        "free": False,
    }


@pytest.mark.parametrize(
    "limit", [{"timeout_s": 1.1}, {"idle_timeout_ns": round(1.1 * SECOND_NS)}], ids=["time", "idle"]
)
def test_a_limit_of_time_is_the_commands_and_not_that_of_what_it_left_behind(limit):
    """A command that exited in time has passed, however long its leftovers take to end."""
    left = (ProcessReport(pid=7, command="sleep 1000"),)
    run = run_virtually([check("a", **limit)], {"a": Script(duration_s=1, leaked=left)})
    assert run.settled_s("a") == pytest.approx(1.2)
    assert run.outcomes() == {"a": "passed"}
    assert run.state.checks["a"].settled.leaked
    assert "check.hang" not in run.names()


@pytest.mark.parametrize("first", [CancelReason.SIGNAL, CancelReason.LOG_FAILURE])
def test_an_output_that_is_lost_ends_a_run_with_4_also_when_a_signal_came_before_or_after(first):
    both = {CancelReason.SIGNAL, CancelReason.LOG_FAILURE}

    async def cancel_twice(run):
        for reason in (first, *(both - {first})):
            await trio.sleep(1)
            run.cancel(reason)

    run = run_virtually(
        [check("a"), check("b")], {"a": Script(FOREVER, ignores_term_s=5.0)}, during=cancel_twice
    )
    assert run.outcomes() == {"a": "cancelled", "b": "passed"}
    assert run.exit_code() == 4


def test_what_fail_fast_kept_from_starting_is_cancelled_and_leaves_the_verdict_to_the_checks():
    run = run_virtually(
        [check("a"), check("b"), check("c")],
        {"a": Script(duration_s=1, exit_code=1), "b": Script(FOREVER)},
        parallel=2,
        fail_fast=True,
    )
    assert run.outcomes() == {"a": "failed", "b": "cancelled", "c": "cancelled"}
    assert run.reasons() == {"a": "exit_code", "b": "fail_fast", "c": "fail_fast"}
    assert run.exit_code() == 1


@pytest.mark.parametrize("bad", [Script(duration_s=1, exit_code=1), Script(FOREVER)])
@pytest.mark.parametrize("retries", [0, 1])
def test_with_fail_fast_nothing_starts_in_the_slot_of_a_check_whose_outcome_is_pending(
    bad, retries
):
    """Reading the output takes its time; what starts meanwhile could not be taken back."""

    async def slow_judge(planned, number, ended, before_waiting):
        before_waiting()
        await trio.sleep(1)
        return await judge_by_exit(planned, number, ended, before_waiting)

    run = run_virtually(
        [check("a", timeout_s=2, retries=retries), check("b", "a"), check("c", timeout_s=5)],
        {"a": bad, "c": Script(duration_s=1)},
        parallel=1,
        fail_fast=True,
        judge=slow_judge,
        expected_ns={"a": 9 * SECOND_NS},
    )
    assert run.outcomes()["a"] in ("failed", "timeout")
    assert run.outcomes()["b"] == "skipped"
    if not retries:  # between two attempts the slot is free
        assert run.outcomes()["c"] == "cancelled"
        assert run.started_s("c") is None


@pytest.mark.parametrize("bad", [Script(exit_code=1), Script(FOREVER), Script(refuse="no")])
def test_fail_fast_reacts_to_failed_timeout_and_error_of_error_severity(bad):
    run = run_virtually(
        [check("a", timeout_s=1), check("b")], {"a": bad, "b": Script(FOREVER)}, fail_fast=True
    )
    assert run.outcomes()["b"] == "cancelled"


def test_fail_fast_never_reacts_to_a_skip_or_a_warning():
    run = run_virtually(
        [check("w", severity=WARNING), check("s", "w"), check("b")],
        {"w": Script(exit_code=1), "b": Script(duration_s=5)},
        fail_fast=True,
    )
    assert run.outcomes() == {"w": "failed", "s": "skipped", "b": "passed"}


def test_fail_fast_cancels_async_checks_queued_and_running():
    run = run_virtually(
        [
            check("a"),
            check("running", mode="async"),
            check("queued", mode="async"),
        ],
        {
            "a": Script(duration_s=1, exit_code=1),
            "running": Script(FOREVER),
            "queued": Script(FOREVER),
        },
        async_parallel=1,
        fail_fast=True,
    )
    assert run.outcomes() == {"a": "failed", "running": "cancelled", "queued": "cancelled"}


def test_weight_is_clamped_to_the_pool_and_heavy_checks_do_not_starve():
    run = run_virtually(
        [check("heavy", weight=100), *[check(f"light{i}") for i in range(6)]],
        {"heavy": Script(duration_s=1), **{f"light{i}": Script(duration_s=1) for i in range(6)}},
        parallel=3,
    )
    assert set(run.outcomes().values()) == {"passed"}
    assert run.elapsed_s == pytest.approx(3)
