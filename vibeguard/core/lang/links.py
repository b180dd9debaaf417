"""Templates of links: `vscode://file{root}/{file}:{line}:{column}`, or the name of an editor."""

import re

from vibeguard.core.lang.errors import LanguageError, quoted

EDITORS = {
    "cursor": "cursor://file{root}/{file}:{line}:{column}",
    "idea": "idea://open?file={root}/{file}&line={line}&column={column}",
    "vscode": "vscode://file{root}/{file}:{line}:{column}",
    "vscodium": "vscodium://file{root}/{file}:{line}:{column}",
    "zed": "zed://file{root}/{file}:{line}:{column}",
}
FIELDS = ("root", "file", "line", "column", "commit", "branch")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")
_FIELD = re.compile(r"\{([^{}]*)\}")
# What a browser would run, or show as a page of ours.
_FORBIDDEN = ("javascript", "data", "vbscript", "blob", "about", "view-source")


def link_template(written: str) -> str:
    """The template that a text means. Raises LanguageError when it is none."""
    template = EDITORS.get(written, written)
    scheme = _SCHEME.match(template)
    if scheme is None or not scheme[2] or scheme[1].lower() in _FORBIDDEN:
        raise LanguageError(
            f"{quoted(written)} is no template of a link",
            f"write one of {', '.join(EDITORS)}, or an address like {EDITORS['vscode']}",
        )
    for field in _FIELD.findall(template):
        if field not in FIELDS:
            raise LanguageError(
                f"a link knows no {{{field}}}", f"use {', '.join(f'{{{f}}}' for f in FIELDS)}"
            )
    return template


def fill_link(template: str, **values: str | int) -> str:
    """The address, with every value percent-encoded; empty if the template is none."""
    try:
        template = link_template(template)
    except LanguageError:  # of a log that somebody else wrote
        return ""
    from urllib.parse import quote  # noqa: PLC0415 - only where there are links

    return _FIELD.sub(lambda field: quote(str(values[field[1]]), safe="/"), template)
