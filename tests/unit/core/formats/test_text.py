"""Text for people: quiet when all is well, and nothing missing when it is not."""

import re

import pytest

from tests.helpers.histories import SECOND, History, check
from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES
from vibeguard.core.formats.base import Ending
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.event_parts import Excerpt
from vibeguard.core.names import AttemptEnd, LogStatus, Outcome, Pool, Reason, Severity
from vibeguard.core.wording.layout import cells


def text_of(run: History, **options) -> str:
    return replay("text", run.events, **options)


def test_a_passing_run_is_one_line():
    run = History(check("a"), check("b"))
    run.ready("a", "b")
    run.passes("a")
    run.passes("b")
    assert text_of(run.finish()) == "passed: 2 checks in 2s\n"


def test_a_passing_run_with_a_background_says_what_ran_there_and_what_it_saved():
    run = History(
        check("long", pool=Pool.BACKGROUND), check("a"), check("b", requires=(Requirement("a"),))
    )
    run.ready("long", "a")
    run.start("long")
    run.passes("a", ns=SECOND)
    run.ready("b")
    run.passes("b", ns=20 * SECOND)
    run.foreground_settled()
    run.after(9 * SECOND).exit("long")
    run.settle("long", Outcome.PASSED)
    assert text_of(run.finish()) == (
        "passed: 3 checks in 30s; background: long, 20s saved (foreground done after 21s)\n"
    )


def test_a_failing_check_shows_reason_output_suggestion_fix_and_path():
    text = text_of(SAMPLES["failing"]())
    for part in (
        "FAILED unit: assertion is false: cov >= 80: cov is 71.5 (2.3s)",
        "  | 1 failed, 3 passed\n",
        "suggestion: Coverage is 71.5%.",
        "fix: make cover MIN=71.5",
        "Look at the tests first.",
        "output: .vibeguard/runs/20261124-060000-0123abcd/output/unit.1.log (1.5 KiB)",
        "did not match: never",
    ):
        assert part in text


def test_lines_that_an_excerpt_and_the_tail_share_are_shown_once():
    run = History(check("a"))
    run.ready("a")
    excerpt = Excerpt(rule="pytest", lines=("the error", "its place"), first_line=2)
    run.fails("a", excerpt=excerpt, tail=("before", "the error", "its place", "after"))
    lines = [line for line in text_of(run.finish()).splitlines() if line.startswith("  | ")]
    assert lines == ["  | before", "  | the error", "  | its place", "  | after"]


def test_a_warning_that_does_not_pass_is_shown_as_warned():
    run = History(check("style", severity=Severity.WARNING), check("unit"))
    run.ready("style", "unit")
    run.fails("style", tail=("long line",))
    run.passes("unit")
    text = text_of(run.finish())
    assert "warned style: exit code 1" in text
    assert "passed: 1 of 2 checks in 2s; 1 warned (style)" in text


def test_every_skipped_dependent_is_counted_and_its_root_cause_named():
    text = text_of(SAMPLES["failing"]())
    assert "skipped: deploy, announce, because unit failed\n" in text
    assert "3 skipped (deploy, announce, site)" in text


def test_a_check_that_went_ahead_of_a_failure_is_named():
    assert "late: docs ran before integration, which failed\n" in text_of(SAMPLES["failing"]())


def test_a_hang_says_what_the_processes_were_doing_in_at_most_ten_lines():
    text = text_of(SAMPLES["hanging"]())
    assert "hung: 12 cat (blocked, waits for stdin)" in text
    assert 0 < sum("hung:" in line for line in text.splitlines()) <= 10


def test_a_retry_and_a_flaky_pass_are_said():
    text = text_of(SAMPLES["failing"]())
    assert "retry: wobbly, attempt 2 of 3 in 1.5s\n" in text
    assert "passed wobbly (1.8s), attempt 2 of 3, flaky\n" in text


def test_what_selection_left_out_is_said():
    assert "note: left out: slow (--exclude-tags slow)\n" in text_of(SAMPLES["failing"]())


