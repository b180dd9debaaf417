"""The frame of every page: what it may run and load, and how untrusted text gets into it.

Untrusted text is escaped where it becomes markup, and is data where a script reads it. The policy
allows only the style and the script whose hashes it names, allows nothing to be fetched, and does
not allow that script to turn a string into markup.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape

from vibeguard.core.wording.sanitise import sanitise


def document(
    title: str, body: Iterable[str], *, style: str, script: str = "", data: str = ""
) -> Iterator[str]:
    """The parts of a page; `title` is markup already, `data` the JSON that the script reads."""
    allowed = f"script-src '{_hash(script)}'; " if script else ""
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    yield (
        '<meta http-equiv="Content-Security-Policy" content="'
        f"default-src 'none'; style-src '{_hash(style)}'; {allowed}base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'\">\n"
    )
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
    yield '<meta name="referrer" content="no-referrer">\n'
    yield f"<title>{title}</title>\n<style>{style}</style></head><body>\n"
    yield from body
    if data:
        yield f'<script type="application/json" id="data">{_inside_script(data)}</script>\n'
    yield (f"<script>{script}</script>" if script else "") + "</body></html>\n"


def text(untrusted: str) -> str:
    """One line of untrusted text as markup."""
    return escape(sanitise(untrusted))


def block(untrusted: str) -> str:
    """The same, of several lines."""
    return escape(sanitise(untrusted, multiline=True).strip())


def heading(verdict: str, shown: str = "") -> str:
    """The first thing to read: the verdict, in its colour."""
    dot = '<span class="dot" aria-hidden="true"></span>'
    return f'<h1 class="{verdict}">{dot}{shown or verdict.capitalize()}</h1>\n'


def command(line: str, label: str) -> str:
    """A command to take along, which a script may give a button."""
    shown = f'<span class="prompt" aria-hidden="true">$ </span><code>{text(line)}</code>'
    return f'<p class="command"><span class="label">{label}</span> {shown}</p>\n'


def _hash(inline: str) -> str:
    """The name by which a policy allows an inline style or script."""
    return "sha256-" + b64encode(sha256(inline.encode()).digest()).decode()


def _inside_script(json: str) -> str:
    """No character in it can end the block or begin a comment; the value stays the same."""
    return json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
