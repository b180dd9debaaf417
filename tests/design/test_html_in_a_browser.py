"""The HTML report as a real browser takes it: its script works, nothing else runs or is loaded.

Skipped where there is no Chromium; the rules of axe-core where `scripts/node` has not put it.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.helpers.browser import MISSING, PROGRAM, browser
from tests.helpers.pages import (
    HOSTILE,
    hostile_past,
    hostile_run,
    page_of,
    page_of_past,
    past_runs,
    run_of,
)
from vibeguard.core.wording.sanitise import break_commands
from vibeguard.system.front.assets import read_asset

pytestmark = [pytest.mark.skipif(PROGRAM is None, reason=MISSING), pytest.mark.slow]

AXE = Path(__file__).parents[1] / "node/node_modules/axe-core/axe.min.js"
SCREENS = {"phone": (320, 640), "laptop": (1280, 800), "wide": (2560, 1440)}
DRAWN = "new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))"
CHART = """new Promise(done => (function look() {
    document.querySelector('svg .critical') ? done() : requestAnimationFrame(look) })())"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The file of each run, by name."""
    folder = tmp_path_factory.mktemp("pages")
    runs = {
        "hostile": hostile_run(),
        "none": run_of(0),
        "few": run_of(8, 2),
        "many": run_of(300, 12),
        "passed": run_of(8),
    }
    for name, run in runs.items():
        (folder / f"{name}.html").write_text(page_of(run, editor="vscode"), encoding="utf-8")
    pasts = {"past": past_runs(400, 30), "hostile past": hostile_past()}
    for name, past in pasts.items():
        (folder / f"{name}.html").write_text(page_of_past(past), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    file = tmp_path_factory.mktemp("huge") / "huge.html"
    file.write_text(page_of(run_of(10_000, 40)), encoding="utf-8")
    return file


def opened(chromium, pages, name, screen="laptop", **look):
    width, height = SCREENS[screen]
    return chromium.page(pages / f"{name}.html", width=width, height=height, **look)


def test_hostile_words_stay_words(chromium, pages):
    """Whatever a check prints is text in the page: no element, no attribute, no script of it."""
    page = opened(chromium, pages, "hostile")
    page.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    page.value("document.querySelectorAll('summary').forEach(each => each.focus())")
    page.value(DRAWN)
    found = page.value(
        """(() => { const all = [...document.querySelectorAll('*')]; return {
        names: [...new Set(all.map(each => each.localName))],
        scripts: document.scripts.length,
        checks: document.querySelectorAll('.check').length,
        handlers: all.flatMap(each => each.getAttributeNames()).filter(name => /^on/.test(name)).length,
        ran: document.body.dataset.ran ?? null,
        links: [...document.links].map(link => link.protocol),
        text: document.body.textContent}})()"""
    )
    assert page.complaints() == []
    assert page.requests() == []
    assert not {"img", "iframe", "link"} & set(found["names"])
    assert found["scripts"] == 2
    assert found["checks"] == 4
    assert found["handlers"] == 0
    assert found["ran"] is None
    assert set(found["links"]) <= {"vscode:"}
    assert all(line in found["text"] for line in HOSTILE[:5])


def test_a_template_of_a_link_that_would_run_is_no_link(chromium, tmp_path):
    """A log that somebody else wrote says where links lead, too."""
    (tmp_path / "page.html").write_text(page_of(hostile_run()), encoding="utf-8")
    assert chromium.page(tmp_path / "page.html").value("document.links.length") == 0


def test_no_service_breaks_a_line_of_the_script_that_its_hash_vouches_for():
    """Under CI the writer breaks what a service would obey; a changed script would not run."""
    for name in ("page.css", "list.js", "timeline.js"):
        assert break_commands(read_asset(name)) == read_asset(name)
        assert read_asset(name).isascii()


@pytest.mark.parametrize("name", ["hostile", "few", "many", "none", "past", "hostile past"])
def test_everything_fits_and_failures_are_never_below_the_fold(chromium, pages, name):
    """On each screen, light and dark, of a page that is loaded once, and then follows its window."""
    page = opened(chromium, pages, name, "phone")
    for (width, height), dark in itertools.product(SCREENS.values(), (False, True)):
        page.look(width=width, height=height, dark=dark)
        found = page.value(
            """({sticks_out: document.documentElement.scrollWidth - innerWidth,
            first: document.querySelector('.cards summary')?.getBoundingClientRect().top ?? 0,
            width: innerWidth, height: innerHeight,
            dark: getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'})"""
        )
        assert (found["width"], found["height"]) == (width, height)
        assert found["sticks_out"] == 0
        if "hostile" not in name:  # its branch alone is 400 characters
            assert found["first"] + 40 < found["height"]
        assert found["dark"] == dark
    page.close()


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: run scripts/node")
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(chromium, pages, dark):
    for name, screen in (
        ("few", "laptop"),
        ("many", "phone"),
        ("hostile", "laptop"),
        ("none", "phone"),
        ("past", "phone"),
        ("hostile past", "laptop"),
    ):
        page = opened(chromium, pages, name, screen, dark=dark)
        page.value(AXE.read_text(encoding="utf-8"))
        found = page.value(
            """axe.run({resultTypes: ['violations']}).then(done => done.violations.map(
            one => [one.id, one.nodes[0].html, one.nodes[0].failureSummary]))"""
        )
        assert found == [], name
        page.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_the_history_of_four_hundred_runs_is_a_low_row_a_check_and_shows_the_newest(
    chromium, pages, screen
):
    page = opened(chromium, pages, "past", screen)
    found = page.value(
        """(() => { const box = each => each.getBoundingClientRect();
        return {rows: [...document.querySelectorAll('.over-time li')].map(row => box(row).height),
        edges: [...document.querySelectorAll('.over-time .history')].map(plot => {
            const bars = plot.querySelectorAll('rect'), last = box(bars[bars.length - 1]);
            return [box(plot).right - last.right, bars.length]})}})()"""
    )
    assert len(found["rows"]) == 30
    assert max(found["rows"]) < 160  # on a phone its words are four lines
    assert all(0 <= right < 4 and bars <= 60 for right, bars in found["edges"])


def test_the_history_is_read_by_keys_and_its_hostile_words_stay_words(chromium, pages):
    """Its table is wider than a phone: the keys reach it, and it moves."""
    page = opened(chromium, pages, "hostile past", "phone")
    assert page.value("document.querySelectorAll('script, img, iframe, link').length") == 0
    assert page.value("document.body.dataset.ran ?? null") is None
    assert HOSTILE[3] in page.value("document.body.textContent")  # the branch
    page.press("Tab")
    assert page.value("document.activeElement.className") == "scroll"
    assert page.value("document.activeElement.scrollWidth > innerWidth")
    assert page.complaints() == []
    assert page.requests() == []


def test_the_critical_path_is_drawn_and_said_and_waiting_is_apart(chromium, pages):
    page = opened(chromium, pages, "few")
    page.value("document.getElementById('timeline').scrollIntoView()")
    page.value(CHART)
    found = page.value(
        """({bars: [...document.querySelectorAll('svg .bar')].map(
            path => path.getAttribute('d').split('M').length - 1).reduce((a, b) => a + b),
        path: document.querySelector('svg .critical').getAttribute('d'),
        queue: document.querySelectorAll('svg .queue').length,
        said: document.querySelector('.path').textContent})"""
    )
    assert found["bars"] == 8
    assert found["path"].startswith("M")
    assert "critical path" in found["said"]
    assert "ms of" in found["said"]


def test_a_walk_by_keys_alone(chromium, pages):
    """Failures by n and p, rows by j and k, the filter by /, chips and rows by Tab and Enter."""
    page = opened(chromium, pages, "many")
    at = "document.activeElement.closest('.check')?.id ?? document.activeElement.type"
    cards = page.value("[...document.querySelectorAll('.cards .check')].map(each => each.id)")
    page.press("n", "n")
    assert page.value(at) == cards[1]
    page.press("p", "p")
    assert page.value(at) == cards[-1]
    page.press("j")
    first = page.value(at)
    assert first not in cards
    assert page.value("document.activeElement.parentElement.open") is False
    page.press("Enter")
    assert page.value("document.activeElement.parentElement.open") is True
    page.press("/")
    page.press("0", "0", "2", "9", "9")
    page.value(DRAWN)
    assert page.value("[...document.querySelectorAll('.check')].map(e => e.id)") == ["c299"]
    assert page.value("document.querySelector('output').textContent") == "1 of 300"
    page.press("Escape")
    assert page.value("document.querySelector('output').textContent") == ""
    page.value("document.querySelector('.tally .skipped button').focus()")
    page.press(" ")
    assert page.value(
        "[...document.querySelectorAll('.check')].every(e => /skipped/.test(e.className))"
    )
    page.press("Tab")
    assert page.value(at) == "button"


def test_the_list_is_sorted_and_grouped_and_a_bar_under_the_pointer_says_what_it_needs(
    chromium, pages
):
    page = opened(chromium, pages, "many", "wide")
    choose = """(name, value) => { const one = document.querySelector(`[aria-label=${name}]`);
        one.value = value; one.dispatchEvent(new Event('change')); }"""
    page.value(f"({choose})('Sort', 'time')")
    took = page.value(
        "[...document.querySelectorAll('.rows .time')].map(e => parseFloat(e.textContent))"
    )
    assert len(took) >= 100
    assert took == sorted(took, reverse=True)
    page.value(f"({choose})('Group', 'tag')")
    heads = page.value("[...document.querySelectorAll('#rest h3')].map(each => each.textContent)")
    assert sorted(head.split(" (")[0] for head in heads) == ["lint", "unit"]
    page.value("document.getElementById('timeline').scrollIntoView()")
    page.value(CHART)
    at = page.value(
        """(() => { const lane = document.querySelector('svg .lane').getBoundingClientRect();
        return [lane.left + 3, lane.top + lane.height / 2]})()"""
    )
    page.ask("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])
    page.value(DRAWN)
    said = page.value("document.querySelector('.legend').textContent")
    assert said.startswith("unit-00000: passed, ran ")
    assert "Needs nothing." in said


def test_a_row_with_the_focus_marks_what_it_needs_and_what_needs_it(chromium, pages):
    page = opened(chromium, pages, "hostile")
    page.value(DRAWN)
    page.value("document.querySelector('#c3 summary').focus()")
    assert page.value("[...document.querySelectorAll('.near')].map(row => row.id)") == ["c1"]
    assert "Needs bad" in page.value("document.querySelector('.legend').textContent")


def test_where_no_script_runs_it_is_a_list_that_is_whole(chromium, pages):
    page = opened(chromium, pages, "many", script=False)
    page.ask("Emulation.setScriptExecutionDisabled", value=False)  # ours alone may read it
    found = page.value("document.querySelector('.plain').checkVisibility()")
    assert found is True
    text = page.value("document.querySelector('main').textContent")
    assert all(f"-{n:05d}" in text for n in range(300))
    assert page.value("document.querySelectorAll('button, input, select').length") == 0


@contextmanager
def served(folder: Path, policy: str) -> Iterator[str]:
    """The address of a server that sends this policy with each page of the folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            file = folder / self.path.strip("/")
            self.wfile.write(file.read_bytes() if file.is_file() else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_where_a_server_refuses_every_script_it_is_the_same_list(chromium, pages):
    """As forges and CI services show artifacts: `script-src 'none'`, in a sandbox."""
    with served(pages, "script-src 'none'; sandbox allow-same-origin") as address:
        page = chromium.page(f"{address}/many.html")
        assert page.value("document.querySelector('.plain').checkVisibility()") is True
        text = page.value("document.querySelector('main').textContent")
        assert all(f"-{n:05d}" in text for n in range(300))
        assert page.value("document.querySelectorAll('button, input, select').length") == 0
        assert (
            page.value("getComputedStyle(document.querySelector('h1')).color") == "rgb(198, 42, 34)"
        )
        past = chromium.page(f"{address}/past.html")
        assert past.value("document.querySelectorAll('.over-time li').length") == 30
        assert past.complaints() == []


def test_not_even_the_page_s_own_script_can_make_markup_of_a_string(chromium, pages):
    """The browser holds it to textContent."""
    page = opened(chromium, pages, "few")
    with pytest.raises(RuntimeError, match="Trusted"):
        page.value("document.body.innerHTML = '<b>markup</b>'")
    assert page.value("document.querySelectorAll('.check').length") == 8


def test_printed_it_has_no_tools_and_dark_ink(chromium, pages):
    page = opened(chromium, pages, "few", dark=True, printed=True)
    assert page.value("getComputedStyle(document.querySelector('.tools')).display") == "none"
    assert page.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"


def test_nothing_moves_for_those_who_ask_for_stillness(chromium, pages):
    moves = """[...document.querySelectorAll('*')].filter(
        each => parseFloat(getComputedStyle(each).transitionDuration) > 0).length"""
    assert opened(chromium, pages, "few", still=True).value(moves) == 0
    assert opened(chromium, pages, "few").value(moves) > 0


def test_ten_thousand_checks_are_drawn_where_they_are_looked_at(chromium, huge):
    """What is not near the window is not there; a filter finds it all the same."""
    page = chromium.page(huge, width=1280, height=800)
    page.value(DRAWN)
    assert page.value("document.querySelectorAll('*').length") < 3000
    assert page.value("document.querySelector('.cards summary').getBoundingClientRect().top") < 700
    page.value("document.querySelector('input').focus()")
    page.press("0", "9", "9", "9", "9")
    page.value(DRAWN)
    assert page.value("[...document.querySelectorAll('.check')].map(e => e.id)") == ["c9999"]
    page.press("Escape")
    page.value("scrollTo(0, document.body.scrollHeight)")
    page.value(
        "new Promise(done => setTimeout(function look() {"
        "document.getElementById('c9999') ? done() : requestAnimationFrame(look) }))"
    )
    assert page.value("document.querySelectorAll('.check').length") < 2000
