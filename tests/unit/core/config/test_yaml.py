"""What of YAML is taken, and how everything else is refused: with its place and what to do."""

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.configs import check, complaints, load, load_check, only_complaint, problems
from vibeguard.core.config import document, yaml_parsers
from vibeguard.core.config.document import MAX_DEPTH, read_document
from vibeguard.core.config.source import MAX_BYTES, read_source
from vibeguard.core.config.yaml_parsers import MOST_WITHOUT_LIBYAML, open_parser

GOOD = check()


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "yes",
        "no",
        "012",
        "0x1F",
        "1_000",
        "12:30:00",
        "2024-01-01",
        "1.0",
        "1e3",
        "off",
        "true",
        ".5",
    ],
)
@pytest.mark.parametrize("style", ["{}", "'{}'", '"{}"'])
def test_a_scalar_arrives_as_it_is_written(text: str, style: str) -> None:
    """Whatever YAML 1.1 would make of it."""
    assert load_check(f"suggestion: {style.format(text)}").suggestion == text


def test_keys_keep_their_text() -> None:
    """`on:` is a key called on, in whatever style it is written."""
    for key in ("on", "'on'", '"on"', "? on\n    "):
        assert load_check(f"{key}: {{failure: look}}").on.failure[0].content == "look"


@pytest.mark.parametrize("null", ["", "~", "null", "Null", "NULL", "!!null ''", "!!null"])
def test_null_means_absent(null: str) -> None:
    """For every key that may be absent."""
    keys = [
        "requires",
        "timeout",
        "async",
        "severity",
        "tags",
        "grok",
        "file",
        "assert",
        "suggestion",
        "fix",
        "on",
        "env",
        "cwd",
        "slow_after",
    ]
    keys += ["idle_timeout", "retries", "group", "weight", "leaks", "output_limit"]
    assert load_check(*(f"{key}: {null}" for key in keys)) == load_check()


@pytest.mark.parametrize("text", ["'null'", '"~"', "!!str null", "nULL", "None", "nil"])
def test_what_only_looks_like_null_is_a_text(text: str) -> None:
    """Quotes and tags make it one."""
    assert load_check(f"suggestion: {text}").suggestion


def test_null_list_entries_are_dropped() -> None:
    """In every list."""
    text = (
        check("tags: [~, slow, ~]", "grok: [~, '%{INT:a}']", "requires: [~, b]")
        + "  -\n  - {id: b, run: y}\n  - ~\n"
    )
    config = load(text)
    assert [c.id for c in config.checks] == ["a", "b"]
    assert config.checks[0].tags == ("slow",)
    assert len(config.checks[0].grok) == len(config.checks[0].requires) == 1


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.encode("utf-16"),
        b"---\n" + GOOD.encode(),
        b"%YAML 1.2\n---\n" + GOOD.encode(),
        GOOD.encode() + b"...\n",
        GOOD.encode() + b"---\n",
        GOOD.encode() + b"---\n# nothing\n",
        GOOD.rstrip("\n").encode(),
        json.dumps({"checks": [{"id": "a", "run": "x"}]}).encode(),
    ],
)
def test_one_config_in_many_clothes(data: bytes) -> None:
    """Marks, line ends, document markers and JSON change nothing."""
    assert load(data) == load(GOOD)


def test_places_count_the_lines_of_any_line_end() -> None:
    """Also after a byte order mark, and in code points."""
    for end in ("\n", "\r\n", "\r"):
        text = "\ufeff" + check('suggestion: "äöü𝄞", bad: 1').replace("\n", end)
        (problem,) = problems(text)
        assert (problem.line, problem.excerpt) == (4, '    suggestion: "äöü𝄞", bad: 1')
    assert only_complaint('checks: [{id: a, run: "äöü𝄞", timeot: 1}]').startswith("1:31: ")


