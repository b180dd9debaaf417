"""What the end of an attempt and its output amount to."""

import time

import pytest

from vibeguard.core.judge import (
    LARGEST_VALUE_BYTES,
    Judgement,
    changed_files,
    judge,
    tree_moved,
    unjudged,
    unknown_changes,
)
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import Quarantine, ResultsSource
from vibeguard.core.names import Outcome, QuarantineState, Reason, TerminationReason
from vibeguard.core.results.collecting import Gathered
from vibeguard.core.results.ruling import Evidence
from vibeguard.core.wording.sentences import UNREAD

LIMIT = 64 << 20
COVERAGE = ("coverage: %{NUMBER:cov}%",)


def check(**fields):
    return PlannedCheck(**{"id": "c", "run": "make test", "stem": "c", **fields})


def judged(
    planned=None, *, exit_code=0, signal="", termination=None, text=b"", limit=LIMIT, **more
):
    return judge(
        planned or check(), exit_code, signal, termination, text, grok_limit_bytes=limit, **more
    )


def asserting(assertion, text, *, grok=COVERAGE, **more):
    return judged(check(grok=grok, assertion=assertion), text=text, **more)


def facts(judgement):
    return judgement.outcome, judgement.reason


def test_exit_code_zero_passes_and_shows_nothing():
    judgement = judged(text=b"error: noise\n")
    assert facts(judgement) == (Outcome.PASSED, None)
    assert (judgement.excerpt, judgement.tail, judgement.detail) == (None, (), "")


@pytest.mark.parametrize("code", [1, 2, 255])
def test_any_other_exit_code_fails_and_shows_the_lines_that_matter(code):
    judgement = judged(exit_code=code, text=b"a\nerror: bad\nb\nc\nd\n")
    assert facts(judgement) == (Outcome.FAILED, Reason.EXIT_CODE)
    assert judgement.detail == f"exited with {code}"
    assert judgement.excerpt.lines == ("error: bad", "b", "c")
    assert judgement.excerpt.first_line == 2
    assert judgement.tail == ("a", "error: bad", "b", "c", "d")


def test_exit_codes_that_shells_give_are_explained():
    assert judged(exit_code=127).detail == "exited with 127 (command not found)"
    assert judged(exit_code=126).detail == "exited with 126 (the command cannot be executed)"


def test_a_signal_of_others_fails():
    judgement = judged(exit_code=None, signal="SIGSEGV")
    assert facts(judgement) == (Outcome.FAILED, Reason.SIGNAL)
    assert judgement.detail == "ended by SIGSEGV"


def test_an_end_that_nobody_knows_is_an_error_and_no_pass():
    assert facts(judged(exit_code=None)) == (Outcome.ERROR, Reason.LOST)


@pytest.mark.parametrize(
    ("termination", "outcome", "reason"),
    [
        (TerminationReason.TIMEOUT, Outcome.TIMEOUT, Reason.TIMEOUT),
        (TerminationReason.IDLE, Outcome.TIMEOUT, Reason.IDLE),
        (TerminationReason.OUTPUT_LIMIT, Outcome.FAILED, Reason.OUTPUT_LIMIT),
        (TerminationReason.CANCEL, Outcome.CANCELLED, Reason.CANCEL),
        (TerminationReason.FAIL_FAST, Outcome.CANCELLED, Reason.FAIL_FAST),
        (TerminationReason.SIGNAL, Outcome.CANCELLED, Reason.INTERRUPTED),
        (TerminationReason.FRONT_LOST, Outcome.CANCELLED, Reason.FRONT_LOST),
        (TerminationReason.RUN_TIMEOUT, Outcome.CANCELLED, Reason.RUN_TIMEOUT),
        (TerminationReason.LOG_FAILURE, Outcome.CANCELLED, Reason.LOG_FAILURE),
        (TerminationReason.LEAK, Outcome.PASSED, None),
    ],
)
def test_why_it_was_ended_decides_whatever_it_exited_with(termination, outcome, reason):
    assert facts(judged(exit_code=0, termination=termination)) == (outcome, reason)


