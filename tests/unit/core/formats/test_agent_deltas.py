"""What an agent is told about an earlier run: new, still failing, fixed; and nothing twice."""

import pytest

from tests.helpers.histories import MS, SECOND, History, check
from tests.helpers.replays import replay
from tests.unit.core.formats.test_results_in_formats import failed, passed, run_with
from vibeguard.core.fold.fold import apply
from vibeguard.core.model.events import CheckHang, CheckTerminationRequested, Event
from vibeguard.core.model.state import State
from vibeguard.core.names import Outcome, Reason, TerminationReason


def ran(**tails: tuple[str, ...] | None) -> History:
    """A run of checks that fail with these lines, or pass where there are none."""
    run = History(*map(check, tails), started={"run_id": "the-former-run"})
    run.ready(*tails)
    for name, tail in tails.items():
        if tail is None:
            run.passes(name)
        else:
            run.fails(name, tail=tail)
    return run.finish()


def news(run: History | list[Event], before: History | list[Event], **options: bool) -> str:
    former, events = State(), run.events if isinstance(run, History) else run
    for event in before.events if isinstance(before, History) else before:
        apply(former, event)
    return replay("agent", events, former=lambda _: former, **options)


def test_each_failure_says_whether_it_is_new_and_what_is_mended_is_named():
    text = news(ran(a=("x",), b=("y",), c=None), ran(a=("x",), b=None, c=("z",)))
    assert "FAILED a [exit_code]: exit code 1 (1s; still failing)\n" in text
    assert "FAILED b [exit_code]: exit code 1 (1s; new)\n" in text
    assert "since run the-former-run: 1 new, 1 still failing, 1 fixed\nfixed: c\n" in text


def test_a_check_that_the_earlier_run_did_not_have_is_called_nothing():
    assert "FAILED a [exit_code]: exit code 1 (1s)\n" in news(ran(a=("x",)), ran(other=None))


@pytest.mark.parametrize("whole", [False, True])
def test_only_what_is_new_is_told_in_full_and_the_rest_is_named_with_its_place(whole):
    run = ran(a=("src/a.py:3: boom", "in 0.31s"), b=("src/b.py:9: bang",))
    before = ran(a=("src/a.py:3: boom", "in 0.47s"), b=("src/b.py:9: other",))
    text = news(run, before, news_only=True, whole=whole)
    assert "| a: src/a.py:3: boom (as before)\n" in text
    assert "FAILED a" not in text
    assert "| src/b.py:9: bang\n" in text


def test_what_came_to_something_else_is_told_again():
    """A number in a message may be what the agent has been working on."""
    run, before = ran(a=("cov 75 < 80",)), ran(a=("cov 71 < 80",))
    assert "| cov 75 < 80\n" in news(run, before, news_only=True)


def test_the_same_failure_of_two_checks_is_told_once():
    text = replay("agent", ran(a=("no module named x",), b=("no module named x",)).events)
    assert text.count("FAILED") == 1
    assert "| b: no module named x (the same failure as a)\n" in text


def test_failures_without_a_word_are_not_taken_for_the_same():
    assert replay("agent", ran(a=(), b=()).events).count("FAILED") == 2


def test_new_results_of_a_check_that_failed_before_are_counted():
    run = run_with([failed(1), failed(2)])
    text = news(run, run_with([failed(2), failed(3)]))
    assert "(1s; 1 new, 1 still failing)\n" in text
    assert "fixed: unit: tests/test_app.py:13: assert 3 == 27 [tests.test_app::test_3]\n" in text


def test_a_check_that_crashed_has_mended_nothing():
    run = History(check("unit"))
    run.ready("unit")
    run.fails("unit", code=139)
    text = news(run.finish(), run_with([failed(1)]))
    assert "0 fixed" in text


def test_a_check_that_saw_some_of_its_files_has_mended_nothing():
    """What it said of the others before may stand as it did."""
    run = History(check("unit", partial=True))
    run.ready("unit")
    run.passes("unit")
    assert "fixed: " not in news(run.finish(), run_with([failed(1)]))


def test_a_passing_run_after_a_passing_one_is_one_line_and_one_after_a_failing_says_what_is_fixed():
    assert news(ran(a=None), ran(a=None)).count("\n") == 1
    assert "fixed: a\n" in news(ran(a=None), ran(a=("x",)))


def test_results_that_passed_are_no_news():
    assert "fixed" not in news(run_with([passed(1)], code=0), run_with([passed(1)], code=0))


@pytest.mark.parametrize(
    ("silent_ns", "line"),
    [
        (9 * SECOND, "hung: nothing written for 9s, while t/test_a.py::test_x ran"),
        (9 * MS, "slow: last output 9ms before its timeout, while t/test_a.py::test_x ran"),
    ],
)
def test_a_hang_says_which_test_was_running_and_a_slow_check_is_not_called_hung(silent_ns, line):
    run = History(check("unit", timeout_ns=10 * SECOND))
    run.ready("unit")
    run.start("unit")
    lines = ("t/test_a.py::test_w PASSED", "t/test_a.py::test_x ")
    hang = {"silent_ns": silent_ns, "last_lines": lines}
    run.after(10 * SECOND).add(CheckHang, check="unit", attempt=1, **hang)
    ending = {"reason": TerminationReason.TIMEOUT, "signal": "SIGTERM"}
    run.add(CheckTerminationRequested, check="unit", attempt=1, **ending)
    run.exit("unit", code=None, signal="SIGTERM")
    run.settle("unit", Outcome.TIMEOUT, Reason.TIMEOUT, tail=lines)
    assert f"| {line}\n" in replay("agent", run.finish().events)
