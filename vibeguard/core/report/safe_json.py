"""Values as JSON text that is safe to print."""

from typing import TypeAlias

import msgspec

from vibeguard.core.wording.sanitise import all_well_formed, harmless_json

JsonObject: TypeAlias = dict[str, object]


def encode_json(value: msgspec.Struct, *, ci: bool = False) -> str:
    """One line of JSON without a newline. The same value gives the same text.

    What a terminal would act on is escaped, and with `ci` what a CI service would; a value that
    holds none of it is encoded exactly as the log's writer encodes it.
    """
    return harmless_json(_encoded(value).decode(), ci=ci)


def encode_document(value: object, *, ci: bool = False) -> str:
    """A whole document, indented for people who look at it, ending in a newline."""
    text = msgspec.json.format(_encoded(value), indent=2).decode()
    return harmless_json(text, ci=ci) + "\n"


def _encoded(value: object) -> bytes:
    """The value as JSON. Paths may hold bytes that are no text: those become U+FFFD."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(all_well_formed(msgspec.to_builtins(value)))
