"""JUnit, GitHub, Markdown, HTML, trace: what the service or viewer on the other side sees."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.helpers.histories import SECOND, History, check
from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES
from vibeguard.core.formats.base import Ending
from vibeguard.core.formats.github import LIMIT
from vibeguard.core.formats.markdown import MAX_BYTES
from vibeguard.core.model.config_parts import Requirement
from vibeguard.core.model.event_parts import TriggeredPrompt
from vibeguard.core.model.events import CheckAttemptFinished
from vibeguard.core.names import LogStatus, Severity
from vibeguard.core.pages.run_data import PageData


def failing_run(count: int, *, tail: tuple[str, ...] = ("no",), prefix: str = "c") -> History:
    ids = [f"{prefix}{n}" for n in range(count)]
    run = History(*map(check, ids))
    run.ready(*ids)
    for id_ in ids:
        run.fails(id_, tail=tail)
    return run.finish()


def junit(run: History) -> ET.Element:
    return ET.fromstring(replay("junit", run.events))


def test_junit_has_a_case_for_every_check_and_totals_that_add_up():
    for make in SAMPLES.values():
        run = make()
        suite = junit(run)[0]
        names = [case.get("name") for case in suite if case.get("name") != "run"]
        assert names == list(run.state.checks)
        assert int(suite.get("tests")) == len(suite)
        for total, element in (
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(suite.get(total)) == len(suite.findall(f"testcase/{element}"))


@pytest.mark.parametrize("name", ["junit", "github", "gitlab", "ctrf", "sarif"])
def test_of_a_live_run_nothing_says_that_it_has_ended(name):
    live = replay(name, SAMPLES["unfinished"]().events, ending=Ending(log_status=LogStatus.LIVE))
    assert "has no verdict yet" in live
    assert "log ended" not in live


def test_junit_is_green_only_for_a_run_that_passed():
    for name, make in SAMPLES.items():
        suite = junit(make())[0]
        green = suite.get("failures") == suite.get("errors") == "0"
        assert green == (name == "passing")


def test_junit_of_any_prefix_of_a_passing_log_is_red():
    run = SAMPLES["passing"]()
    for length in range(2, len(run.events) - 2):
        root = ET.fromstring(replay("junit", run.events[:length]))
        assert int(root.get("errors")) > 0


def test_junit_output_is_text_and_nothing_else():
    run = failing_run(1, tail=("<![CDATA[", "]]>", "\x00\x1b[31m", "&amp;"))
    assert junit(run).find(".//failure").text == "<![CDATA[\n]]>\n\\x00\n&amp;"


def test_github_shows_ten_errors_and_the_tenth_says_how_many_more():
    lines = replay("github", failing_run(25).events).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == LIMIT
    assert errors[-1].startswith("::error title=16 more::c9 failed, c10 failed")


def test_github_titles_and_messages_are_escaped():
    (line, *_) = replay(
        "github", failing_run(1, prefix="a:b,%", tail=("50%\n::x",)).events
    ).splitlines()
    assert line.startswith("::error title=a%3Ab%2C%250 failed::exit code 1%0A50%25\\n::x")


@pytest.mark.parametrize("name", ["junit", "github", "gitlab", "sarif", "ctrf"])
def test_a_run_that_passed_because_nothing_was_concerned_has_no_error(name):
    text = replay(name, History(narrowed="what changed since HEAD").finish().events)
    assert "nothing concerned" not in text
    assert not re.search(r'errors="1"|::error|"severity"|"level"|"failed": 1|": false', text)


@pytest.mark.parametrize("name", ["junit", "github", "gitlab", "sarif", "ctrf"])
def test_a_run_that_failed_without_a_failure_has_an_error_all_the_same(name):
    """Of severity warning is what failed, and skipped what is required to pass."""
    ship = check("ship", requires=(Requirement("lint"),))
    run = History(check("lint", severity=Severity.WARNING), ship)
    run.ready("lint")
    run.fails("lint")
    run.skip("ship", cause="lint")
    text = replay(name, run.finish().events)
    assert "the run failed, since not every check passed: ship skipped" in text
    assert re.search(
        r'errors="1"|::error|"severity": "critical"|"level": "error"|"failed": 1', text
    )


def test_markdown_fences_are_longer_than_what_they_hold():
    text = replay("markdown", failing_run(1, tail=("````", "# not a heading", "`````")).events)
    assert "\n``````text\n````\n# not a heading\n`````\n``````\n" in text


def test_markdown_mentions_nobody_and_marks_nothing_up():
    hostile = History(check("b", suggestion="@team <b>|x| [a](http://evil) *x* #1 www.evil"))
    hostile.ready("b")
    hostile.fails("b")
    text = replay("markdown", hostile.finish().events)
    line = next(line for line in text.splitlines() if line.startswith("Suggestion: "))
    # Services look for names and numbers in the text as it is rendered, entities decoded.
    assert not re.search(r"[@#]\w", unescape(line))
    line = line.replace("<!-- -->", "")
    assert not re.search(r"[@<>|\[\]*]|http://|www\.", line.replace("&#", ""))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\u2028"])
def test_markdown_keeps_the_lines_of_a_suggestion(end):
    """In one paragraph, whatever ends a line of it; no escape is shown in place of a line's end."""
    run = History(check("b", suggestion=f"first{end}`second`{end}"))
    run.ready("b")
    run.fails("b")
    text = replay("markdown", run.finish().events)
    (line,) = (line for line in text.splitlines() if line.startswith("Suggestion: "))
    assert line.startswith("Suggestion: first")
    assert "&#96;second&#96;" in line
    assert "\\n" not in line
    if end == "\n":
        assert line == "Suggestion: first<br>&#96;second&#96;"


