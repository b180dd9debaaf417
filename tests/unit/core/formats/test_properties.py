"""What holds for every format, whatever the strings in the events."""

import json
import re
import unicodedata

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tests.helpers.histories import SECOND, History, check
from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES
from vibeguard.core.fold.fold import apply
from vibeguard.core.formats.base import Ending, FormatOptions
from vibeguard.core.formats.registry import FORMATS, make_format
from vibeguard.core.model.config_parts import Requirement, Where
from vibeguard.core.model.event_parts import Excerpt, ProcessReport, TriggeredPrompt
from vibeguard.core.model.events import (
    CheckSubmitted,
    CheckTerminationRequested,
    Event,
    RunDegraded,
)
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus, Outcome, Pool, Reason, Severity, TerminationReason
from vibeguard.core.problems import UsageError
from vibeguard.core.report.heartbeat import heartbeat

SGR = re.compile(r"\x1b\[[0-9;]*m")
OWN_SEQUENCES = re.compile(r"\x1b\[\?(?:2026|25)[hl]|\x1b\[[AJ]|\r")
HIDDEN = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff\U000e0041"
CI_COMMAND = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.MULTILINE | re.IGNORECASE)

pieces = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    st.sampled_from(
        ["\x1b[31m", "\x1b]0;x\x07", "\x9b2J", "\x07", "\r", "\n", "\t", "\x85", "\u2028"]
    ),
    st.sampled_from(
        ["::error::x", "##[error]", "##vso[task.complete]", "]]>", "```", "|", "<script>"]
    ),
    st.sampled_from(
        [*HIDDEN, "%0A", "{{.a}}", "'; rm -rf /", "::stop-commands::x", "\n::set-env::"]
    ),
)
hostile = st.lists(pieces, max_size=6).map("".join)


def run_of(texts: list[str]) -> History:
    """A run that has a foreign string wherever one can be."""
    take = iter(texts * 40).__next__
    run = History(
        check("a", run=take(), suggestion=take(), fix=take(), assertion=take(), retries=1),
        check("b", requires=(Requirement("a"),), pool=Pool.BACKGROUND, severity=Severity.WARNING),
        check("c", run=take()),
        check("d", requires=(Requirement("b"),)),
        notes=(take(),),
        vars={take(): take()},
        config_path=take(),
        started={"argv": ("vibeguard", "run", "-c", take()), "wall_time": take(), "run_id": take()},
    )
    run.ready("a", "c")
    run.start("c")
    run.add(RunDegraded, parallel=1, async_parallel=1, reason=take())
    process = ProcessReport(pid=1, command=take(), state=take(), waits_in=take())
    run.after(SECOND).exit("c", leaked=(process,))
    prompt = TriggeredPrompt(event="success", source=take(), content=take())
    run.settle("c", Outcome.PASSED, leaked=True, prompts=(prompt,))
    run.passes(
        "a",
        extracted={"values": {take(): take()}, "unmatched": (take(),), "assertion_result": True},
    )
    run.ready("b")
    run.start("b")
    run.add(
        CheckTerminationRequested,
        check="b",
        attempt=1,
        reason=TerminationReason.TIMEOUT,
        signal=take(),
    )
    run.after(SECOND).exit(
        "b", code=None, signal=take() or "X", survivors=(process,), output_path=take()
    )
    run.settle(
        "b",
        Outcome.TIMEOUT,
        Reason.TIMEOUT,
        detail=take(),
        excerpt=Excerpt(rule=take(), lines=(take(), take())),
        tail=(take(), take()),
        prompts=(TriggeredPrompt(event=take(), source="inline", content=take()),),
    )
    run.skip("d", cause="b")
    return run.finish()


def harmful(text: str) -> list[str]:
    kept = text.replace("\n", "")
    return [c for c in kept if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in HIDDEN]


@pytest.mark.parametrize("name", FORMATS)
@given(st.lists(hostile, min_size=4, max_size=10))
@settings(max_examples=examples(0.5), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_format_emits_a_control_character_other_than_newline(name, texts):
    run = run_of(texts)
    ending = Ending(problem=texts[0], hint=texts[1])
    for options in ({}, {"colour": True, "columns": 20, "verbose": True, "ci": True}):
        text = replay(name, run.events, ending=ending, **options)
        text = OWN_SEQUENCES.sub("", text) if name == "live" else text
        text = SGR.sub("", text) if options.get("colour") else text
        assert not harmful(text)


# Under CI nothing is drawn over again (test_terminal.py), so `live` is none of them.
@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("github", "live")])
@given(st.lists(hostile, min_size=4, max_size=10))
@settings(max_examples=examples(0.3))
def test_under_ci_no_line_reads_as_a_command(name, texts):
    text = replay(name, run_of(texts).events, ci=True, columns=20)
    assert not CI_COMMAND.search(OWN_SEQUENCES.sub("", text))


