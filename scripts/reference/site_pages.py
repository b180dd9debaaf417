"""Lay the pages of the site: what docs/ has for GitHub and for our tests, as a site can show it.

Links to files outside of docs/ become their names, for a site has no such files. Of a fence's words
the first stays: the others tell the tests what to do with the example.
"""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?!adr/)[^)\s]+\)")
_FENCE = re.compile(r"^( *```\w+) .*$", re.MULTILINE)
# Not for readers: an entry for a catalogue, and the run that the pictures are drawn from.
_LEFT_OUT = shutil.ignore_patterns("schemastore", "shop")


def page_for_a_site(markdown: str) -> str:
    """The page without those. A page of docs/adr/ may well link up into docs/."""
    linked = _OUTSIDE.sub(lambda link: link[0] if ".md" in link[0] else link[1], markdown)
    return _FENCE.sub(r"\1", linked)


def lay(source: Path, target: Path) -> None:
    """Write the pages anew, with the pictures beside them."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=_LEFT_OUT)
    for page in target.rglob("*.md"):
        text = page_for_a_site(page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    lay(ROOT / "docs", ROOT / "build" / "pages")
