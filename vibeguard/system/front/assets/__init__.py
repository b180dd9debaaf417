"""Files that become part of a page: its style and its script, read when a page is written."""

from importlib.resources import files


def read_asset(name: str) -> str:
    """The text of `page.css` or `page.js`."""
    return (files(__name__) / name).read_text(encoding="utf-8")
