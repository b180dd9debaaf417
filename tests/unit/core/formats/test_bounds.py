"""Whatever one check's author and tools wrote: what a format makes of it has a bound, and says so."""

import pytest

from tests.helpers.histories import History, check
from tests.helpers.replays import replay
from vibeguard.core.formats.registry import FORMATS
from vibeguard.core.model.config_parts import Trigger, Triggers
from vibeguard.core.model.event_parts import Excerpt, TriggeredPrompt
from vibeguard.core.names import Outcome, Reason

HUGE = "word " * 180_000
BEARABLE = 250_000  # characters, for one check; the document has some texts twice


def run_of_long_texts() -> History:
    """One check that has failed: nearly a megabyte in each text, where nothing bounds it before."""
    prompt = TriggeredPrompt(source="p", content=HUGE, event="failure")
    unit = check(
        "unit",
        run=HUGE,
        suggestion=HUGE,
        fix=HUGE,
        assertion=f"1 == {HUGE[:32_000]}",
        on=Triggers(failure=(Trigger("p", HUGE),) * 30),
    )
    run = History(unit, check("last"))
    run.ready("unit", "last")
    run.start("unit")
    extracted = {
        "unmatched": (HUGE[:32_000],),
        "assertion": unit.assertion,
        "assertion_result": False,
    }
    run.exit("unit", extracted=extracted)
    shown = {"excerpt": Excerpt("rule", (HUGE[:400],) * 20), "tail": (HUGE[:400],) * 10}
    settled = {"detail": HUGE, "prompts": (prompt,) * 30, **shown}
    run.settle("unit", Outcome.FAILED, Reason.ASSERTION, **settled)
    run.fails("last", tail=("the last words",))
    return run.finish()


@pytest.fixture(scope="module")
def long_texts() -> History:
    return run_of_long_texts()


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"jsonl"}))  # which is the log itself
def test_no_text_of_a_config_makes_a_format_unbearably_long(name: str, long_texts: History) -> None:
    assert len(replay(name, long_texts.events)) < BEARABLE


def test_what_is_cut_is_said(long_texts: History) -> None:
    for name in ("json", "text", "markdown", "html"):
        assert "characters left out]" in replay(name, long_texts.events), name
    assert "10 more prompts left out" in replay("json", long_texts.events)


def test_markdown_drops_what_does_not_fit_and_nothing_that_does() -> None:
    """A paragraph without room takes no later one along, and each failure has at least its row."""
    tail = ("x" * 399,) * 20
    ids = [f"c{n}" for n in range(300)]
    run = History(*(check(id_) for id_ in (*ids, "passing", "short")))
    run.ready(*ids, "passing", "short")
    run.passes("passing")
    for id_ in ids:
        run.fails(id_, tail=tail)
    run.fails("short")
    text = replay("markdown", run.finish().events)
    assert len(text.encode()) < 900_300
    assert "### ❌ <code>short</code> failed" in text
    assert "<code>c299</code> failed" not in text
    assert all(f"| <code>{id_}</code> | failed |" in text for id_ in (*ids, "short"))
    assert "| <code>passing</code> | passed |" in text
    assert text.endswith("more rows and paragraphs.\n")