SYNTAX = [
    # YAML would leave the opposite of what is written.
    ("checks:\n  - id: a\n    run: ! grep x y\n", '3:10: the tag "!" is not known here'),
    ("checks:\n  - id: a\n    run: x\n    files: [! y]\n", '4:13: the tag "!" is not known here'),
    (
        "checks: [{id: a, run: x, files: !y}]\n",
        '1:33: a value cannot begin with "!": put it in quotes',
    ),
    ("checks: [{id:a, run: x}]\n", 'unknown key "id:a" in a check: put a blank behind its colon'),
    ("checks:\n  - id: a\n\xa0   run: x\n", "(in column 1 stands U+00A0, which is no blank)"),
    ("checks:\n  - id:a\n    run: x\n", '2:8: no blank stands behind "id:": write id: a'),
    ("version:'1'\nchecks: []\n", "1:9: no blank stands behind \"version:\": write version: '1'"),
    ("checks:\n  -id: a\n   run: x\n", '2:4: no blank stands behind "-": write - id: a'),
    (GOOD + "  -id: b\n", '4:4: no blank stands behind "-"'),
    ("checks:\n  -\xa0id: a\n    run: x\n", '2:4: no blank stands behind "-"'),
    ("checks:\n  - id: a\n    run: |\n      -x: y\n   z: y\n", "5:4: this does not fit"),
    ("checks:\n\t- id: a\n", "2:1: a tab indents this line"),
    ("checks:\n  - id: a\n   run: x\n", "3:4: this does not fit the indentation"),
    ("checks:\n  - id: a\n    run: {{.x}}\n", '3:10: a text that begins with "{{" needs quotes'),
    ("checks:\n  - id: a\n    run: echo: b\n", '3:14: a ": " stands where no key can be'),
    ('checks:\n  - id: a\n    run: "abc\n', "3:10: this quote is never closed"),
    ("checks:\n  - id: a\n    run: 'abc\n---\n", "3:10: this quote is never closed"),
    ("checks:\n  - {id: a, run: x\n", "2:5: this { is not closed"),
    ("checks: [a, b\n", "1:9: this [ is not closed"),
    ("checks:\n  -\tid: a\n    run: b\n", "2:4: a tab stands where a value begins"),
    ("checks:\n  - id: a\n    run: [a,\n", "3:10: this [ is not closed"),
    ("checks:\n  - id: a\n    run: {a: \n", "3:10: this { is not closed"),
    ("checks:\n  - id: a\n    run: {{.x}} -v\n", '3:10: a text that begins with "{{" needs quotes'),
    ("checks:\n  - id: a\n    run: 'x' y\n", "3:14: this cannot follow the value before it"),
    ("checks: [{id: a, run: x}]]\n", "1:26: this cannot follow the value before it"),
    ("checks:\n  - id: a\n    run: it's\n    tags: ]\n", '4:11: a value cannot begin with "]"'),
    ("checks:\n  - id: a\n    run: @it's\n", "put it in quotes: '@it''s'"),
    ("checks:\n  - id: a\n    run: *.py\n", "3:10: a text cannot begin with * or &"),
    ("checks:\n  - id: a\n    run: @x\n", '3:10: a value cannot begin with "@": put it in quotes'),
    ("checks:\n  - id: a\n    run: `x`\n", '3:10: a value cannot begin with "`"'),
    ("checks:\n  - id: a\n    run: %x\n", '3:10: a value cannot begin with "%"'),
    ('checks:\n  - id: a\n    run: "\\d"\n', "3:11: double quotes know no such escape"),
    ('checks:\n  - id: a\n    run: "\\xZZ"\n', "3:13: double quotes know no such escape"),
    ('checks:\n  - id: a\n    run: "\\ud800"\n', "3:10: this escape is not a character"),
    ("checks:\n  - id: a\n    run: |x\n", "3:11: a block begins with | or > alone"),
    ("checks:\n  - id: a\n    run\n  - id: b\n", "3:5: this line is not a key"),
    ("checks:\n  - id: a\n    run: x\n- b\n", "4:1: "),
    ("a: - b\n", '1:4: no "- " can stand here'),
    (GOOD + "---\na: b\n", "5:1: a second document begins here"),
    (GOOD + "...\na: b\n", "5:1: a second document begins here"),
    ("checks:\n  - id: \x01\n", "2:9: the control character U+0001"),
    (b"checks:\n  - id: a\xff\n", "2:10: byte 0xff is not UTF-8"),
    (b"\xef\xbb\xbfchecks:\n  - id: \xe4\n", "2:9: byte 0xe4 is not UTF-8"),
    (b"\xff\xfea", "1:1: this file is not UTF-16"),
    ("a: !!python/object:os.system b\n", '1:4: the tag "!!python/object:os.system"'),
    ("a: !secret b\n", '1:4: the tag "!secret"'),
    ("checks: !!str [a]\n", '1:9: the tag "!!str"'),
    ("? [a]\n: b\n", "1:3: a key must be a text"),
    ("a: *nowhere\n", "1:4: *nowhere names no anchor"),
    ("a: &a [*a]\n", "1:8: *a stands inside what it names"),
    ("x-a: &a {b: {<<: *a}}\n", "1:18: *a stands inside what it names"),
    ("x-a: &a 1\nx-b: {<<: *a}\n", "1:9: << merges mappings only"),
    ("vars:\n  a: 1\n  b: 2\n  'a': 3\n", '4:3: duplicate key "a", first in line 2'),
    ("checks: []\nchecks: []\n", '2:1: duplicate key "checks", first in line 1'),
    (check("timeout: 1m", "timeout: 1m"), '5:5: duplicate key "timeout", first in line 4'),
    ("x-a: &a {}\nx-b: {<<: *a, <<: *a}\n", '2:15: duplicate key "<<", first in line 2'),
    ("[" * 1_000_000, f"1:{MAX_DEPTH + 1}: more than {MAX_DEPTH} levels"),
    ("- " * 1_000_000, f"1:{2 * MAX_DEPTH + 1}: more than {MAX_DEPTH} levels"),
    ("{a: " * 100_000, f"1:{4 * MAX_DEPTH + 1}: more than {MAX_DEPTH} levels"),
    ("? " * 100_000, f"1:{2 * MAX_DEPTH + 1}: more than {MAX_DEPTH} levels"),
    ("%TAG ! tag:x,2000:\n" * 100, "1:1: too many %TAG directives"),
    (b" " * (MAX_BYTES + 1), "0:0: the config is larger than 16 MiB"),
]


