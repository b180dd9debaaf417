"""What an environment says of colour and live progress."""

import pytest

from vibeguard.core.wording.terminal import is_ci, wants_colour, wants_live


@pytest.mark.parametrize(
    ("environment", "is_terminal", "colour"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colour_follows_the_conventions(environment, is_terminal, colour):
    assert wants_colour(environment, is_terminal=is_terminal) is colour


def test_live_rows_need_a_terminal_that_can_move_and_no_ci():
    assert wants_live({"TERM": "xterm"}, is_terminal=True)
    assert not wants_live({"TERM": "xterm"}, is_terminal=False)
    assert not wants_live({"TERM": "dumb"}, is_terminal=True)
    assert not wants_live({"TERM": "xterm", "CI": "true"}, is_terminal=True)


def test_ci_is_told_from_what_services_set():
    assert is_ci({"GITHUB_ACTIONS": "true"})
    assert is_ci({"TF_BUILD": "True"})
    assert not is_ci({"CI": "false"})
    assert not is_ci({})
