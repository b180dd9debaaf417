"""What `status` says of a run: the document as the log has it, and the lines that people read."""

import pytest
from msgspec.structs import replace

from tests.helpers.histories import RUN_ID, SECOND, History, check
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.events import RunPaused
from vibeguard.core.model.status import Forecast, RunningCheck, Status, WaitingCheck
from vibeguard.core.names import LogStatus, Pool, Severity
from vibeguard.core.report.conclusion import Ending
from vibeguard.core.report.status import MAX_RUNNING, MAX_WAITING, build_status, status_lines

MINUTE = 60 * SECOND
LIVE = Ending(log_status=LogStatus.LIVE)
REST = f"the rest: vibeguard wait {RUN_ID}"


def status_of(history, *, ending=LIVE, forecast=None, now=None):
    """The status of a history as its last event left it, or at `now` nanoseconds."""
    at = history.at if now is None else now
    return build_status(history.state, at, forecast or Forecast(), ending=ending)


def first_line(status):
    """The line about the run as a whole."""
    return status_lines(status)[0].removeprefix(f"run {RUN_ID}: ")


@pytest.fixture
def under_way():
    """One has passed, one runs in the background, one waits for it."""
    history = History(
        check("quick"),
        check(
            "long",
            pool=Pool.BACKGROUND,
            timeout_ns=10 * MINUTE,
            expected_ns=4 * MINUTE,
        ),
        check("after", requires=(Requirement("long"),)),
    )
    history.ready("quick", "long")
    history.passes("quick")
    history.start("long")
    history.after(90 * SECOND)
    return history


# The document.


def test_a_live_run_says_what_runs_since_when_and_what_waits_for_what(under_way):
    status = status_of(under_way, forecast=Forecast(end_ns=150 * SECOND, foreground_ns=SECOND))
    assert (status.state, status.exit_code, status.verdict) == ("live", 5, None)
    assert (status.checks, status.settled, status.counts) == (3, 1, {"passed": 1})
    assert status.running == (
        RunningCheck(
            id="long",
            pool="background",
            attempt=1,
            running_ms=90_000,
            expected_ms=240_000,
            timeout_ms=600_000,
        ),
    )
    (waiting,) = status.waiting
    assert (waiting.id, waiting.waits_for) == ("after", ("long",))
    assert (status.eta_ms, status.foreground_eta_ms) == (150_000, 1000)
    assert status.elapsed_ms == 91_000


def test_time_goes_on_between_two_events(under_way):
    status = status_of(under_way, now=under_way.at + MINUTE)
    assert status.elapsed_ms == 151_000
    assert status.running[0].running_ms == 150_000


def test_a_clock_that_is_behind_the_log_gives_no_negative_times(under_way):
    status = status_of(under_way, now=0)
    assert status.running[0].running_ms == 0
    assert status.elapsed_ms == 1000  # up to the last event


@pytest.mark.parametrize("log_status", [LogStatus.LIVE, LogStatus.INCOMPLETE, LogStatus.CORRUPT])
def test_a_run_is_paused_only_while_it_lives(under_way, log_status):
    under_way.add(RunPaused)
    status = status_of(under_way, ending=Ending(log_status=log_status))
    assert status.paused is (log_status is LogStatus.LIVE)


def test_a_requirement_that_has_passed_is_not_waited_for():
    history = History(
        check("a"), check("b"), check("c", requires=(Requirement("a"), Requirement("b")))
    )
    history.ready("a", "b")
    history.passes("a")
    history.start("b")
    (waiting,) = status_of(history).waiting
    assert waiting.waits_for == ("b",)


@pytest.mark.parametrize("log_status", [LogStatus.INCOMPLETE, LogStatus.CORRUPT, None])
def test_what_no_longer_runs_has_nothing_running_waiting_or_left(under_way, log_status):
    """A supervisor that was killed left its last events behind, and nothing that goes on."""
    forecast = Forecast(end_ns=MINUTE, foreground_ns=SECOND, guessed=2)
    status = status_of(under_way, ending=Ending(log_status=log_status), forecast=forecast)
    assert (status.running, status.waiting) == ((), ())
    assert (status.eta_ms, status.foreground_eta_ms, status.guessed) == (None, None, 0)
    assert status.state == (log_status or LogStatus.INCOMPLETE).value


