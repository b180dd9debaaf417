"""The HTML report as a real browser takes it: its script works, nothing else runs or is loaded.

Skipped where there is no Chromium; nothing but this file needs one.
"""

import json
import os
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers.histories import History, check
from tests.helpers.replays import replay
from vibeguard.core.model.config import Requirement
from vibeguard.core.wording.sanitise import break_commands
from vibeguard.system.front.assets import read_asset

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium (Debian: chromium)")

OPTIONS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
]
HOSTILE = (
    "</pre></dd></dl></details></td></tr></tbody></table></body></html>",
    "</title></style></script><script>document.body.dataset.ran = 1</script>",
    "<img src=x onerror='document.body.dataset.ran = 1'><svg onload='document.body.dataset.ran=1'>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x><iframe src=http://127.0.0.1:9/></iframe>",
    "' onmouseover='document.body.dataset.ran = 1' \" autofocus onfocus=\"alert(1)",
    "<!-- --!> ]]> <![CDATA[ &lt;script&gt; &#60;b&#62; \x1b[31m\x00\u202e\u200b</",
    "w" * 399,
    "\u4f60" * 399,
)
# Reads the report from outside: its own policy lets no script but its own run in it.
MEASURE = """<!doctype html><style>:root{{color-scheme:light dark}}</style>
<iframe width={width} height=900 srcdoc="{page}"></iframe><pre id=found></pre><script>
// What else is marked once a row has the focus, and what is left under a filter.
function pointed(root, page) {{
  root.querySelector('#c3 summary').focus()
  root.querySelector('#c3 summary').dispatchEvent(new page.FocusEvent('focusin', {{bubbles: true}}))
  return [...root.querySelectorAll('.near')].map(row => row.id)
}}
function filtered(root, page) {{
  const select = root.querySelector('.tools select')
  select.value = 'skipped'
  select.dispatchEvent(new page.Event('change'))
  return [...root.querySelectorAll('.check:not([hidden])')].map(row => row.id)
}}
onload = () => {{
  const frame = document.querySelector('iframe'), root = frame.contentDocument.documentElement
  root.querySelectorAll('details').forEach(details => details.open = true)
  const colour = name => frame.contentWindow.getComputedStyle(root.querySelector(name)).color
  document.querySelector('#found').textContent = JSON.stringify({{
    sticks_out: root.scrollWidth - root.clientWidth,
    loaded: frame.contentWindow.performance.getEntriesByType('resource').length,
    colours: [colour('.word.passed'), colour('.word.failed'), colour('.word.skipped')],
    drawn: root.querySelectorAll('svg .bar').length,
    near: pointed(root, frame.contentWindow),
    found: filtered(root, frame.contentWindow),
    dark: frame.contentWindow.matchMedia('(prefers-color-scheme: dark)').matches,
  }})
}}
</script>"""
# What Chromium paints behind a page that follows the reader's scheme.
LIGHT, DARK = (255, 255, 255), (18, 18, 18)


class Dom(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def names(self) -> list[str]:
        return [name for name, _ in self.elements]


def open_in_browser(page: Path, profile: Path, *options: str) -> tuple[Dom, str]:
    """The page's DOM once it has loaded, and what the browser's console said."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    assert BROWSER is not None
    command = [BROWSER, *OPTIONS, *sandbox, f"--user-data-dir={profile}", *options]
    done = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], capture_output=True, check=True, timeout=120
    )
    console = [line for line in done.stderr.decode().splitlines() if "CONSOLE" in line]
    return Dom(done.stdout.decode()), "\n".join(console)


def hostile_report() -> str:
    """A report in which every string that a config or a check can choose is an attack."""
    every = "\n".join(HOSTILE)
    ids = ["fine", "bad", "x" * 220, "after"]
    run = History(
        check("fine"),
        check("bad", run=every, suggestion=every, fix=every),
        check("x" * 220),
        check("after", requires=(Requirement("bad"),), tags=HOSTILE),
    )
    run.ready(*ids[:3])
    run.passes("fine")
    run.fails("bad", tail=HOSTILE)
    run.fails("x" * 220, tail=HOSTILE[2:])
    run.skip("after", cause="bad")
    folder = "<script>document.title=1</script>"
    return replay("html", run.finish().events, run_folder=folder, asset=read_asset)


def test_hostile_words_stay_words(tmp_path):
    """Whatever a check prints is text in the page: no element, no attribute, no script of it."""
    page = tmp_path / "report.html"
    page.write_text(hostile_report(), encoding="utf-8")
    dom, console = open_in_browser(page, tmp_path / "profile")
    assert console == ""
    assert not {"img", "iframe", "link"} & set(dom.names())
    assert dom.names().count("script") == 2
    assert dom.names().count("svg") == 1
    assert dom.names().count("details") == 4
    assert dom.elements[dom.names().index("body")][1] == {}
    assert not [name for _, attributes in dom.elements for name in attributes if name[:2] == "on"]
    assert all(line in dom.text for line in HOSTILE[:5])


def test_no_service_breaks_a_line_of_the_script_that_its_hash_vouches_for():
    """Under CI the writer breaks what a service would obey; a changed script would not run."""
    for name in ("page.css", "page.js"):
        assert break_commands(read_asset(name)) == read_asset(name)
        assert read_asset(name).isascii()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_fits_can_be_read_and_nothing_is_loaded(tmp_path, width, scheme):
    """On a telephone and a screen no line sticks out, and status words stand out enough."""
    page = tmp_path / "outer.html"
    outer = MEASURE.format(width=width, page=escape(hostile_report()))
    page.write_text(outer, encoding="utf-8")
    options = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    dom, _ = open_in_browser(page, tmp_path / "profile", *options)
    found = json.loads(re.findall(r"\{\"sticks_out.*\}", dom.text)[-1])
    assert found["dark"] == (scheme == "dark")
    assert found["sticks_out"] == 0
    assert found["loaded"] == 0
    assert found["drawn"] == 3
    assert found["near"] == ["c1"]
    assert found["found"] == ["c3"]
    for colour in found["colours"]:
        red, green, blue = map(int, re.findall(r"\d+", colour))
        assert contrast((red, green, blue), DARK if found["dark"] else LIGHT) >= 4.5


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """How far two colours stand apart: WCAG 2.2, contrast ratio; 4.5 is enough for text."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
