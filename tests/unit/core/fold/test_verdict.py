"""What a run is worth before it is over: never a pass before its seal."""

from tests.helpers.histories import History, check
from vibeguard.core.fold.fold import fold
from vibeguard.core.fold.verdict import exit_code_so_far, only_the_background_is_left
from vibeguard.core.names import ExitCode, Outcome, Pool


def test_between_the_verdict_and_the_seal_a_pass_is_pending():
    history = History(check("a"))
    history.ready("a")
    history.passes("a")
    events = history.finish().events
    assert exit_code_so_far(fold(events[:-1])) == ExitCode.PENDING
    assert exit_code_so_far(fold(events)) == ExitCode.PASSED


def test_a_failure_decides_before_the_seal():
    history = History(check("a"))
    history.ready("a")
    history.fails("a")
    events = history.finish().events
    assert exit_code_so_far(fold(events[:-1])) == ExitCode.FAILED


def test_a_settled_foreground_is_an_answer_while_the_background_is_at_work():
    history = History(check("a"), check("b", pool=Pool.BACKGROUND))
    history.ready("a", "b")
    history.start("b")
    assert not only_the_background_is_left(history.state)
    history.passes("a")
    history.foreground_settled()
    assert only_the_background_is_left(history.state)
    history.exit("b")
    history.settle("b", Outcome.PASSED)
    assert not only_the_background_is_left(history.state)


def test_where_the_foreground_was_all_there_is_the_end_is_waited_for():
    history = History(check("a"))
    history.ready("a")
    history.passes("a")
    history.foreground_settled()
    assert not only_the_background_is_left(history.state)