def test_only_what_fails_the_run_is_named_as_failed():
    history = History(check("broken"), check("minor", severity=Severity.WARNING), check("fine"))
    history.ready("broken", "minor", "fine")
    history.fails("broken")
    history.fails("minor")
    status = status_of(history)
    assert status.failed == ("broken",)
    assert status.exit_code == 1


def test_a_finished_run_took_as_long_as_it_says_whenever_it_is_asked():
    history = History(check("a"))
    history.ready("a")
    history.passes("a", ns=2 * SECOND)
    history.finish()
    ending = Ending(log_status=LogStatus.COMPLETE)
    status = status_of(history, ending=ending, now=99 * MINUTE)
    assert (status.elapsed_ms, status.verdict, status.exit_code) == (2000, "passed", 0)


@pytest.mark.parametrize("log_status", [LogStatus.INCOMPLETE, LogStatus.CORRUPT])
def test_time_stands_still_when_a_run_is_dead(under_way, log_status):
    status = status_of(under_way, ending=Ending(log_status=log_status), now=99 * MINUTE)
    assert status.elapsed_ms == 1000  # up to the last event


@pytest.mark.parametrize(
    ("log_status", "words"),
    [
        (LogStatus.INCOMPLETE, "incomplete after 2s (exit code 3): 1 of 1 check settled"),
        (LogStatus.CORRUPT, "corrupt after 2s (exit code 4): 1 of 1 check settled"),
    ],
)
def test_a_verdict_in_a_log_that_cannot_be_trusted_is_none(log_status, words):
    """Without its seal, or with bytes after it."""
    history = History(check("a"))
    history.ready("a")
    history.passes("a", ns=2 * SECOND)
    history.finish()
    status = status_of(history, ending=Ending(log_status=log_status))
    assert status.verdict is None
    assert first_line(status) == words


# The lines.


def test_the_lines_of_a_live_run(under_way):
    """As they stand, once in full: what runs, how long it usually takes, what is left."""
    status = status_of(
        under_way, forecast=Forecast(end_ns=150 * SECOND, foreground_ns=150 * SECOND)
    )
    assert status_lines(status) == [
        f"run {RUN_ID}: running for 1m31s: 1 of 3 checks settled; about 2m30s left",
        "  long: running for 1m30s, usually 4m, at most 10m, background",
        "waiting: after (for long)",
        REST,
    ]


def test_the_lines_of_a_finished_run_are_one():
    history = History(check("a"), check("b"))
    history.ready("a", "b")
    history.passes("a")
    history.fails("b")
    history.finish()
    status = status_of(history, ending=Ending(log_status=LogStatus.COMPLETE))
    assert status_lines(status) == [
        f"run {RUN_ID}: failed in 2s (exit code 1): 1 failed (b), 1 passed"
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "no estimate without earlier runs"),
        ({"eta_ms": 90_000}, "about 1m30s left"),
        ({"eta_ms": 0}, "about 0s left"),
        (
            {"eta_ms": 90_000, "foreground_eta_ms": 2500},
            "about 1m30s left, 2.5s of it in the foreground",
        ),
        ({"eta_ms": 90_000, "foreground_eta_ms": 90_000}, "about 1m30s left"),
        (
            {"eta_ms": 90_000, "foreground_eta_ms": 0, "foreground_settled": True},
            "about 1m30s left, only in the background",
        ),
        ({"eta_ms": 1000, "guessed": 1}, "about 1s left (1 check without earlier runs)"),
        ({"eta_ms": 1000, "guessed": 7}, "about 1s left (7 checks without earlier runs)"),
    ],
)
def test_what_is_left_is_said_with_what_it_rests_on(fields, words):
    assert first_line(live(**fields)) == f"running for 1m: 1 of 4 checks settled; {words}"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "running for"),
        ({"paused": True}, "running for 1m, paused now:"),
        ({"cancelling": True}, "running for 1m, being cancelled:"),
        ({"cancelling": True, "paused": True}, "running for 1m, being cancelled:"),
    ],
)
def test_how_it_goes_on_is_said_beside_how_long(fields, word):
    assert first_line(live(**fields)).startswith(word)


