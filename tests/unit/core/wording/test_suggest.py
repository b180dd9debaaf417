"""Did you mean: near enough to help, never far enough to mislead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.wording.suggest import did_you_mean, edit_distance, nearest

KEYS = ["timeout", "idle_timeout", "run", "requires", "tags", "severity", "output_limit"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("timeot", "timeout"),
        ("tmieout", "timeout"),
        ("Timeout", "timeout"),
        ("idle-timeout", "idle_timeout"),
        ("require", "requires"),
        ("rn", "run"),
        ("tag", "tags"),
        ("sever", "severity"),
        ("outputlimit", "output_limit"),
        ("parallel", ""),
        ("x", ""),
        ("", ""),
        ("t" * 10_000, ""),
    ],
)
def test_the_nearest_name(word: str, meant: str) -> None:
    """Or none."""
    assert nearest(word, KEYS) == meant
    assert did_you_mean(word, KEYS) == (f'did you mean "{meant}"?' if meant else "")


def test_the_first_of_equals_wins() -> None:
    """So that order, not chance, decides."""
    assert nearest("cat", ["bat", "hat"]) == "bat"


def test_it_works_on_any_iterable() -> None:
    """Also on one that can be read only once."""
    assert nearest("warn", iter(["error", "warning"])) == "warning"


words = st.text(alphabet="abc", max_size=6)


def slow_distance(left: str, right: str) -> int:
    """The textbook recursion (optimal string alignment)."""
    if not left or not right:
        return len(left) + len(right)
    best = min(
        slow_distance(left[:-1], right) + 1,
        slow_distance(left, right[:-1]) + 1,
        slow_distance(left[:-1], right[:-1]) + (left[-1] != right[-1]),
    )
    if left[-2:] == right[-2:][::-1] and len(left) > 1 and len(right) > 1:
        best = min(best, slow_distance(left[:-2], right[:-2]) + 1)
    return best


@given(st.text(alphabet="ab", max_size=5), st.text(alphabet="ab", max_size=5), st.integers(0, 5))
def test_the_distance_is_the_textbook_one_up_to_its_limit(left: str, right: str, most: int) -> None:
    """Beyond the limit it only says: more."""
    assert edit_distance(left, right, most) == min(slow_distance(left, right), most + 1)


@pytest.mark.parametrize(("word", "meant"), [("if", ""), ("di", "id"), ("d", "id"), ("ID", "id")])
def test_a_word_of_two_letters_is_soon_another_one(word: str, meant: str) -> None:
    """`if` was not meant to be `id`."""
    assert nearest(word, ["id", "run"]) == meant
