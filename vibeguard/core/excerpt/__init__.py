"""The lines of a tool's output that matter, chosen by an ordered, published list of rules.

The first rule that fits wins; where none fits, the last lines are shown. docs/excerpt-rules.md
lists the rules in their order; ADR 0023 says why the first one wins.
"""

import re

from vibeguard.core.excerpt.compilers import COMPILERS
from vibeguard.core.excerpt.lines import Line, last_lines, read_lines
from vibeguard.core.excerpt.linters import LINTERS
from vibeguard.core.excerpt.picking import Rule
from vibeguard.core.excerpt.programs import PROGRAMS
from vibeguard.core.excerpt.test_runners import TEST_RUNNERS
from vibeguard.core.model.event_parts import Excerpt

__all__ = ["LAST_LINES", "RULES", "choose_excerpt", "last_lines"]

# A rule is for one tool's way of writing. Its mark must be certain, since the first rule that fits
# wins; tools that wrap others (Maven, make) come after the tools that they wrap. Lines have at most
# 400 characters here, so that no pattern can take long.
RULES: tuple[Rule, ...] = (*TEST_RUNNERS, *COMPILERS, *LINTERS, *PROGRAMS)

LAST_LINES = "last-lines"
GAP = "..."
_MOST_LINES = 40
_LINES_AT_END = 8  # summaries stand at the end


def choose_excerpt(output: bytes) -> Excerpt:
    """Return the lines that matter, `...` for lines left out, and the rule that chose them."""
    lines = read_lines(output)
    texts = [line.text for line in lines]
    whole = "\n".join(texts)
    for rule in RULES:
        if re.search(rule.mark, whole, re.MULTILINE):
            chosen = rule.pick(texts)
            if chosen:
                return _excerpt(rule.name, lines, chosen)
    tail = last_lines(output)
    first_line = lines[-1].number - len(tail) + 1 if tail else 0
    return Excerpt(LAST_LINES, tail, first_line)


def _excerpt(rule: str, lines: list[Line], chosen: list[int]) -> Excerpt:
    """Return the chosen lines, the middle left out where they are too many."""
    chosen = sorted(set(chosen))
    while chosen and not lines[chosen[-1]].text:
        chosen.pop()
    if len(chosen) > _MOST_LINES:
        chosen = chosen[: _MOST_LINES - _LINES_AT_END] + chosen[-_LINES_AT_END:]
    shown: list[str] = []
    previous = chosen[0] - 1
    for index in chosen:
        between = [line.text for line in lines[previous + 1 : index]]
        if between:
            shown.append(GAP if any(between) else "")
        previous = index
        shown.append(lines[index].text)
    return Excerpt(rule, tuple(shown), lines[chosen[0]].number)
