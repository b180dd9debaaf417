"""`settings.notify`: what an entry must say."""

import pytest

from tests.helpers.configs import complaints, load, only_complaint
from vibeguard.core.model.notification import Notification
from vibeguard.core.names import Occasion

CONFIG = "settings: {{notify: [{entry}]}}\nchecks: [{{id: a, run: 'true'}}]\n"


def test_an_entry_is_a_command_or_an_address_and_tells_of_any_end_unless_it_says() -> None:
    entries = "{command: x, on: [failed, cancelled, failed]}, {webhook: 'https://x.example/y?z=1'}"
    assert load(CONFIG.format(entry=entries)).settings.notify == (
        Notification(command="x", on=(Occasion.FAILED, Occasion.CANCELLED)),
        Notification(webhook="https://x.example/y?z=1", on=(Occasion.FINISHED,)),
    )


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("{on: [failed]}", "neither command nor webhook"),
        ("{command: x, webhook: 'https://x.example'}", "both command and webhook"),
        ("{webhook: 'http://ci.example.org/x'}", "sends the report in the clear"),
        ("{webhook: 'https://me:secret@ci.example.org/x'}", "of ci.example.org holds a user"),
        ("{webhook: 'https://.ci/x'}", '"https://.ci/x" is no address'),
        (f"{{webhook: 'https://{'a' * 64}.org/x'}}", "is no address"),
        ("{webhook: 'ftp://x'}", "is no address"),
        ("{webhook: 'https://x:y/'}", "is no address"),
        ('{webhook: "https://x/a\\tb"}', "is no address"),
        ("{webhook: 'https://x:0/'}", "the port of x is 0"),
        ("{webhook: 'https://x/y#z'}", "the address of x has a fragment"),
        ("{webhook: 'https://x/y#'}", "the address of x has a fragment"),
        ("{command: x, on: []}", "told of no end"),
        ("{command: x, on: [fail]}", 'unknown value of on "fail"'),
        ("{command: x, one: [failed]}", 'did you mean "on"?'),
        ("just a text", "is a mapping, not a text"),
    ],
)
def test_what_cannot_be_told_is_refused(entry: str, complaint: str) -> None:
    assert complaint in only_complaint(CONFIG.format(entry=entry))


def test_of_a_misspelt_key_both_are_said() -> None:
    said = " ".join(complaints(CONFIG.format(entry="{comand: x}")))
    assert "neither command nor webhook" in said
    assert 'did you mean "command"?' in said