def test_failures_are_counted_and_some_are_named():
    failed = tuple(f"c{number}" for number in range(8))
    assert "8 failed (c0, c1, c2, c3, c4 and 3 more)" in first_line(
        live(not_passed={"failed": failed})
    )


@pytest.mark.parametrize("state", ["incomplete", "corrupt"])
def test_a_run_without_an_end_says_how_far_it_came_and_what_is_wrong(state):
    status = live(state=state, exit_code=3, problem="the supervisor is gone")
    lines = status_lines(status)
    assert lines == [
        f"run {RUN_ID}: {state} after 1m (exit code 3): 1 of 4 checks settled",
        "the supervisor is gone",
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "a: running for 5s"),
        ({"expected_ms": 8000}, "a: running for 5s, usually 8s"),
        ({"expected_ms": 0}, "a: running for 5s, usually 0s"),
        ({"timeout_ms": 60_000}, "a: running for 5s, at most 1m"),
        ({"attempt": 3}, "a: running for 5s, attempt 3"),
        ({"pool": "background"}, "a: running for 5s, background"),
    ],
)
def test_a_running_check_says_only_what_is_worth_saying(fields, words):
    lines = status_lines(live(running=(replace(runs("a"), **fields),)))
    assert lines[1] == f"  {words}"


def test_a_long_list_of_running_checks_is_cut_and_counted():
    several = tuple(runs(f"c{number}") for number in range(MAX_RUNNING + 3))
    lines = status_lines(live(running=several))
    assert lines[1:-1] == [f"  c{n}: running for 5s" for n in range(MAX_RUNNING)] + ["  and 3 more"]
    assert len(status_lines(live(running=several[:MAX_RUNNING]))) == MAX_RUNNING + 2


def test_a_long_list_of_waiting_checks_is_cut_and_counted():
    several = tuple(waits(f"c{number}") for number in range(MAX_WAITING + 2))
    line = status_lines(live(waiting=several))[1]
    assert line.startswith("waiting: c0 (queued), c1 (queued), ")
    assert line.endswith(f"c{MAX_WAITING - 1} (queued) and 2 more")
    assert "more" not in status_lines(live(waiting=several[:MAX_WAITING]))[1]


def test_a_check_that_waits_for_many_names_three():
    line = status_lines(live(waiting=(waits("a", "b", "c", "d", "e"),)))[1]
    assert line == "waiting: a (for b, c, d and 1 more)"


def test_other_live_runs_are_named():
    assert "also live: one, two" in status_lines(live(live_runs=("one", "two")))


def test_foreign_text_is_harmless_in_every_line():
    """Ids come from the config, and who wrote that need not be who reads this."""
    bad = "x\x1b[2J\rY"
    status = live(
        not_passed={"failed": (bad,)},
        failed=(bad,),
        running=(runs(bad),),
        waiting=(waits(bad, bad),),
        problem=bad,
        live_runs=(bad,),
    )
    lines = status_lines(status)
    assert len(lines) == 6
    assert not any(character in line for line in lines for character in "\x1b\r\n")


def live(**fields):
    """The status of a live run, a minute old, with one of four checks settled."""
    bare = Status(
        run_id=RUN_ID,
        state="live",
        verdict=None,
        exit_code=5,
        started_at="",
        elapsed_ms=60_000,
        checks=4,
        settled=1,
        counts={"passed": 1},
        not_passed={},
        failed=(),
        running=(),
        waiting=(),
        foreground_settled=False,
        paused=False,
        cancelling=False,
        eta_ms=None,
        foreground_eta_ms=None,
        guessed=0,
        problem="",
        live_runs=(),
        path="",
    )
    return replace(bare, **fields)


def runs(id_):
    """A check that has run for five seconds, of which nothing else is known."""
    return RunningCheck(
        id=id_, pool="foreground", attempt=1, running_ms=5000, expected_ms=None, timeout_ms=0
    )


def waits(id_, *waits_for):
    """A check that has yet to start."""
    return WaitingCheck(id=id_, pool="foreground", state="queued", waits_for=waits_for)
