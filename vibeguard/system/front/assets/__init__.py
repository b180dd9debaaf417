"""Files that become part of pages: their style and their scripts, read when a page is written."""

from importlib.resources import files


def read_asset(name: str) -> str:
    """The text of a file beside this one: `page.css`, `list.js`, `timeline.js`."""
    return (files(__name__) / name).read_text(encoding="utf-8")