def test_every_reason_for_an_end_has_its_outcome():
    for termination in TerminationReason:
        judged(termination=termination)


def test_an_assertion_that_holds_passes_and_its_values_are_kept():
    judgement = asserting("cov >= 80 && cov <= 100", b"coverage: 85.5%\n")
    assert facts(judgement) == (Outcome.PASSED, None)
    assert judgement.values == {"cov": "85.5"}
    assert judgement.assertion_result is True


def test_an_assertion_that_does_not_hold_fails_and_says_with_which_values():
    judgement = asserting("cov >= 80", b"coverage: 75%\n")
    assert facts(judgement) == (Outcome.FAILED, Reason.ASSERTION)
    assert judgement.detail == "cov >= 80 (cov is 75)"
    assert judgement.assertion_result is False
    assert judgement.tail == ("coverage: 75%",)


def test_a_name_that_was_not_extracted_fails_and_names_the_pattern():
    judgement = asserting("cov < 5", b"nothing here\n")
    assert facts(judgement) == (Outcome.FAILED, Reason.NOT_EXTRACTED)
    assert judgement.detail == "cov was not extracted: no match for coverage: %{NUMBER:cov}%"
    assert judgement.unmatched == COVERAGE
    assert judgement.assertion_result is None


def test_an_empty_capture_is_not_extracted():
    judgement = asserting("x == ''", b"x=", grok=("x=(?P<x>.*)",))
    assert facts(judgement) == (Outcome.FAILED, Reason.NOT_EXTRACTED)


def test_a_name_that_is_not_needed_may_be_missing():
    assert asserting("true || cov > 1", b"").outcome is Outcome.PASSED


def test_an_assertion_without_patterns_says_so():
    judgement = asserting("cov > 1", b"", grok=())
    assert judgement.detail == "cov was not extracted: the check has no grok pattern"


@pytest.mark.parametrize("assertion", ["cov / 0 > 1", "cov + 'x' > 1"])
def test_what_cannot_be_evaluated_is_an_error(assertion):
    judgement = asserting(assertion, b"coverage: 75%\n")
    assert facts(judgement) == (Outcome.ERROR, Reason.BAD_VALUE)
    assert assertion in judgement.detail
    assert judgement.values == {"cov": "75"}


def test_nan_never_satisfies():
    judgement = asserting("cov != 5", b"cov NaN", grok=("cov (?P<cov>.*)",))
    assert facts(judgement) == (Outcome.FAILED, Reason.ASSERTION)


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ({"exit_code": 1}, Outcome.FAILED),
        ({"termination": TerminationReason.TIMEOUT}, Outcome.TIMEOUT),
        ({"termination": TerminationReason.OUTPUT_LIMIT}, Outcome.FAILED),
    ],
)
def test_the_output_of_what_did_not_succeed_is_read_but_not_asserted(ending, outcome):
    judgement = asserting("cov < 5", b"coverage: 75%\n", **ending)
    assert judgement.outcome is outcome
    assert judgement.values == {"cov": "75"}
    assert judgement.assertion_result is None


def test_later_patterns_override_and_what_does_not_match_adds_nothing():
    patterns = ("version: %{NOTSPACE:v}", "none %{INT:v}", "latest: %{NOTSPACE:v}")
    judgement = judged(check(grok=patterns), text=b"version: 1.0 latest: 2.0")
    assert judgement.values == {"v": "2.0"}
    assert judgement.unmatched == ("none %{INT:v}",)


