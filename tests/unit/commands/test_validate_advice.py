"""What `validate` says beside right or wrong."""

from tests.helpers.configs import check, load
from vibeguard.commands.validate import advice_on_redaction


def test_values_that_are_too_short_to_be_masked_are_named() -> None:
    """In the caller's environment and in a check's own."""
    text = "settings: {redact: [TOKEN, KEY, NONE]}\n" + check("env: {KEY: abc}")
    config = load(text)
    found = list(advice_on_redaction(config, {"TOKEN": "long enough", "KEY": "long enough"}))
    assert [line.split()[0] for line in found] == ["KEY"]
    assert len(list(advice_on_redaction(config, {"TOKEN": "short"}))) == 2
    assert list(advice_on_redaction(load(check()), {})) == []
