"""Documents are UTF-8 whatever the paths in them are."""

import json

from msgspec import Struct

from vibeguard.core.report.safe_json import encode_document, encode_json


class Paths(Struct):
    """A document with a path at every depth."""

    path: str
    by_name: dict[str, str] = {}
    listed: tuple[str, ...] = ()


def test_bytes_that_are_no_text_become_replacement_characters():
    """Python gives them as lone surrogates, which JSON cannot hold."""
    document = Paths("/\udcff", {"\udcfe": "\udcfd"}, ("a", "\udcfc"))
    read = json.loads(encode_document(document))
    assert read == {"path": "/\ufffd", "by_name": {"\ufffd": "\ufffd"}, "listed": ["a", "\ufffd"]}
    assert json.loads(encode_json(document)) == read


def test_text_stays_as_it_is():
    """Characters beyond the first plane are no surrogates."""
    assert (
        json.loads(encode_document(Paths("/é\N{GRINNING FACE}")))["path"] == "/é\N{GRINNING FACE}"
    )
