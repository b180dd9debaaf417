"""A mistake inside a value is shown at the very character, however the value is spelled."""

import json
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.configs import check, problems
from tests.helpers.examples import examples
from vibeguard.core.config import filling
from vibeguard.core.config.document import read_document
from vibeguard.core.config.nodes import Mapping, Text
from vibeguard.core.config.positions import place_in
from vibeguard.core.config.source import Source, read_source
from vibeguard.core.problems import ConfigError
from vibeguard.core.wording.problems import render_problems


def text_of(source: Source) -> Text:
    """The scalar behind the one key of a file."""
    root = read_document(source).root
    assert isinstance(root, Mapping)
    (value,) = root.values.values()
    assert isinstance(value, Text)
    return value


SPELLINGS = [
    (["assert: >-", "  it == 1 &&", "  it = 2"], 6, "= 2"),
    (["assert: >", "", "  it == 1 &&", "", "  it = 2"], 8, "= 2"),
    (["assert: |", "  it == 1 &&", "  it = 2"], 6, "= 2"),
    (["assert: it == 1 &&", "  it = 2"], 5, "= 2"),
    (["assert: it == 1 &&", "", "  it = 2"], 6, "= 2"),
    (["assert: 'it == 1 &&", "  it = 2'"], 5, "= 2"),
    (['assert: "it == 1 &&', '  it = 2"'], 5, "= 2"),
    (['assert: "it == 1 &&\\', '  \\ it = 2"'], 5, "= 2"),
    (["assert:", "  it == 1 &&", "  it = 2"], 6, "= 2"),
    (["assert: 'it == ''x'' = 2'"], 4, "= 2"),
    (['assert: "x == \\"é\\" = 2"'], 4, "= 2"),
    (['assert: "x == \\"\\u00e9\\x41\\" = 2"'], 4, "= 2"),
    (['grok: "cov\\\\s+%{NUMBR:x}"'], 4, "NUMBR:x"),
    (['grok: ["\\t%{NUMBR:x}"]'], 4, "NUMBR:x"),
    (['assert: &e "aaaa > 1 && b = 1"'], 4, "= 1"),
    (["assert: &e !!str # why", "  # and why", "  aaaa > 1 && b = 1"], 6, "= 1"),
    (["assert: &e !!str >2", "    aaaa > 1 &&", "  b = 1"], 6, "= 1"),
    (["assert: !!str aaaa > 1 && b = 1"], 4, "= 1"),
    (["timeout: !!str 5"], 4, "5"),
    (["timeout: &t\t'5'"], 4, "'5'"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("lines", "number", "blamed"), SPELLINGS)
def test_a_mistake_stands_where_it_was_written(
    lines: list[str], number: int, blamed: str, end: str
) -> None:
    """With line, column and the line to show, whatever the line ends are."""
    (problem,) = problems(check(*lines).replace("\n", end))
    assert problem.line == number
    assert problem.excerpt.strip() == lines[number - 4].strip()
    assert problem.excerpt[problem.column - 1 :].startswith(blamed)


@pytest.mark.parametrize(
    "line", ["assert: 'a < '", 'assert: "a < "', 'assert: "\\x61 < "', "assert: 'a '' < '"]
)
def test_what_is_missing_at_the_end_is_missing_before_the_quote(line: str) -> None:
    """Neither behind the line nor at its begin."""
    (source, text) = read_source(line.encode(), "f"), None
    text = text_of(source)
    assert place_in(text, len(text.value), source) == (1, len(line))


def assert_every_character_is_found(source: Source) -> Text:
    """At its place stands the character, its escape, or the end of the line it came from."""
    text = text_of(source)
    body = len(text.value) - len(text.value.lstrip("\n"))
    before = (0, 0)
    for offset, character in enumerate(text.value):
        line, column = place_in(text, offset, source)
        rest = source.lines[line - 1][column - 1 :]
        escape = re.match(r"\\(x..|u.{4}|U.{8}|.)", rest) if text.style == '"' else None
        if escape is not None:
            assert yaml.safe_load(f'"{escape[0]}"') == character
        elif character == "\n":
            at_indicator = text.style in {"|", ">"} and offset < body
            assert not rest.strip(" \t\\") or at_indicator
        elif not rest.startswith(character):
            assert (character, rest.strip(" \t\\")) == (" ", "")
        assert (line, column) > before or character == "\n"
        before = (line, column)
    return text


def test_a_place_is_looked_for_once_however_often_aliases_repeat_it() -> None:
    """A long value with many escapes would make thousands of aliases slow."""
    text = "x-v: &v '\"" + "''" * 15_000 + "\" = 1'\nchecks:\n"
    text += "".join(f"  - {{id: c{i}, run: x, assert: *v}}\n" for i in range(3))
    searches = []

    def search(text: Text, offset: int, source: Source) -> tuple[int, int]:
        searches.append(offset)
        return place_in(text, offset, source)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "place_in", search)
        (problem,) = problems(text)
    assert problem.column == len("x-v: &v '") + 30_004
    assert len(searches) == 1


