"""Durations, sizes, counted nouns and lists of names as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang.duration import parse_duration
from vibeguard.core.wording.units import duration, plural, size, some

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (-1, "0s"),
        (0, "0s"),
        (999_999, "<1ms"),
        (350_000_000, "350ms"),
        (SECOND, "1s"),
        (1_990_000_000, "1.9s"),
        (9_999_999_999, "9.9s"),
        (10 * SECOND, "10s"),
        (59_999_999_999, "59s"),
        (60 * SECOND, "1m"),
        (90 * SECOND, "1m30s"),
        (3600 * SECOND, "1h"),
        (7500 * SECOND, "2h5m"),
        (90_000 * SECOND, "25h"),
    ],
)
def test_a_duration_is_said_as_people_say_it(ns, text):
    assert duration(ns) == text


@given(st.integers(1_000_000, 10**18))
def test_a_duration_is_a_go_duration_and_never_longer_than_the_truth(ns):
    assert 0 <= ns - parse_duration(duration(ns)) < max(60 * SECOND, 1)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1 << 30, "1 GiB"),
        (1 << 50, "1024 TiB"),
    ],
)
def test_a_size_has_binary_units(count, text):
    assert size(count) == text


def test_nouns_are_counted():
    assert (plural(1, "check"), plural(2, "check")) == ("1 check", "2 checks")
    assert plural(2, "process", "processes") == "2 processes"


def test_long_lists_are_cut_and_say_how_much_is_missing():
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdefg"), 3) == "a, b, c and 4 more"
