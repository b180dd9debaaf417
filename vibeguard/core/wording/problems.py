"""Problems as people read them: `file:line:col: what: do`, the offending line, and a caret."""

from collections.abc import Sequence

from vibeguard.core.problems import Problem
from vibeguard.core.wording.layout import cells, cut
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.style import Style

EXCERPT_COLUMNS = 160


def render_problems(problems: Sequence[Problem], *, colour: bool = False) -> str:
    """Every problem in the order given, one paragraph each, ending in a newline."""
    style = Style(colour=colour)
    return "".join(f"{_paragraph(problem, style)}\n" for problem in problems)


def _paragraph(problem: Problem, style: Style) -> str:
    place, what = _place(problem), sanitise(problem.what)
    where = f"{place}: " if place else ""
    do = f": {sanitise(problem.do)}" if problem.do else ""
    lines = [f"{style.strong(where)}{style.bad(what)}{do}"]
    if problem.excerpt:
        lines.extend(_excerpt(problem, style))
    return "\n".join(lines)


def _place(problem: Problem) -> str:
    numbers = [str(number) for number in (problem.line, problem.column) if number]
    return ":".join([sanitise(problem.file), *numbers] if problem.file else numbers)


def _excerpt(problem: Problem, style: Style) -> list[str]:
    gutter = f"{problem.line or ''} | "
    # A long line is shown from a little before the place that is meant.
    place = problem.column - problem.excerpt_column
    skipped = max(place - EXCERPT_COLUMNS // 2, 0)
    shown = sanitise(problem.excerpt[skipped:].rstrip("\r\n"))
    lines = [f"  {gutter}{cut(shown, EXCERPT_COLUMNS)}"]
    if problem.column:
        before = sanitise(problem.excerpt[skipped:place])
        blank = " " * (len(gutter) - 2) + "| "
        lines.append(f"  {blank}{' ' * cells(before)}{style.bad('^')}")
    return lines
