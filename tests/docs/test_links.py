"""Links and names in the documentation lead somewhere."""

import re

import pytest

from tests.docs.examples import ROOT, pages
from vibeguard.system import history, prune
from vibeguard.system.front import gate, leftovers
from vibeguard.system.journal import creation
from vibeguard.system.rundir import control, notes

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(?:[\w./]+/)?(test_\w+)(?:\.py)?`")
FILE = re.compile(r"`((?:tests|scripts|vibeguard|examples|schemas)/[\w./-]+)`")
DOCUMENTS = [*pages(), *sorted(ROOT.glob("docs/adr/*.md")), ROOT / "CHANGELOG.md"]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page) -> None:
    """A relative link names a file of this repository, and a heading in it if it names one."""
    dead = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            dead.append(link)
    assert dead == []


def test_every_page_is_reachable_from_the_index() -> None:
    """docs/index.md names each page beside it."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    named = set(LINK.findall(index))
    here = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert here <= named


@pytest.fixture(scope="module")
def words_of_tests() -> set[str]:
    """Every word of the code and the file names of the tests."""
    files = ROOT.glob("tests/**/*.py")
    return {
        word
        for file in files
        for word in re.findall(r"\w+", f"{file.name} {file.read_text(encoding='utf-8')}")
    }


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_and_file_that_a_page_names_exists(page, words_of_tests) -> None:
    """A decision says which test would notice that it was wrong: that one is there."""
    text = page.read_text(encoding="utf-8")
    assert [name for name in TEST.findall(text) if name not in words_of_tests] == []
    assert [name for name in FILE.findall(text) if not (ROOT / name).exists()] == []


def test_the_map_names_every_room() -> None:
    """docs/architecture.md has each folder and file of the package, of its core and its system."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "vibeguard"
    rooms = [room for place in (package / "core", package / "system") for room in place.iterdir()]
    names = {f"{room.name}/" if room.is_dir() else room.name for room in rooms}
    assert [name for name in sorted(names) if "__" not in name and name not in text] == []


def test_the_page_on_the_log_names_every_file_beside_it() -> None:
    """Who looks into .vibeguard finds out what each thing there is."""
    files = {
        *(history.NAME, gate.NAME, control.CONTROL, creation.LOG_NAME, creation.OUTPUT),
        *(creation.RESERVE_NAME, prune.SIZE_NAME, notes.DIFFERENCES, notes.KILLED),
        *(notes.TRACEBACK, leftovers.SWEPT_NAME),
    }
    tree = (ROOT / "docs" / "log.md").read_text(encoding="utf-8").split("```text\n")[1]
    assert [
        name for name in sorted(files) if not re.search(rf"^ +{name}\b", tree, re.MULTILINE)
    ] == []


def test_the_index_of_decisions_names_each_of_them_once() -> None:
    index = ROOT / "docs" / "adr" / "README.md"
    named = LINK.findall(index.read_text(encoding="utf-8"))
    there = {page.name for page in index.parent.glob("[0-9]*.md")}
    assert sorted(name for name in named if "/" not in name) == sorted(there)