@pytest.mark.parametrize(
    "text",
    [
        b"coverage: 85%\r\n",
        b"\x1b[1;32mcoverage: \x1b[0m85%\n",
        b"coverage: \x1b[31m85\x1b[0m%",
        b"\x1b]8;;http://x\x07coverage\x1b]8;;\x07: 85%",
    ],
)
def test_carriage_returns_and_colours_do_not_defeat_a_pattern(text):
    assert judged(check(grok=COVERAGE), text=text).values == {"cov": "85"}


def test_a_carriage_return_at_the_end_is_no_part_of_a_value():
    judgement = judged(check(grok=("(?m)^cov (?P<cov>.*)$",)), text=b"cov 85\r\nnext\r\n")
    assert judgement.values == {"cov": "85"}


@pytest.mark.parametrize("pattern", [r"\x1b\[32m(?P<x>ok)", r"(?P<x>ok)\x1b", r"(?P<x>ok)\S+\r\n"])
def test_a_pattern_that_asks_for_colours_or_returns_finds_them(pattern):
    assert judged(check(grok=(pattern,)), text=b"\x1b[32mok\x1b[0m\r\n").values == {"x": "ok"}


def test_what_is_no_utf8_becomes_a_replacement_character():
    judgement = judged(check(grok=("name=(?P<x>.*)",)), text=b"name=caf\xe9\xff")
    assert judgement.values == {"x": "caf\ufffd\ufffd"}


def test_more_output_than_grok_reads_is_an_error_and_never_a_half_read_pass():
    judgement = asserting("cov > 80", b"coverage: 85%\n" + b"x" * 100, limit=50)
    assert facts(judgement) == (Outcome.ERROR, Reason.GROK_LIMIT)
    assert "50" in judgement.detail
    assert judgement.values == {}


def test_output_of_exactly_the_limit_is_read():
    text = b"coverage: 85%\n"
    assert asserting("cov > 80", text, limit=len(text)).outcome is Outcome.PASSED
    assert asserting("cov > 80", text, limit=len(text) - 1).outcome is Outcome.ERROR


def test_the_limit_does_not_matter_without_patterns():
    assert judged(text=b"x" * 100, limit=50).outcome is Outcome.PASSED


def test_a_failure_stays_a_failure_when_its_output_is_over_the_limit():
    planned = check(grok=COVERAGE)
    assert facts(judged(planned, exit_code=1, text=b"x" * 100, limit=50)) == (
        Outcome.FAILED,
        Reason.EXIT_CODE,
    )


def test_a_value_too_large_for_the_log_is_an_error():
    text = b"x" * (LARGEST_VALUE_BYTES + 1)
    judgement = judged(check(grok=("(?P<all>.*)",)), text=text)
    assert facts(judgement) == (Outcome.ERROR, Reason.GROK_LIMIT)


def test_a_file_that_cannot_be_read_is_an_error_with_the_reason():
    planned = check(grok=COVERAGE, file="out/cov.txt")
    judgement = judged(planned, text=None, problem="out/cov.txt does not exist", output=b"hi\n")
    assert facts(judgement) == (Outcome.ERROR, Reason.FILE)
    assert judgement.detail == "out/cov.txt does not exist"
    assert judgement.tail == ("hi",)


def test_a_failed_command_does_not_need_its_file():
    planned = check(grok=COVERAGE, file="out/cov.txt")
    assert judged(planned, exit_code=1, text=None).reason is Reason.EXIT_CODE


def test_output_that_cannot_be_read_is_an_error_where_it_is_needed():
    assert facts(judged(check(grok=COVERAGE), text=None)) == (Outcome.ERROR, Reason.OUTPUT_LOST)
    assert judged(check(), text=None).outcome is Outcome.PASSED


def test_excerpts_are_of_the_output_and_not_of_the_file():
    planned = check(grok=COVERAGE, file="cov.txt", assertion="cov > 80")
    judgement = judged(planned, text=b"coverage: 75%", output=b"written to cov.txt\n")
    assert judgement.tail == ("written to cov.txt",)
    assert judged(planned, text=b"coverage: 75%").tail == ()


