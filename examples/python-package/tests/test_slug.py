import pytest

from slugline import slugify, unique


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  Crème brûlée  ", "creme-brulee"),
        ("2024 -- in review", "2024-in-review"),
        ("???", ""),
    ],
)
def test_a_title_becomes_words_joined_by_hyphens(title: str, slug: str) -> None:
    assert slugify(title) == slug


def test_a_long_title_is_cut_between_words() -> None:
    assert slugify("one two three four", limit=11) == "one-two"


def test_a_single_long_word_is_cut_inside() -> None:
    assert slugify("a" * 100, limit=10) == "a" * 10


def test_a_taken_slug_gets_the_first_free_number() -> None:
    assert unique("post", {"post", "post-2"}) == "post-3"


def test_a_free_slug_stays_as_it_is() -> None:
    assert unique("post", set()) == "post"
