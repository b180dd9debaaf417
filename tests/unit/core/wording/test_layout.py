"""Cells, cutting, wrapping."""

from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.wording.layout import cells, cut, fold, shorten, wrap
from vibeguard.core.wording.sanitise import sanitise

harmless = st.text(max_size=60).map(sanitise)


def test_wide_characters_take_two_cells_and_combining_ones_none():
    assert cells("漢字") == 4
    assert cells("e\u0301") == 1
    assert cells("\x1b[1;31mred\x1b[0m") == 3


@given(harmless, st.integers(1, 60))
def test_a_cut_text_fits(text, columns):
    assert cells(cut(text, columns)) <= columns


@given(harmless, st.integers(20, 60))
def test_folding_fits_and_loses_nothing_but_blanks_at_the_ends_of_lines(text, columns):
    lines = fold(text, columns, prefix="  | ").split("\n")
    assert all(cells(line) <= columns for line in lines)
    joined = "".join(line.removeprefix("  | ").removeprefix("  |") for line in lines)
    assert joined.replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text("abcdef", min_size=1, max_size=12), max_size=12), st.integers(20, 40))
def test_wrapping_fits_and_keeps_every_word(words, columns):
    lines = wrap(" ".join(words), columns, first="  fix: ", rest="    ").split("\n")
    assert all(cells(line) <= columns for line in lines)
    assert " ".join(lines).split() == ["fix:", *words]


def test_a_long_word_stays_whole_so_that_paths_can_be_copied():
    path = "/a/very/long/path/that/does/not/fit/anywhere.log"
    assert path in wrap(f"see {path}", 20).split("\n")


def test_no_columns_means_no_wrapping():
    assert wrap("word " * 100, 0).count("\n") == 0


def test_a_long_line_loses_its_middle_and_says_how_much():
    assert shorten("a" * 50 + "b" * 50, 20) == "a" * 10 + " [80 characters] " + "b" * 10
