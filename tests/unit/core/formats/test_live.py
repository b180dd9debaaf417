"""Live rows on a real terminal emulator: what a person sees, not which bytes were sent."""

import pyte
import pytest

from tests.helpers.histories import SECOND, History, check
from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES, on_workers
from vibeguard.core.fold.fold import apply
from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.formats.live import LiveFormat
from vibeguard.core.model.plan import ResolvedSettings
from vibeguard.core.model.state import State
from vibeguard.core.names import Outcome


class Terminal:
    """A screen fed as a terminal in cooked mode is: a newline goes to the first column."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self.stream = pyte.Stream(self.screen)

    def write(self, text: str) -> None:
        self.stream.feed(text.replace("\n", "\r\n"))

    def lines(self) -> list[str]:
        top = ["".join(c.data for _, c in sorted(row.items())) for row in self.screen.history.top]
        return [line.rstrip() for line in [*top, *self.screen.display] if line.strip()]


def play(run: History, terminal: Terminal, live: LiveFormat, *, finish: bool = True) -> None:
    state = State()
    for event in run.events:
        apply(state, event)
        terminal.write(live.feed(state, event))
        terminal.write(live.frame(state, event.t + SECOND // 3))
    if finish:
        terminal.write(live.finish(state))


@pytest.mark.parametrize("columns", [20, 33, 80])
@pytest.mark.parametrize("sample", SAMPLES)
def test_at_the_end_only_the_permanent_lines_remain(sample, columns):
    """The same lines as where nothing is drawn, wrapped as a terminal wraps them."""
    run = SAMPLES[sample]()
    terminal = Terminal(columns)
    play(run, terminal, LiveFormat(FormatOptions(columns=columns)))
    plain = Terminal(columns)
    plain.write(replay("text", run.events, columns=columns, run_folder=""))
    assert terminal.lines() == plain.lines()
    assert not terminal.screen.cursor.hidden


def test_the_rows_say_what_runs_for_how_long_and_what_is_left():
    run = SAMPLES["unfinished"]()
    terminal = Terminal()
    play(run, terminal, LiveFormat(FormatOptions(columns=80)), finish=False)
    *_, running, status = terminal.lines()
    assert running == "  b 5.3s, about 14s left"
    assert status.endswith("1/3, 1 failed, 1 running, 1 waiting, 5.3s")
    assert terminal.screen.cursor.hidden


def test_the_rows_say_where_a_check_runs_and_what_worker_another_one_waits_for():
    run = on_workers()
    terminal, live = Terminal(100, 30), LiveFormat(FormatOptions(columns=100, rows=30))
    play(run, terminal, live, finish=False)
    terminal.write(live.frame(run.state, run.at))
    rows = [row.strip() for row in terminal.screen.display]
    assert "infer 500ms of 1m30s, on gpu2.example.org" in rows
    assert "wide waiting 8.5s for a worker with gpu, x86; present: gpu; x86" in rows


def test_a_frame_never_fills_the_last_column_nor_more_rows_than_there_are():
    run = History(*[check(f"a-check-with-quite-a-long-name-{n}") for n in range(60)])
    ids = [f"a-check-with-quite-a-long-name-{n}" for n in range(60)]
    run.ready(*ids)
    for id_ in ids[:4]:
        run.start(id_)
    for columns in (5, 20, 40):
        live = LiveFormat(FormatOptions(columns=columns, rows=4))
        frame = live.frame(run.state, SECOND)
        screen = Terminal(columns, 4)
        screen.write(frame)
        assert len(screen.lines()) <= 3
        assert all(len(line) < columns for line in screen.screen.display if line.rstrip() == line)


def test_a_long_id_does_not_hide_how_long_it_has_been_running():
    run = History(check("x" * 200))
    run.ready("x" * 200)
    run.start("x" * 200)
    terminal = Terminal(30)
    terminal.write(LiveFormat(FormatOptions(columns=30)).frame(run.state, 65 * SECOND))
    assert terminal.lines()[0].endswith(".. 1m5s")


def test_what_a_check_waits_for_gives_way_to_its_name():
    name = "end-to-end-tests-of-the-shop"
    run = History(check("a"), check(name), settings=ResolvedSettings(parallel=1, async_parallel=1))
    run.ready("a", name)
    run.start("a")
    run.queue(name)
    terminal = Terminal(40)
    terminal.write(LiveFormat(FormatOptions(columns=40)).frame(run.state, 8 * SECOND))
    assert terminal.lines()[1] == "  end-to-end-tests-of-th.. waiting 8s.."


def test_a_terminal_that_shrinks_is_left_clean():
    """Rows drawn wide take more rows when narrow; all of them are taken away."""
    run = SAMPLES["unfinished"]()
    # A terminal reflows what is on it: as if it had been written at the new width.
    terminal = Terminal(20)
    terminal.write("above\n")
    live = LiveFormat(FormatOptions(columns=80))
    terminal.write(live.frame(run.state, run.at))
    live.resize(20, 24)
    terminal.write(live.frame(run.state, run.at + SECOND))
    assert terminal.lines()[0] == "above"
    assert len(terminal.lines()) == 3


def test_an_unchanged_frame_is_not_drawn_again():
    run = SAMPLES["unfinished"]()
    live = LiveFormat(FormatOptions())
    assert live.frame(run.state, run.at)
    assert live.frame(run.state, run.at) == ""


def test_each_update_is_one_synchronized_step():
    run = SAMPLES["unfinished"]()
    live = LiveFormat(FormatOptions())
    failed = next(event for event in run.events if getattr(event, "outcome", ""))
    for text in (live.frame(run.state, run.at), live.feed(run.state, failed)):
        assert text.startswith("\x1b[?2026h")
        assert text.endswith("\x1b[?2026l")


def test_clearing_twice_does_nothing_more():
    run = SAMPLES["unfinished"]()
    live = LiveFormat(FormatOptions())
    live.frame(run.state, run.at)
    assert live.clear().endswith("\x1b[?25h")
    assert live.clear() == ""


def test_ten_thousand_checks_draw_at_most_twenty_rows():
    run = History(*[check(f"c{n}") for n in range(2000)])
    run.ready(*[f"c{n}" for n in range(2000)])
    for n in range(4):
        run.start(f"c{n}")
    run.after(SECOND).exit("c0")
    run.settle("c0", Outcome.PASSED)
    frame = LiveFormat(FormatOptions(rows=200)).frame(run.state, run.at)
    assert frame.count("\n") == 3
