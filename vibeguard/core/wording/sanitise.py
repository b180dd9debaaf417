r"""The one door through which strings that are not from our own source reach a reader.

What a terminal, a person's eye or a CI service would take for more than text is taken out or made
visible: escape sequences are dropped; other control characters (C0, DEL, C1), characters that
reorder or hide text (bidi controls, zero-width characters, tags) and line separators become
escapes such as `\x07` and `\u202e`; lone surrogates and noncharacters become U+FFFD.
"""

import re

# Patterns are compiled by `re` when a text needs one: hardly any does (`sanitise`, first lines).
# Well-formed sequences: CSI, OSC, the string kinds (DCS, SOS, PM, APC), then other short ones.
# Each branch stops at the next introducer, so the time is linear in the text.
_ESCAPE_SEQUENCE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x90\x98\x9c\x9e\x9f]*(?:\x1b\\|\x9c)"
    r"|\x1b(?:[ -/]+[0-~]|[0-OQ-WYZ\\`-~])"
)
# ZWJ, ZWNJ and variation selectors stay: scripts and emoji need them, and they hide nothing.
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f"
)
_BROKEN = "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_HAZARD = f"[\x00-\x1f\x7f-\x9f{_HIDDEN}{_BROKEN}]"
_HAZARD_IN_JSON = f"[\x7f-\x9f{_HIDDEN}\ufdd0-\ufdef\ufffe\uffff]"
_SURROGATE = "[\ud800-\udfff]"
_SHORT = {"\n": "\\n", "\r": "\\r"}

_COMMANDS = (
    # GitHub Actions: a line that begins with `::`, whatever white space is before it.
    (r"(?m)^([^\S\n]*:):", r"\1 :"),
    # GitHub (old form), Azure Pipelines, TeamCity: anywhere in a line.
    (r"(?i)#(#(?:\[|vso\[|teamcity\[))", r"# \1"),
    # GitLab and Travis: folds.
    (r"(?i)\b(section_(?:start|end)|travis_(?:fold|time)):", r"\1 :"),
    # Buildkite: group headings at the very start of a line.
    (r"(?m)^(---|\+\+\+|~~~|\^\^\^)(?=\s)", r" \1"),
)


def sanitise(text: str, *, multiline: bool = False) -> str:
    r"""Make an untrusted string harmless to show. A newline survives only with `multiline`.

    Tabs become spaces. Sanitising twice gives the same as once.
    """
    # The one place where a text of others becomes harmless; everything that shows one passes it
    # (ADR 0052).
    if text.isascii() and text.isprintable():
        return text
    # Dropping one sequence can join the halves of another: its ESC is made visible below.
    text = re.sub(_ESCAPE_SEQUENCE, "", text)
    if multiline:
        text = text.replace("\r\n", "\n")
        return "\n".join(_visible(line) for line in text.split("\n"))
    return _visible(text)


def _visible(line: str) -> str:
    if "\t" in line:
        line = line.expandtabs(4)
    return re.sub(_HAZARD, _escape, line)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    point = ord(character)
    if 0xD800 <= point < 0xE000 or 0xFDD0 <= point <= 0xFDEF or point in (0xFFFE, 0xFFFF):
        return "\ufffd"
    if character in _SHORT:
        return _SHORT[character]
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def well_formed(text: str) -> str:
    """Replace lone surrogates by U+FFFD, so that the text can be encoded; change nothing else."""
    return text if text.isascii() else re.sub(_SURROGATE, "\ufffd", text)


def all_well_formed(value: object) -> object:
    """A value of JSON with every text in it well-formed; its depth is that of our own types."""
    match value:
        case str():
            return well_formed(value)
        case dict():
            return {all_well_formed(key): all_well_formed(item) for key, item in value.items()}
        case list() | tuple():
            return [all_well_formed(item) for item in value]
    return value


def break_commands(text: str) -> str:
    """Break what a CI service would read as a command: for whole lines, after all layout.

    Layout comes first because wrapping could move a `::` to the start of a line.
    """
    if not any(mark in text for mark in ("::", "##", "_", "---", "+++", "~~~", "^^^")):
        return text
    for pattern, replacement in _COMMANDS:
        text = re.sub(pattern, replacement, text)
    return text


def harmless_json(text: str, *, ci: bool = False) -> str:
    r"""Escape in JSON text what a terminal or a CI service would act on; the value stays the same.

    Outside strings JSON holds none of these characters, so that a plain replacement is right.
    """
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_HAZARD_IN_JSON, _json_escape, text)
    return text.replace("##", "#\\u0023") if ci else text


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