@given(st.lists(hostile, min_size=4, max_size=10))
@settings(max_examples=examples(0.3))
def test_the_github_format_gives_its_own_commands_and_no_others(texts):
    lines = replay("github", run_of(texts).events, ci=True).split("\n")
    for line in lines:
        own = re.match(r"::(error|warning|notice) title=[^:,]*::", line)
        assert not CI_COMMAND.search(line[own.end() :] if own else line)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_two_replays_print_the_same_bytes(name, sample):
    """Once as it was made, once as it was read from the log's bytes."""
    events = SAMPLES[sample]().events
    decoder = msgspec.json.Decoder(Event)
    again = [decoder.decode(msgspec.json.encode(event)) for event in events]
    assert replay(name, events) == replay(name, again)


@pytest.mark.parametrize("name", FORMATS)
def test_every_prefix_of_a_run_can_be_shown(name):
    """A reader may stop anywhere: after each event the format can finish."""
    for sample in ("failing", "hanging"):
        events = SAMPLES[sample]().events
        for length in range(1, len(events)):
            assert isinstance(replay(name, events[:length]), str)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("jsonl", "trace")])
@pytest.mark.parametrize("status", [LogStatus.INCOMPLETE, LogStatus.CORRUPT])
@pytest.mark.parametrize("missing", [3, 1])
def test_a_log_without_a_verdict_or_without_its_seal_never_looks_passed(name, status, missing):
    """Nor does one whose last event is the verdict: a supervisor may die before it seals it."""
    events = SAMPLES["passing"]().events[:-missing]
    exit_code = 3 if status is LogStatus.INCOMPLETE else 4
    text = replay(name, events, ending=Ending(log_status=status, exit_code=exit_code))
    assert re.search("incomplete|corrupt|no verdict", text, re.IGNORECASE)
    assert "passed:" not in text
    if name == "junit":
        assert ' errors="0"' not in text
    if name == "github":
        assert "::error title=vibeguard::the run has no verdict" in text
    if name == "json":
        document = json.loads(text)
        assert (document["verdict"], document["exit_code"]) == (None, exit_code)


@pytest.mark.parametrize("name", FORMATS)
def test_an_unstarted_run_can_be_shown(name):
    fmt = make_format(name, FormatOptions())
    assert isinstance(fmt.finish(State()), str)


@pytest.mark.parametrize("name", ["text", "live", "jsonl", "agent"])
def test_since_leaves_out_what_is_already_known(name):
    events = SAMPLES["failing"]().events
    fmt, state = make_format(name, FormatOptions(since=len(events) - 1)), State()
    for event in events:
        apply(state, event)
        assert fmt.feed(state, event) == ""


def test_people_read_stderr_and_programs_read_stdout():
    streams = {name: make_format(name, FormatOptions()).stream for name in FORMATS}
    assert {name for name, stream in streams.items() if stream == "stderr"} == {
        "text",
        "live",
        "watch",
    }


def test_an_unknown_format_is_a_usage_error_that_names_the_known_ones():
    with pytest.raises(UsageError) as caught:
        make_format("yaml", FormatOptions())
    assert "jsonl" in caught.value.do


def test_the_heartbeat_says_what_runs_and_for_how_long():
    run = SAMPLES["unfinished"]()
    text = heartbeat(run.state, run.at + 60 * SECOND)
    assert text == "running: b 1m5s of at most 1m30s; 1 of 3 settled; 1 check waiting\n"


def test_there_is_no_heartbeat_when_nothing_runs():
    run = SAMPLES["passing"]()
    assert heartbeat(run.state, run.at) == ""
    assert heartbeat(State(), 0) == ""


def test_a_sign_of_life_says_which_worker_is_waited_for():
    """Also when nothing runs: that is no hang."""
    gpu = {"pool": Pool.WORKERS, "where": Where(labels=("gpu",))}
    settings = ResolvedSettings(parallel=1, async_parallel=1, pool=PoolSettings())
    run = History(check("a", **gpu), settings=settings)
    run.ready("a")
    run.queue("a")
    run.add(CheckSubmitted, check="a", attempt=1, engine="p", token="t", wanted=("gpu",))
    assert heartbeat(run.state, run.at) == (
        "waiting: a for a worker with gpu; present: none; 0 of 1 settled\n"
    )
    run.start("a", worker="gpu1")
    assert "a on gpu1 0s" in heartbeat(run.state, run.at)