@pytest.mark.parametrize("name", ["agent", "github", "html", "live", "markdown", "text"])
def test_lines_of_an_author_stay_lines_in_every_format(name):
    """Of a suggestion, a fix, a command and a prompt."""
    prompt = TriggeredPrompt(source="p", content="p1\np2", event="failure")
    run = History(check("b", suggestion="s1\ns2", fix="f1\nf2", run="r1\nr2"))
    run.ready("b")
    run.fails("b", prompts=(prompt,))
    text = replay(name, run.finish().events)
    assert "s1" in text
    assert [word for word in ("s1", "f1", "r1", "p1") if f"{word}\\n" in text] == []


def test_markdown_stays_below_the_limit_and_says_what_is_missing():
    text = replay("markdown", failing_run(3000, tail=("x" * 399,) * 30).events)
    assert len(text.encode()) < MAX_BYTES + 200
    assert re.search(r"\d+ more rows and paragraphs\.\n$", text)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_html_lets_run_its_own_script_alone_loads_nothing_and_lists_every_check():
    hostile = '"></script><script>alert(1)</script><img src=x onerror=alert(1)>'
    run = failing_run(3, tail=(hostile, "'"), prefix=hostile)
    assets = {"page.css": "a{}", "list.js": "let a = 1", "timeline.js": "; a = 2"}
    page = replay("html", run.events, asset=assets.__getitem__)
    parser = Tags()
    parser.feed(page)
    names = [tag for tag, _ in parser.seen]
    assert names.count("script") == 2
    assert "img" not in names
    checks = [1 for _, attrs in parser.seen if attrs.get("class") == "check failed"]
    assert len(checks) == names.count("details") == 3
    assert not [1 for _, attrs in parser.seen if {"src", "href", "onerror", "style"} & attrs.keys()]
    policy = next(attrs for tag, attrs in parser.seen if "http-equiv" in attrs)
    style, script = (
        b64encode(sha256(text.encode()).digest()).decode() for text in ("a{}", "let a = 1; a = 2")
    )
    assert policy["content"] == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def page_data(run: History) -> PageData:
    page = replay("html", run.events)
    return msgspec.json.decode(re.findall(r'id="data">(.*)</script>', page)[0], type=PageData)


def test_the_page_of_a_run_knows_retries_background_waiting_and_what_was_told_to_end():
    data = page_data(SAMPLES["failing"]())
    checks = {check.id: check for check in data.checks}
    assert [len(checks[each].spans) for each in ("wobbly", "deploy")] == [2, 0]
    assert checks["integration"].pool == 1  # the background
    assert checks["docs"].needs == [4]
    assert data.slots == (1, 1, 0)
    (span,) = page_data(SAMPLES["hanging"]()).checks[0].spans
    assert span.cut is not None
    assert 0 < span.cut < span.end


