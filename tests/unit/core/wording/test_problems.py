"""Problems as people read them."""

from vibeguard.core.problems import Problem
from vibeguard.core.wording.problems import render_problems
from vibeguard.core.wording.sanitise import break_commands


def test_a_problem_names_its_place_shows_the_line_and_points_at_the_spot():
    problem = Problem(
        what="a check has no key timeot",
        do='did you mean "timeout"?',
        file="vibeguard.yaml",
        line=12,
        column=5,
        excerpt="    timeot: 3s",
    )
    assert render_problems([problem]) == (
        'vibeguard.yaml:12:5: a check has no key timeot: did you mean "timeout"?\n'
        "  12 |     timeot: 3s\n"
        "     |     ^\n"
    )


def test_a_problem_without_a_place_is_one_line():
    assert render_problems([Problem(what="no config", do="run vibeguard init")]) == (
        "no config: run vibeguard init\n"
    )


def test_the_caret_stands_under_the_spot_behind_tabs_wide_characters_and_long_lines():
    for excerpt, column in (("\t漢\x1b[31mx: y", 8), ("a" * 500 + "!" + "b" * 500, 501)):
        text = render_problems([Problem("w", "d", "f", 1, column, excerpt)])
        _, shown, caret = text.splitlines()
        assert len(shown) < 200
        wide = shown.replace("漢", "漢 ")  # one character, two cells
        assert wide[caret.index("^")] == excerpt[column - 1]


def test_hostile_files_and_names_cannot_act_on_a_terminal_or_a_service():
    problem = Problem("w\x1b]0;x\x07", "d", "a\nb::\u202e", 1, 1, "##vso[task.complete]\x9b2J")
    text = break_commands(render_problems([problem, Problem("::error::x", "")]))  # as it is written
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "\u202e" not in text
    assert "##vso[" not in text
    assert not any(line.startswith("::") for line in text.splitlines())