@pytest.mark.slow
def test_hostile_patterns_and_ten_megabytes_are_judged_in_a_moment():
    patterns = (r"(a+)+$", r"(?P<x>(a+)+)b", r"(a|aa)+$", r"(.*a){12}b")
    planned = check(grok=patterns, assertion="x > 1")
    start = time.process_time()
    judgement = judged(planned, text=b"a" * 10_000_000 + b"!")
    assert time.process_time() - start < 5
    assert judgement.unmatched == patterns


def evidence(*failed, problems=(), recovered=()):
    """What reports said: these tests failed, these problems kept some of it from being read."""
    tests = {"failed": len(failed)} if failed else {"passed": 1}
    gathered = Gathered(tests, failed=frozenset(failed), recovered=frozenset(recovered))
    return Evidence(gathered, problems)


@pytest.mark.parametrize(
    ("said", "outcome", "reason", "detail"),
    [
        (evidence(), Outcome.PASSED, None, ""),
        (evidence("t", recovered=("t",)), Outcome.PASSED, None, ""),
        (
            evidence("t"),
            Outcome.FAILED,
            Reason.RESULTS_CONTRADICT,
            "1 test failed beside exit code 0: t",
        ),
        (evidence(problems=("r.xml is stale",)), Outcome.ERROR, Reason.RESULTS, "r.xml is stale"),
    ],
)
def test_what_reports_say_stands_against_an_exit_code_of_0(said, outcome, reason, detail):
    judgement = judged(evidence=said)
    assert (*facts(judgement), judgement.detail) == (outcome, reason, detail)
    assert judgement.findings.tests == said.gathered.tests
    assert judgement.findings.notes == ()  # what decides is no note beside it
    assert judgement.passed is (outcome is Outcome.PASSED)


def test_beside_a_failure_reports_are_noted_and_change_nothing():
    judgement = judged(exit_code=1, evidence=evidence("t", problems=("r.xml is stale",)))
    assert (*facts(judgement), judgement.detail) == (
        *(Outcome.FAILED, Reason.EXIT_CODE),
        "exited with 1",
    )
    assert (judgement.findings.failing, judgement.findings.notes) == (1, ("r.xml is stale",))


def test_only_an_exit_code_is_put_into_quarantine():
    planned = check(quarantine=Quarantine(results=("t",), owner="o", issue="i", until="2027-01-01"))
    by_code = judged(planned, exit_code=1, evidence=evidence("t"))
    by_signal = judged(planned, exit_code=None, signal="SIGSEGV", evidence=evidence("t"))
    assert by_code.findings.quarantine is QuarantineState.APPLIES
    assert by_signal.findings.quarantine is QuarantineState.NONE


def test_a_test_that_passed_when_it_was_run_again_explains_no_exit_code_for_a_quarantine():
    """Then something else has failed: coverage that is too low, for one."""
    planned = check(quarantine=Quarantine(results=("t",), owner="o", issue="i", until="2027-01-01"))
    judgement = judged(planned, exit_code=1, evidence=evidence("t", recovered=("t",)))
    assert judgement.findings.quarantine is QuarantineState.UNLISTED


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [("pytest --doctest-modules", 1), ("cd build && ctest -V", 8), ("cargo test --locked", 101)],
)
def test_what_a_quarantine_takes_for_failed_tests_is_the_code_of_the_tool_that_runs(
    command, exit_code
):
    listed = Quarantine(results=("t",), owner="o", issue="i", until="2027-01-01")
    planned = check(run=command, quarantine=listed)
    judgement = judged(planned, exit_code=exit_code, evidence=evidence("t"))
    assert judgement.findings.quarantine is QuarantineState.APPLIES


def test_without_reports_there_are_no_findings():
    assert judged(exit_code=1).findings is None


