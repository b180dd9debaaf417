"""Did you mean: near enough to help, never far enough to mislead."""

from time import process_time

import pytest

from vibeguard.core.wording.suggest import did_you_mean, nearest

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


@pytest.mark.parametrize(("word", "meant"), [("--bogus", ""), ("--verbos", "--verbose")])
def test_flags_are_not_alike_for_their_dashes(word: str, meant: str) -> None:
    """They all have them."""
    assert nearest(word, ["--quiet", "--verbose"]) == meant


def test_the_first_of_equals_wins() -> None:
    """So that order, not chance, decides."""
    assert nearest("cat", ["bat", "hat"]) == "bat"


def test_it_works_on_any_iterable() -> None:
    """Also on one that can be read only once."""
    assert nearest("warn", iter(["error", "warning"])) == "warning"


@pytest.mark.parametrize(("word", "meant"), [("if", ""), ("di", ""), ("d", ""), ("ID", "id")])
def test_a_word_of_two_letters_is_soon_another_one(word: str, meant: str) -> None:
    """`if` was not meant to be `id`."""
    assert nearest(word, ["id", "run"]) == meant


def test_a_wrong_word_among_many_takes_milliseconds() -> None:
    """Of ten thousand names that are all alike only some are looked at."""
    names = [f"check_{n:05}_of_a_module_in_a_large_repository" for n in range(10_000)]
    began = process_time()
    for _ in range(10):
        assert nearest("check_0x000_of_a_modul_in_a_large_repository", names)
    assert process_time() - began < 2