@pytest.mark.parametrize(("text", "complaint"), SYNTAX, ids=[str(n) for n in range(len(SYNTAX))])
def test_a_mistake_in_yaml_is_named_with_its_place(text: str | bytes, complaint: str) -> None:
    """And what to do about it."""
    found = complaints(text)
    assert any(complaint in line for line in found), found
    assert all(problem.do for problem in problems(text))


SMALL = [text for text, _ in SYNTAX if len(text) <= MOST_WITHOUT_LIBYAML]


@pytest.mark.parametrize("text", SMALL, ids=[str(n) for n in range(len(SMALL))])
def test_mistakes_are_mistakes_without_libyaml_too(
    text: str | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyYAML may be built without it; its own parser puts some of them in other words."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    found = problems(text)
    assert found
    assert all(problem.do for problem in found)


def test_without_libyaml_a_config_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other parser would take seconds for a large one."""
    text = GOOD + "#" * (MOST_WITHOUT_LIBYAML + 1)
    assert load(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert "a config may be 128 KB at most: install PyYAML with libyaml" in only_complaint(text)


def test_a_colon_without_a_blank_between_brackets() -> None:
    """Also where nothing follows it."""
    assert only_complaint("vars: {b:, c: d}\n").startswith(
        '1:9: a ":" between brackets needs a blank'
    )


@pytest.mark.parametrize("error", [yaml.YAMLError("x"), yaml.MarkedYAMLError(problem="x")])
def test_an_error_that_nobody_knows_is_a_problem_all_the_same(error: yaml.YAMLError) -> None:
    """A new version of a parser may have new words."""
    assert (
        yaml_parsers.syntax_problem(error, read_source(GOOD.encode(), "f")).what
        == "this is not YAML"
    )


def test_unknown_words_of_a_parser_are_passed_on() -> None:
    """With their place."""
    mark = yaml.Mark("f", 0, 1, 2, None, None)
    error = yaml.MarkedYAMLError(problem="a new mistake", problem_mark=mark)
    problem = yaml_parsers.syntax_problem(error, read_source(GOOD.encode(), "f"))
    assert (problem.what, problem.line, problem.column) == ("this is not YAML: a new mistake", 2, 3)


def test_without_the_c_part_the_parser_in_python_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is PyYAML's own."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert isinstance(open_parser(GOOD), yaml.SafeLoader)
    assert load(GOOD).checks[0].id == "a"


def test_every_duplicate_key_is_reported_at_once() -> None:
    """With everything else that is wrong with the shape."""
    text = check("run: y", "timeot: 1s", "fix: a", "fix: b")
    assert [line.split(":")[0] for line in complaints(text)] == ["4", "5", "7"]


@pytest.mark.parametrize(
    "text",
    [
        'checks:\n- id: a\n  run:\t"true"\n',
        "checks:\n- id: a\n  run:\tx\n",
        'checks:\n- id: a\n  run: "true"\t\n  timeout: 5s\n',
        "checks:\n- id: a\n  run: x\t\n  timeout: 5s\n",
        "checks:\n- id: a\n  run: x\ty\n    z\t\n\n   \t  z\n",
        "checks:\n- id: a\n  run: x\t# why\n",
        "checks:\n- id: a\n  run: |-\t\n    x\n",
        "checks:\n- id: a\n  run: >2+\t# why\n    x\n",
        "checks: [{id: a, run: http://x/y?z=1}]\n",
        "checks: [{id: a, run: ls a?b}]\n",
        "checks: [{id: a, run: x,\tseverity: warning, tags: [a,\tb]\t}]\n",
        'checks: [{id: a, run: x, "tags":[b]}]\n',
        "checks: [{id: a, run: echo a:b}]\n",
    ],
)
def test_what_yaml_allows_is_taken(text: str) -> None:
    """Tabs between words, and question marks in brackets."""
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("%FOO bar\n---\nchecks: [{id: a, run: x}]\n", "1:5: this line cannot be read"),
        ("checks: [{id: a, run: x, tags:[b]}]\n", '1:30: a ":" between brackets needs a blank'),
        ("checks: [{id: a, run: x, tags:}]\n", '1:30: a ":" between brackets needs a blank'),
        ("checks: [{id: a, tags:, run: x}]\n", '1:22: a ":" between brackets needs a blank'),
        ("checks:\n-\tid: a\n  run: x\n", "2:2: a tab stands where a value begins"),
        ("checks:\n- id: a\n\trun: x\n", "3:1: a tab indents this line"),
        ("checks:\n- id: a\n  run: x\n\t# c\n", "4:1: a tab indents this line"),
        ("checks:\n- id: a\n  run: x\n\ty\n", "4:1: a tab indents this line"),
        ("checks:\n- id: a\n  run: |\n\tx\n", "4:1: a tab indents this line"),
        ("checks:\n- id: a\n  run: |\n    \tx\n", "4:5: a tab indents this line"),
        ("checks:\n- id: a\n  run: |\n    a\n\t\n    b\n", "5:1: a tab indents this line"),
    ],
)
def test_what_yaml_does_not_allow_is_refused(text: str, complaint: str) -> None:
    """At its place."""
    assert only_complaint(text).startswith(complaint)


def test_invalid_utf8_is_reported_at_each_place() -> None:
    """The line is shown with a replacement for what cannot be read."""
    found = problems(b"a: \xff\nb: c\nd: \xc3\xa4\xe2\x82\n")
    assert [(p.line, p.column) for p in found] == [(1, 4), (3, 5)]
    assert found[0].excerpt == "a: \ufffd"


def test_the_limits_are_where_they_are_said_to_be() -> None:
    """A file of exactly 16 MiB is read; of many unreadable places the first twenty are shown."""
    padded = GOOD.encode() + b"#" * (MAX_BYTES - len(GOOD))
    assert load(padded) == load(GOOD)
    assert len(problems(b"\xff\n" * 100)) == 20
    assert len(problems(b"\x01\n" * 100)) == 20


def test_a_key_may_be_an_alias() -> None:
    """To a text."""
    text = "x-a: &a suggestion\nchecks:\n  - {id: a, run: x, *a : y}\n"
    assert load(text).checks[0].suggestion == "y"


def alias_bomb(width: int, height: int) -> str:
    rows = ["x-0: &n0 [" + ",".join("x" * width) + "]"]
    rows += [f"x-{i}: &n{i} [" + ",".join([f"*n{i - 1}"] * width) + "]" for i in range(1, height)]
    return "\n".join(rows) + "\n"


def test_an_alias_bomb_is_refused_before_it_costs_anything() -> None:
    """Ten levels of ten are ten thousand million values."""
    start = time.perf_counter()
    assert "aliases repeat more than 1,000,000 values" in only_complaint(alias_bomb(10, 10) + GOOD)
    assert time.perf_counter() - start < 60  # it would be minutes


def test_a_merge_bomb_is_refused() -> None:
    """Merging a large mapping into ten thousand others is a bomb as well."""
    base = "x-a: &a {" + ",".join(f"k{i}: v" for i in range(1000)) + "}\n"
    assert "aliases repeat" in only_complaint(base + "x-b:\n" + "  - {<<: *a}\n" * 10_000)


def test_modest_use_of_aliases_is_no_bomb() -> None:
    """Ten thousand checks that share their environment."""
    base = "x-e: &e {A: b, C: d}\nchecks:\n"
    config = load(base + "".join(f"  - {{id: c{i}, run: x, env: *e}}\n" for i in range(10_000)))
    assert config.checks[-1].env == {"A": "b", "C": "d"}


MERGED = """
x-slow: &slow {timeout: 2m, tags: [slow]}
x-db: &db {group: db, timeout: 9m}
checks:
  - {id: one, run: a, <<: *slow}
  - {<<: *slow, id: two, run: b, timeout: 3m}
  - {id: three, run: c, <<: [*db, *slow]}
  - {id: four, run: d, '<<': x}
"""


def test_merge_keys() -> None:
    """Own keys win wherever they stand, then the first in a list; quoted it is a plain key."""
    assert only_complaint(MERGED).startswith('8:24: unknown key "<<"')
    one, two, three = load(MERGED.replace("  - {id: four, run: d, '<<': x}\n", "")).checks
    assert (one.timeout_ns, one.tags) == (120 * 10**9, ("slow",))
    assert (two.timeout_ns, two.tags) == (180 * 10**9, ("slow",))
    assert (three.timeout_ns, three.tags, three.group) == (540 * 10**9, ("slow",), "db")


@pytest.mark.parametrize("nothing", ["~", "", "[]", "[~]", "{}"])
def test_nothing_can_be_merged(nothing: str) -> None:
    """Without a complaint."""
    assert load_check(f"<<: {nothing}") == load_check()


def test_mistakes_are_shown_where_they_are_written_not_where_they_are_used() -> None:
    """Through aliases and merge keys; and once, however often they are used."""
    text = "x-t: &t 5 minutes\nx-b: &b {timeot: 1}\nchecks:\n"
    text += "".join(f"  - {{id: c{i}, run: x, timeout: *t, <<: *b}}\n" for i in range(3))
    assert [line[:5] for line in complaints(text)] == ["1:9: ", "2:10:"]


def test_an_anchor_may_be_set_again() -> None:
    """The latest one before the alias counts."""
    text = "x-1: &a one\nx-2: &a two\nchecks:\n  - {id: a, run: *a}\n"
    assert load(text).checks[0].run == "two"


def nodes_of(value: object) -> object:
    """What the tree of a JSON document must look like."""
    if isinstance(value, dict):
        return {key: nodes_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [nodes_of(inner) for inner in value]
    return value


def plain(node: document.Node | None) -> object:
    if isinstance(node, document.Mapping):
        return {key: plain(value) for key, value in node.values.items()}
    if isinstance(node, document.Sequence):
        return [plain(item) for item in node.items]
    return node.value if node else None


texts = st.text(
    alphabet=st.characters(
        exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff"
    ),
    max_size=12,
)
trees = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(trees)
def test_the_tree_is_what_was_dumped(value: object) -> None:
    """Any tree of texts comes back from YAML, through either parser, with its places alike."""
    text = yaml.safe_dump(value, allow_unicode=True, default_style='"')
    source = read_source(text.encode(), "f")
    tree = read_document(source)
    assert not tree.findings
    if not (isinstance(value, dict) and "<<" in value):
        assert plain(tree.root) == nodes_of(value)
    in_python = document._Builder(source).build(yaml.SafeLoader(text))
    assert in_python.root == tree.root