def test_the_page_of_a_run_has_slots_of_workers():
    data = page_data(SAMPLES["on_workers"]())
    assert data.slots == (1, 0, 1)
    assert [each.pool for each in data.checks] == [0, 2, 2, 2]


@pytest.mark.parametrize("sample", SAMPLES)
def test_trace_slots_never_overlap_and_lengths_are_those_of_the_log(sample):
    run = SAMPLES[sample]()
    document = json.loads(replay("trace", run.events))
    spans = [event for event in document["traceEvents"] if event["ph"] == "X"]
    lanes: dict[int, float] = {}
    for span in sorted(spans, key=lambda each: (each["ts"], each["dur"])):
        assert span["ts"] >= lanes.get(span["tid"], 0)
        lanes[span["tid"]] = span["ts"] + span["dur"]
    logged = sum(e.elapsed_ns for e in run.events if isinstance(e, CheckAttemptFinished))
    ended = [span for span in spans if span["args"]["outcome"] != "running"]
    assert sum(span["dur"] for span in ended) == pytest.approx(logged / 1000)
    named = {e["tid"] for e in document["traceEvents"] if e["name"] == "thread_name"}
    assert {span["tid"] for span in spans} == named


@pytest.mark.parametrize("sample", SAMPLES)
def test_trace_events_hold_what_every_viewer_requires(sample):
    """The fields of the Trace Event Format: name, ph, ts, pid, tid; dur of X, s of i, args of M."""
    for event in json.loads(replay("trace", SAMPLES[sample]().events))["traceEvents"]:
        own = {"X": {"dur"}, "i": {"s"}, "M": {"args"}}[event["ph"]]
        assert {"name", "ph", "ts", "pid", "tid"} | own <= event.keys()


def test_trace_shows_every_attempt():
    document = json.loads(replay("trace", SAMPLES["failing"]().events))
    attempts = [e["args"]["attempt"] for e in document["traceEvents"] if e["name"] == "wobbly"]
    assert attempts == [1, 2]


def test_jsonl_lines_are_the_log_s_own_bytes():
    run = SAMPLES["failing"]()
    expected = b"".join(msgspec.json.encode(event) + b"\n" for event in run.events)
    assert replay("jsonl", run.events).encode() == expected


def test_jsonl_escapes_what_a_terminal_would_act_on_and_keeps_the_value():
    run = failing_run(1, tail=("\x9b31m\u202e", "##vso[task.complete]"))
    lines = replay("jsonl", run.events, ci=True).splitlines()
    settled = next(json.loads(line) for line in lines if '"check.settled"' in line)
    assert settled["tail"] == ["\x9b31m\u202e", "##vso[task.complete]"]


def test_an_unfinished_check_of_the_trace_ends_where_the_log_ends():
    run = SAMPLES["unfinished"]()
    document = json.loads(replay("trace", run.events))
    (span,) = [e for e in document["traceEvents"] if e["name"] == "b"]
    assert (span["dur"], span["args"]["outcome"]) == (5 * SECOND / 1000, "running")


@pytest.mark.parametrize("name", ["junit", "github", "markdown", "html"])
def test_exports_show_what_hung_and_which_pattern_did_not_match(name):
    hanging = replay(name, SAMPLES["hanging"]().events)
    assert "waits for stdin" in hanging
    assert "killed after ignoring SIGTERM: 12 cat" in hanging
    assert "did not match: never" in replay(name, SAMPLES["failing"]().events)


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_tables_say_that_a_passed_check_was_flaky_or_left_processes_behind(name):
    assert "attempt 2 of 3, flaky" in replay(name, SAMPLES["failing"]().events)
    assert "left processes behind" in replay(name, SAMPLES["hanging"]().events)


def test_much_output_pushes_no_advice_out_of_an_annotation():
    run = History(check("b", suggestion="do that", fix="make it"))
    run.ready("b")
    run.fails("b", tail=("x" * 400,) * 40)
    (line, *_) = replay("github", run.finish().events).splitlines()
    assert "%0Asuggestion: do that%0Afix: make it%0Aoutput: " in line
