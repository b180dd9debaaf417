"""A hook of mkdocs: what the pages have for GitHub and for our tests, as a site can show it.

Links to files outside of docs/ become their names, for a site has no such files. Of a fence's words
the first stays: the others tell the tests what to do with the example.
"""

import re

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?!adr/)[^)\s]+\)")
_FENCE = re.compile(r"^( *```\w+) .*$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page without those. A page of docs/adr/ may well link up into docs/."""
    linked = _OUTSIDE.sub(lambda link: link[0] if ".md" in link[0] else link[1], markdown)
    return _FENCE.sub(r"\1", linked)