def test_what_changed_files_fails_and_names_five_of_them():
    passed = judged()
    assert changed_files(passed, ["a", "b"]) == Judgement(
        Outcome.FAILED, Reason.CHANGED_FILES, "changed files: a, b", changed_files=True
    )
    assert changed_files(passed, list("abcdefg")).detail.startswith("changed files: a, b, c, d, e")
    assert unknown_changes(passed, "no git") == Judgement(
        Outcome.FAILED,
        Reason.CHANGED_FILES,
        "it cannot be told whether it changed files: no git",
        changed_files=True,
    )


def test_a_failure_that_changed_files_keeps_its_reason_and_no_quarantine_excuses_it():
    planned = check(quarantine=Quarantine(results=("t",), until="2027-01-01"))
    failed = judged(planned, exit_code=1, evidence=evidence("t"))
    assert failed.findings.quarantine is QuarantineState.APPLIES
    changed = changed_files(failed, ["a"])
    assert (changed.outcome, changed.reason) == (Outcome.FAILED, Reason.EXIT_CODE)
    assert changed.findings.quarantine is QuarantineState.NONE
    assert changed.findings.notes[-1] == "no quarantine: changed files: a"


def test_what_saw_another_tree_proves_nothing():
    assert tree_moved(["a"]) == Judgement(Outcome.ERROR, Reason.TREE_MOVED, "a")


@pytest.mark.parametrize(
    ("planned", "exit_code", "expected"),
    [
        (check(), 0, (Outcome.ERROR, Reason.INTERNAL, "why")),
        (check(), 1, (Outcome.FAILED, Reason.EXIT_CODE, f"exited with 1; {UNREAD}why")),
        (check(assertion="n > 1"), 0, (Outcome.ERROR, Reason.JUDGE_TIMEOUT, "why")),
        (check(grok=COVERAGE), 0, (Outcome.ERROR, Reason.JUDGE_TIMEOUT, "why")),
        (check(file="f"), 0, (Outcome.ERROR, Reason.JUDGE_TIMEOUT, "why")),
        (
            check(results=(ResultsSource("junit", file="r.xml"),)),
            *(0, (Outcome.ERROR, Reason.JUDGE_TIMEOUT, "why")),
        ),
    ],
)
def test_an_output_that_nobody_read_to_the_end_passes_nothing(planned, exit_code, expected):
    assert unjudged(planned, exit_code, "", None, "why") == Judgement(*expected)


def test_a_timeout_says_so_whatever_could_not_be_read_of_it():
    judgement = unjudged(check(), None, "SIGKILL", TerminationReason.TIMEOUT, "why")
    assert judgement == Judgement(Outcome.TIMEOUT, Reason.TIMEOUT, f"{UNREAD}why")


def test_values_are_refused_beyond_what_an_event_holds_and_not_before():
    value = b"n=" + b"a" * LARGEST_VALUE_BYTES + b"\n"
    grok = ("n=%{GREEDYDATA:n}",)
    assert facts(judged(check(grok=grok), text=value)) == (Outcome.PASSED, None)
    refused = judged(check(grok=grok), text=value.replace(b"=", b"=a"))
    assert facts(refused) == (Outcome.ERROR, Reason.GROK_LIMIT)
    assert refused.detail.startswith("n is longer than 1 MiB")
    # Four values of a MiB are more than 4 MiB, since their names count as well.
    together = tuple(f"n=%{{GREEDYDATA:n{number}}}" for number in range(4))
    assert facts(judged(check(grok=together), text=value)) == (Outcome.ERROR, Reason.GROK_LIMIT)
    assert facts(judged(check(grok=together[:3]), text=value)) == (Outcome.PASSED, None)


def test_a_pattern_that_cannot_be_read_is_said_with_what_to_do():
    judgement = judged(check(grok=("%{NOSUCH:x}",)), text=b"a\n")
    assert facts(judgement) == (Outcome.ERROR, Reason.BAD_VALUE)
    assert "NOSUCH" in judgement.detail
    assert ": " in judgement.detail