values = st.text(alphabet=list("ab'\"\\#:-=%é𝄞 \n\t"), max_size=24)


@settings(max_examples=examples(4))
@given(
    value=values,
    style=st.sampled_from(["", "'", '"', "|", ">"]),
    width=st.sampled_from([4, 10, 80]),
    unicode=st.booleans(),
    properties=st.sampled_from(["", "&a ", "!!str ", "!!str &a "]),
)
def test_every_character_of_a_dumped_value_is_found(
    value: str, style: str, width: int, unicode: bool, properties: str
) -> None:
    """In every style, folded or not, behind an anchor and a tag or without."""
    dumped = yaml.dump(
        {"k": value}, default_style=style or None, width=width, allow_unicode=unicode
    )
    dumped = re.sub("^[\"']?k[\"']?: ", f"k: {properties}", dumped)
    assert dumped.startswith(f"k: {properties}")
    assert assert_every_character_is_found(read_source(dumped.encode(), "f")).value == value


@settings(max_examples=examples(4))
@given(
    st.sampled_from(["k: ", "k:\n", "k: '", 'k: "', "k: |\n", "k: >\n", "k: >1+\n", "k: |2-\n"]),
    st.lists(
        st.sampled_from(["a", "b c", " ", "  ", "\t", "\n", "\n ", "\n  ", "''", "\\n", "\\\n"])
    ),
)
def test_every_character_of_a_written_value_is_found(begin: str, pieces: list[str]) -> None:
    """However its lines are indented and broken."""
    text = begin + " " + "".join(pieces).replace("\n", "\n ")
    text += begin[-1] if begin[-1] in "'\"" else ""
    try:
        source = read_source(text.encode(), "f")
        text_of(source)
    except ConfigError:
        return
    assert_every_character_is_found(source)


@given(values, st.integers(min_value=0, max_value=30), st.sampled_from(["", "'", '"', "|", ">"]))
def test_a_place_is_always_one_of_the_file(written: str, offset: int, style: str) -> None:
    """Also for a text that is not what the file has."""
    source = Source(written, "f")
    line, column = place_in(Text("other words\nand more", 1, 1, style), offset, source)
    assert 1 <= line <= len(source.lines)
    assert 1 <= column <= len(source.lines[line - 1]) + 1


@pytest.mark.parametrize("number", [0, 20, 99])
def test_in_a_config_of_one_long_line_the_place_is_shown_too(number: int) -> None:
    """As in JSON without line breaks: the caret stands under the key that is wrong."""
    checks = [{"id": f"c{n}", "run": "true", f"bad{n}": n} for n in range(100)]
    (problem,) = (p for p in problems(json.dumps({"checks": checks})) if f'"bad{number}"' in p.what)
    _, shown, caret = render_problems([problem]).splitlines()
    assert shown[caret.index("^") :].startswith(f'"bad{number}"')
    assert len(problem.excerpt) <= 500
