"""What a reader sees of an output: the lines that matter and the last ones, each once."""

from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.excerpt import choose_excerpt, last_lines
from vibeguard.core.model.event_parts import Excerpt
from vibeguard.core.model.events import CheckSettled
from vibeguard.core.names import Outcome, Reason
from vibeguard.core.report.failure import output_lines


def shown(excerpt, tail):
    excerpt = Excerpt("rule", tuple(excerpt), 1) if excerpt else None
    return output_lines(
        CheckSettled(
            check="a", outcome=Outcome.FAILED, reason=Reason.EXIT_CODE, attempts=1,
            excerpt=excerpt, tail=tuple(tail),
        )
    )  # fmt: skip


def of(text):
    output = text.encode()
    return shown(choose_excerpt(output).lines, last_lines(output))


def test_eleven_lines_stay_eleven():
    lines = [f"line {number}" for number in range(11)]
    lines[3] = "a.c:1:2: error: expected ';'"
    assert of("\n".join(lines)) == lines


def test_an_excerpt_that_reaches_into_the_tail_is_gone_on_with():
    assert shown(["a", "b", "c"], ["b", "c", "d"]) == ["a", "b", "c", "d"]
    assert shown(["a", "...", "c"], ["b", "c", "d"]) == ["a", "...", "b", "c", "d"]
    assert shown(["a", "b"], ["x", "y"]) == ["a", "b", "...", "x", "y"]
    assert shown(["b", "...", "d"], ["a", "b", "c", "d"]) == ["a", "b", "c", "d"]
    assert shown(["a", "b", "c"], ["b", "c"]) == ["a", "b", "c"]
    assert shown([], ["a"]) == shown(["a"], []) == shown(["a"], ["a"]) == ["a"]


@given(st.data())
def test_no_line_is_shown_twice_and_none_of_the_two_is_lost(data):
    count = data.draw(st.integers(1, 30))
    lines = [f"l{number}" for number in range(count)]
    chosen = sorted(data.draw(st.sets(st.integers(0, count - 1))))
    excerpt = []
    for before, number in zip([None, *chosen], chosen, strict=False):
        excerpt += ["..."] * (before is not None and number > before + 1) + [lines[number]]
    tail = lines[data.draw(st.integers(0, count)) :]
    got = [line for line in shown(excerpt, tail) if line != "..."]
    assert got == sorted({*(lines[number] for number in chosen), *tail}, key=lines.index)
