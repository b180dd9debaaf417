"""Links and names in the documentation lead somewhere."""

import re

import pytest

from tests.docs.examples import ROOT, pages

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
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