def test_a_cancelled_run_says_by_what_and_counts_what_never_started():
    text = text_of(SAMPLES["cancelled"]())
    assert "CANCELLED by SIGINT after 1.1s: 2 cancelled (a, b), 0 passed\n" in text


def test_fail_fast_names_the_check_that_triggered_it():
    assert "cancelled b: a did not pass (fail-fast)" in text_of(SAMPLES["fail_fast"]())


def test_a_failure_before_the_end_says_that_it_is_not_the_end():
    last = text_of(SAMPLES["unfinished"]()).splitlines()[-1]
    assert "not the end" in last
    assert "running: b" in last
    assert "not started: c" in last


def test_a_run_that_is_still_going_well_is_pending():
    run = History(check("a"), check("b"))
    run.ready("a", "b")
    run.start("b")
    run.passes("a")
    text = text_of(run, ending=Ending(exit_code=5, hint="the rest: vibeguard wait 2026"))
    assert text == (
        "PENDING after 1s (exit code 5): 1 of 2 settled, running: b\nthe rest: vibeguard wait 2026\n"
    )


def test_a_log_that_ends_early_is_incomplete_and_a_damaged_one_corrupt():
    run = SAMPLES["unfinished"]()
    incomplete = text_of(run, ending=Ending(exit_code=3, log_status=LogStatus.INCOMPLETE))
    assert "INCOMPLETE: the run ended without a verdict" in incomplete
    assert "was running: b" in incomplete
    ending = Ending(exit_code=4, log_status=LogStatus.CORRUPT, problem="line 7: a gap")
    assert "CORRUPT" in text_of(run, ending=ending)
    assert "line 7: a gap" in text_of(run, ending=ending)


def test_a_run_that_has_a_verdict_and_no_seal_yet_is_pending():
    events = SAMPLES["passing"]().events[:-1]
    text = replay("text", events, ending=Ending(log_status=LogStatus.LIVE))
    assert "PENDING after" in text
    assert "(exit code 5)" in text
    assert "passed:" not in text


def test_a_run_in_which_nothing_ran_is_not_green():
    run = History(check("a"))
    run.ready("a")
    run.queue("a")
    run.exit("a", code=None, end=AttemptEnd.REFUSED)
    run.settle("a", Outcome.ERROR, Reason.NOT_STARTABLE, attempts=0, detail="no shell")
    assert text_of(run.finish()).splitlines()[-1].startswith("FAILED")


def test_verbose_shows_every_check_with_command_time_values_and_path():
    text = text_of(SAMPLES["passing"](), verbose=True)
    for part in (
        "started: unit",
        "$ pytest -q",
        "passed unit (2s)",
        "cov = 81",
        "output/unit.1.log",
    ):
        assert part in text


@pytest.mark.parametrize("sample", SAMPLES)
def test_twenty_columns_are_enough(sample):
    """Only what must stay whole to be copied (one word: a path) may be longer."""
    for line in text_of(SAMPLES[sample](), columns=20).splitlines():
        assert cells(line) <= 20 or ".log (1.5 KiB)" in line


@pytest.mark.parametrize("sample", SAMPLES)
def test_without_colour_there_is_no_escape_and_with_it_the_same_text(sample):
    run = SAMPLES[sample]()
    plain, painted = text_of(run), text_of(run, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


def test_a_huge_output_line_and_a_long_tail_stay_bearable():
    run = History(check("a"))
    run.ready("a")
    run.fails("a", tail=("x" * 1_000_000, *[f"line {n}" for n in range(500)]))
    text = text_of(run.finish())
    assert len(text) < 3000
    assert "line 499" in text
    assert "characters]" in text


def test_ten_thousand_dependents_of_one_failure_are_one_line():
    dependents = [check(f"d{n}", requires=(Requirement("a"),)) for n in range(10_000)]
    run = History(check("a"), *dependents)
    run.ready("a")
    run.fails("a")
    for each in dependents:
        run.skip(each.id, cause="a")
    lines = text_of(run.finish()).splitlines()
    assert len(lines) == 5
    assert "10000 skipped (d0, d1, d2, d3, d4 and 9995 more)" in lines[-1]
