"""What a person sees of a run that goes on, on terminals of three widths, as it was agreed on.

`python -m tests.golden.test_frames` writes the files anew; the diff is then for people to judge.
"""

from pathlib import Path

import pyte
import pytest

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.fold.fold import apply
from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.formats.live import LiveFormat, Seen
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.state import State
from vibeguard.core.names import Pool

FOLDER = Path(__file__).parent / "frames"
WIDTHS = (20, 80, 200)
SEEN = Seen(
    {"unit": "tests/test_app.py::test_7 PASSED", "e2e": "GET /\x1b[31mlogin\x07 200"}, 21 * SECOND
)


def a_run() -> History:
    """Two slots, one group: something runs, fails, waits for a slot, a group, other checks."""
    run = History(
        check("unit", expected_ns=20 * SECOND, timeout_ns=60 * SECOND),
        check("migrate", group="db"),
        check("seed", group="db"),
        check("lint"),
        check("e2e", pool=Pool.BACKGROUND, timeout_ns=600 * SECOND),
        check("types"),
        settings=ResolvedSettings(parallel=2, async_parallel=1),
    )
    run.ready("types", "unit", "migrate", "seed", "lint", "e2e")
    run.start("e2e")
    run.fails("types", tail=("src/x.py:3: error: wrong type",))
    run.start("unit")
    run.start("migrate")
    run.queue("seed")
    run.queue("lint")
    return run.after(4 * SECOND)


def screen_of(columns: int, *, unicode: bool = False) -> str:
    """The screen after the events and one frame, as a terminal has it."""
    run, state = a_run(), State()
    screen = pyte.Screen(columns, 24)
    stream = pyte.Stream(screen)
    live = LiveFormat(FormatOptions(columns=columns, rows=24, unicode=unicode))
    for event in run.events:
        apply(state, event)
        stream.feed(live.feed(state, event).replace("\n", "\r\n"))
        stream.feed(live.frame(state, event.t, SEEN).replace("\n", "\r\n"))
    stream.feed(live.frame(state, run.at, SEEN).replace("\n", "\r\n"))
    return "".join(f"{line.rstrip()}\n" for line in screen.display if line.strip())


def cases() -> dict[str, str]:
    shown = {f"{columns}": screen_of(columns) for columns in WIDTHS}
    return {**shown, "80-unicode": screen_of(80, unicode=True)}


@pytest.mark.parametrize("name", [*map(str, WIDTHS), "80-unicode"])
def test_a_frame_looks_as_it_was_agreed(name):
    assert cases()[name] == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_nothing_but_ascii_is_drawn_where_nobody_said_that_more_is_shown():
    assert all(screen_of(columns).isascii() for columns in WIDTHS)
    assert not screen_of(80, unicode=True).isascii()


def test_what_a_check_writes_cannot_move_the_cursor():
    assert "GET /login\\x07 200" in screen_of(200)


if __name__ == "__main__":
    for each, text in cases().items():
        (FOLDER / f"{each}.txt").write_text(text, encoding="utf-8", newline="\n")
