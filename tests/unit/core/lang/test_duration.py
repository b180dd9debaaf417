"""Go durations: what they are worth, and what is said about everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang.duration import MAX_NS, parse_duration
from vibeguard.core.lang.errors import LanguageError

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        ("-0", 0),
        ("+0", 0),
        ("-0s", 0),
        ("500ms", SECOND // 2),
        ("30s", 30 * SECOND),
        ("+5s", 5 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1.5h", 5400 * SECOND),
        ("2h45m", 9900 * SECOND),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("1m.5s", 60 * SECOND + SECOND // 2),
        ("30s1m", 90 * SECOND),
        ("5us", 5000),
        ("5\u00b5s", 5000),
        ("5\u03bcs", 5000),
        ("0.1ns", 0),
        ("0.3333333333333333333h", 20 * 60 * SECOND),
        ("1.00000000000000000000000000001s", SECOND),
        ("9223372036854775807ns", MAX_NS),
        ("2562047h47m16.854775807s", MAX_NS),
        ("000000000000000000000030s", 30 * SECOND),
        ("0" * 5000 + "1s", 1_000_000_000),  # more digits than Python reads
    ],
)
def test_durations(text: str, ns: int) -> None:
    """As Go's time.ParseDuration reads them."""
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    ("text", "what", "do"),
    [
        ("30", '"30" has no unit', "say 30s"),
        ("1.5", '"1.5" has no unit', "say 1.5s"),
        ("00", '"00" has no unit', "say 00s"),
        ("1h30", '"30" has no unit', "say 30s"),
        ("-5s", "is negative", ""),
        ("-1ns", "is negative", ""),
        ("1d", 'no known unit: "d"', "one d is 24h"),
        ("2 weeks", "no known unit", "one weeks is 168h"),
        ("5S", "no known unit", "the units are"),
        ("1 s", "no known unit", "without blanks"),
        ("1e3s", "no known unit", ""),
        ("", "is empty", "write a duration"),
        ("-", "is not a duration", ""),
        ("s", "is not a duration", ""),
        (".s", "is not a duration", ""),
        ("soon", "is not a duration", ""),
        ("--5s", "is not a duration", ""),
        ("\uff13s", "is not a duration", ""),
        ("9223372036854775808ns", "too long", ""),
        ("2562047h47m16.854775808s", "too long", ""),
        ("9" * 10_000 + "h", "too long", ""),
    ],
)
def test_everything_else_is_refused(text: str, what: str, do: str) -> None:
    """With what to write instead, and never with the whole of a long text."""
    with pytest.raises(LanguageError) as refused:
        parse_duration(text)
    assert what in refused.value.what
    assert do in refused.value.do
    assert len(refused.value.what) < 200


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_duration_is_the_sum_of_its_parts(
    hours: int, minutes: int, seconds: int, ms: int
) -> None:
    """Whatever the parts."""
    text = f"{hours}h{minutes}m{seconds}s{ms}ms"
    assert parse_duration(text) == ((hours * 60 + minutes) * 60 + seconds) * SECOND + ms * 10**6


@given(st.text(alphabet="0123456789.hmsnuµ+- d", max_size=12) | st.text(max_size=8))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """Nothing else comes out."""
    try:
        assert 0 <= parse_duration(text) <= MAX_NS
    except LanguageError as error:
        assert error.what
        assert error.do
        assert 0 <= error.offset <= len(text)
