"""What a cut keeps: the place and the message of every failure before anything else."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.command import project, vibeguard
from tests.helpers.histories import SECOND, History, check
from tests.helpers.replays import replay
from tests.unit.core.formats.test_results_in_formats import failed, passed, run_with
from vibeguard.core.formats.agent import BYTES_PER_TOKEN, VERDICT_TOKENS
from vibeguard.core.model.event_parts import Excerpt, ProcessReport
from vibeguard.core.model.events import CheckHang, CheckTerminationRequested
from vibeguard.core.names import Outcome, Reason, Severity, TerminationReason

ROOT = Path(__file__).parents[4]
LINES = st.lists(
    st.sampled_from(
        [
            "",
            "...",
            "collecting",
            "src/app.py:3: error: bad",
            "E   assert 1 == 2",
            "ok 12",
            "é" * 90,
        ]
    ),
    max_size=30,
)
HEADING = re.compile(r"^(FAILED|WARNED|TIMEOUT|ERROR) (\S+)", re.MULTILINE)


@st.composite
def runs(draw):
    """A run of some failures, each with output, an excerpt or results of its own, or with none."""
    count = draw(st.integers(1, 12))
    severities = [draw(st.sampled_from(Severity)) for _ in range(count)]
    run = History(*[check(f"c{n}", severity=severities[n]) for n in range(count)])
    run.ready(*[f"c{n}" for n in range(count)])
    for n in range(count):
        tail = tuple(f"{line} {n}".strip() for line in draw(LINES))
        excerpt = Excerpt("pytest", tuple(draw(LINES)), 1) if draw(st.booleans()) else None
        run.fails(f"c{n}", tail=tail, excerpt=excerpt)
    return run.finish()


@given(run=runs(), budget=st.integers(0, 3000), whole=st.booleans())
def test_a_heading_never_stands_alone_and_the_budget_is_kept(run, budget, whole):
    text = replay("agent", run.events, budget=budget, whole=whole)
    limit = max(budget, 2 * VERDICT_TOKENS) * BYTES_PER_TOKEN
    assert len(text.encode()) <= limit
    for paragraph in text.split("\n\n"):
        found = HEADING.match(paragraph)
        if found is None:
            continue
        settled = run.state.checks[found[2]].settled
        shown = settled.tail + (settled.excerpt.lines if settled.excerpt else ())
        if any(line.strip() not in ("", "...") for line in shown):
            assert "\n| " in paragraph, paragraph


@given(run=runs(), budget=st.integers(100, 3000))
def test_context_is_shown_only_beside_every_error_line_before_it(run, budget):
    """In one paragraph no error line is left out while a line that says less is there."""
    text = replay("agent", run.events, budget=budget, whole=True)
    for paragraph in text.split("\n\n"):
        found = HEADING.match(paragraph)
        if found is None or "lines left out" not in paragraph:
            continue
        settled = run.state.checks[found[2]].settled
        shown = [*(settled.excerpt.lines if settled.excerpt else ()), *settled.tail]
        errors = {line for line in shown if "error" in line or "assert" in line}
        context = {line for line in shown if line.startswith(("collecting", "ok 12"))}
        if any(f"| {line}\n" in paragraph for line in context):
            assert all(f"| {line}\n" in paragraph for line in errors), paragraph


def test_every_failure_of_many_has_a_line_with_its_place_and_message():
    run = failing_checks(50, of=300)
    text = replay("agent", run.events, whole=True)
    for n in range(50):
        assert re.search(rf"src/m{n}\.py:{n + 1}: error: bad {n}\b", text), n


# The table in docs/agents.md: what is told, in how many bytes, and what it has to say.


def failing_checks(count: int, of: int) -> History:
    run = History(*[check(f"c{n}") for n in range(of)])
    run.ready(*[f"c{n}" for n in range(of)])
    for n in range(of):
        if n < count:
            context = tuple(f"line {line} of the output of check {n}" for line in range(15))
            run.fails(f"c{n}", tail=(*context, f"src/m{n}.py:{n + 1}: error: bad {n}"))
        else:
            run.passes(f"c{n}")
    return run.finish()


def hanging() -> History:
    run = History(check("unit", timeout_ns=600 * SECOND))
    run.ready("unit")
    run.start("unit")
    lines = ("tests/test_db.py::test_open PASSED [ 10%]", "tests/test_db.py::test_lock ")
    reader = ProcessReport(4100, "python -m pytest -v", 4000, "blocked", "futex_wait")
    hang = {"silent_ns": 590 * SECOND, "last_lines": lines, "processes": (reader,)}
    run.after(600 * SECOND).add(CheckHang, check="unit", attempt=1, **hang)
    ending = {"reason": TerminationReason.TIMEOUT, "signal": "SIGTERM"}
    run.add(CheckTerminationRequested, check="unit", attempt=1, **ending)
    run.exit("unit", code=None, signal="SIGTERM")
    run.settle("unit", Outcome.TIMEOUT, Reason.TIMEOUT, tail=lines)
    return run.finish()


def told(run: History, former: History | None = None) -> str:
    known = {} if former is None else {"former": lambda _: former.state, "news_only": True}
    return replay("agent", run.events, whole=True, **known)


def many_tests() -> str:
    results = [*map(failed, range(50)), *map(passed, range(250))]
    return replay("agent", run_with(results), whole=True)


def config_error(folder: Path) -> str:
    config = "checks:\n  - {id: unit, run: pytest}\n  - {id: lint, run: ruff, requires: [unti]}\n"
    done = vibeguard("run", "--format", "agent", cwd=project(folder, config))
    assert done.returncode == 2
    return done.stdout + done.stderr


CASES = {
    "1 failing check of 50": (
        lambda _: told(failing_checks(1, of=50)),
        [
            "src/m0.py:1: error: bad 0",
            "rerun: vibeguard run --config ci/guard.yaml c0",
            "49 passed, 1 failed (c0)",
        ],
    ),
    "50 failing checks of 300": (
        lambda _: told(failing_checks(50, of=300)),
        [f"src/m{n}.py:{n + 1}: error: bad {n}" for n in range(50)],
    ),
    "50 failing tests of 300 in one check": (
        lambda _: many_tests(),
        [f"tests/test_app.py:{10 + n}: assert {n} == 27" for n in range(50)],
    ),
    "a hang": (
        lambda _: told(hanging()),
        ["hung: nothing written for 9m50s, while tests/test_db.py::test_lock ran", "futex_wait"],
    ),
    "a config error": (
        config_error,
        ["vibeguard.yaml:3:", "unti", "unit"],
    ),
    "nothing has changed since a run with 50 failing checks of 300": (
        lambda _: told(failing_checks(50, of=300), failing_checks(50, of=300)),
        ["0 new, 50 still failing, 0 fixed", "| c0: src/m0.py:1: error: bad 0 (as before)"],
    ),
    "nothing has changed since a run with 1 failing check of 50": (
        lambda _: told(failing_checks(1, of=50), failing_checks(1, of=50)),
        ["| c0: src/m0.py:1: error: bad 0 (as before)", "0 new, 1 still failing, 0 fixed"],
    ),
}


def documented() -> dict[str, int]:
    text = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
    return {name: int(n) for name, n in re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.MULTILINE)}


@pytest.mark.parametrize("case", CASES)
def test_a_text_has_what_is_needed_to_act_in_as_many_bytes_as_the_docs_say(case, tmp_path):
    make, needed = CASES[case]
    text = make(tmp_path)
    assert [what for what in needed if what not in text] == []
    assert documented().get(case) == len(text.encode())


def test_the_docs_have_no_other_rows():
    assert set(documented()) == set(CASES)
