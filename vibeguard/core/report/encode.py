"""Values as JSON text that is safe to print."""

import msgspec

from vibeguard.core.wording.sanitise import harmless_json


def encode_json(value: msgspec.Struct, *, ci: bool = False) -> str:
    """One line of JSON without a newline. The same value gives the same text.

    What a terminal would act on is escaped, and with `ci` what a CI service would; a value that
    holds none of it is encoded exactly as the log's writer encodes it.
    """
    return harmless_json(msgspec.json.encode(value).decode(), ci=ci)


def encode_document(value: msgspec.Struct, *, ci: bool = False) -> str:
    """A whole document, indented for people who look at it, ending in a newline."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return harmless_json(text, ci=ci) + "\n"
