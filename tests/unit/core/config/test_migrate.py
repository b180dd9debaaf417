"""What `migrate` finds in a config of the original, and what it mends."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.config.load import load_config
from vibeguard.core.config.migrate import Migration, migrate
from vibeguard.core.problems import ConfigError

CHECK = "checks:\n  - id: a\n    run: 'true'\n"


def migrated(text: str) -> Migration:
    """The migration of a config."""
    return migrate(text.encode(), "vibeguard.yaml")


def different(text: str) -> list[str]:
    """What differs, each as `line: sentence`."""
    return [f"{problem.line}: {problem.what}" for problem in migrated(text).different]


def test_a_config_without_differences_is_left_alone():
    """Nothing found, not a byte changed."""
    assert migrated(CHECK) == Migration((), (), (), CHECK)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("author: me  # mine\n", "x-author: me  # mine\n"),
        ("\N{BYTE ORDER MARK}author: me\n", "x-author: me\n"),
        ("# a\r\nauthor: me\r\n", "# a\r\nx-author: me\r\n"),
        ("author: me\nowner: {b: 1}\n", "x-author: me\nx-owner: {b: 1}\n"),
        ('"owner": me\n', '"x-owner": me\n'),
        ("'owner': me\n", "'x-owner': me\n"),
        ('"\\u006fwner": me\n', '"x-\\u006fwner": me\n'),
        ("settings: {parallel: 2, colour: red}\n", "settings: {parallel: 2, x-colour: red}\n"),
    ],
)
def test_a_key_that_was_ignored_stays_ignored(before, after):
    """`x-` before it; comments, layout and line breaks stay."""
    found = migrated(before + CHECK)
    assert found.text == after + CHECK
    assert len(found.mended) == after.count("x-")
    assert not found.refused
    load_config(found.text.encode(), "vibeguard.yaml")


def test_keys_in_checks_and_prompts_too():
    """In flow style and block style, where the list is an alias too."""
    text = (
        "prompts: [{id: p, colour: red}]\n"
        "checks:\n  - {id: a, note: one, run: 'true', note2: two}\n  - id: b\n    run: 'true'\n    name: B\n"
    )
    mended = migrated(text).text
    assert "{id: p, x-colour: red}" in mended
    assert "{id: a, x-note: one, run: 'true', x-note2: two}" in mended
    assert "    x-name: B\n" in mended


def test_a_misspelt_key_is_the_users_to_correct():
    """`timeot: 5m` meant something: hiding it would keep the mistake."""
    found = migrated(f"{CHECK}    timeot: 5m\n")
    assert not found.mended
    assert [problem.do for problem in found.refused] == ['did you mean "timeout"?']


def test_what_resembles_a_key_that_is_there_was_no_misspelling():
    """`name` beside `id` is a note, not the id."""
    found = migrated(f"{CHECK}    name: Check A\n")
    assert "x-name: Check A" in found.text
    assert not found.refused


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("timeout: 5m", "runs in the background"),
        ("severity: warning", "its timeout failed the run"),
        ("assert: errors < 5", 'needs "errors", which no pattern extracts'),
        ("grok: 'n=%{INT:n}'\n    assert: n < 5", "could pass when nothing was extracted"),
        ("run: sleep 5 &", "may leave processes behind"),
        ("run: nohup server > log", "may leave processes behind"),
        ("run: ./gradlew test", "may leave processes behind"),
        ("run: read x < /dev/tty", "has no terminal"),
    ],
)
def test_a_difference_is_told_at_its_line(field, said):
    """Each departure of DESIGN section 9 that a config shows."""
    run = "" if field.startswith("run:") else "    run: 'true'\n"
    found = different(f"checks:\n  - id: a\n{run}    {field}\n")
    assert len(found) == 1
    assert said in found[0]
    assert int(found[0].partition(":")[0]) >= 3


@pytest.mark.parametrize(
    "field",
    [
        "timeout: 1m",
        "timeout: 5m\n    async: false",
        "severity: error",
        "run: a && b",
        "run: a 2>&1 | b",
    ],
)
def test_what_is_as_it_was_is_not_told(field):
    """A list that cries wolf is not read."""
    run = "" if field.startswith("run:") else "    run: 'true'\n"
    assert different(f"checks:\n  - id: a\n{run}    {field}\n") == []


def test_variables_that_use_variables_are_told():
    """The original's answer depended on the order of a map."""
    assert different(f"vars: {{a: x, b: '{{{{.a}}}}y'}}\n{CHECK}") == [
        '1: the variable "b" uses another one: that worked by chance of order'
    ]


def test_what_is_not_yaml_is_refused_as_it_always_was():
    """There is nothing to compare."""
    with pytest.raises(ConfigError):
        migrated("checks: [")


def test_all_mistakes_that_are_left_are_told():
    """After mending, as `validate` would tell them."""
    found = migrated(
        "author: me\nchecks:\n  - {id: a, run: 'true', timeout: -3s, severity: fatal}\n"
    )
    assert len(found.mended) == 1
    assert len(found.refused) == 2


def refused(text: str) -> list[str]:
    """What is refused, each as `line:column: sentence`."""
    return [f"{p.line}:{p.column}: {p.what}" for p in migrated(text).refused]


def test_what_is_refused_hides_no_difference():
    """The negative duration, the warning and the assertion are all told, each at its place."""
    line = "- {id: a, run: 'true', severity: warning, timeout: -1s, assert: 'errors < 5'}"
    found = migrated(f"checks:\n{line}\n")
    assert [line[p.column - 1 :][:3] for p in found.refused] == ["-1s"]
    assert [line[p.column - 1 :][:7] for p in found.different] == ["warning", "'errors"]
    assert "its timeout failed the run" in found.different[0].what
    assert 'needs "errors", which no pattern extracts' in found.different[1].what


def test_a_misspelt_key_hides_no_later_mistake():
    """A wrong structure, a wrong value and a wrong expression in one answer."""
    said = refused(f"{CHECK}    timeot: 5m\n    slow_after: soon\n    assert: a and b or not c\n")
    assert [line.partition(": ")[0] for line in said] == ["4:5", "5:17", "6:15"]
    assert "unknown key" in said[0]
    assert "soon" in said[1]
    assert "and" in said[2]


@pytest.mark.parametrize(
    "wrong",
    [
        "timeout: [1s]",
        "timeot: 1s",
        "grok: '%{NOPE}'",
        "requires: [b]",
        "tags: [Bad]",
        "on: {failure: [nope]}",
        "id: twice",
        "timeout: *nothing",
        "fix: !foo x",
    ],
)
def test_a_difference_is_told_beside_any_mistake(wrong):
    """Of whichever stage the mistake is."""
    found = migrated(f"{CHECK}    assert: n < 5\n    {wrong}\n    severity: warning\n")
    assert len(found.refused) == 1
    assert [problem.line for problem in found.different] == [4, 6]


@pytest.mark.parametrize(
    "check",
    [
        "{id: a}",
        "{run: 'sleep 5 &'}",
        "{id: [a], run: {b: c}}",
        "{}",
        "[a]",
        "text",
        "{id: a, run: }",
    ],
)
def test_a_check_without_what_it_needs_hides_no_other(check):
    """It is refused; the one behind it is compared."""
    found = migrated(f"checks:\n- {check}\n- {{id: b, run: 'true', severity: warning}}\n")
    assert found.refused
    assert [problem.line for problem in found.different if problem.line == 3] == [3]


def test_places_are_those_of_the_file_as_it_is():
    """Mending moves columns; what is told beside it stands where the file has it."""
    line = "- {note: one, id: a, run: 'true', timeout: -3s}"
    found = migrated(f"checks:\n{line}\n")
    assert "x-note" in found.text
    (problem,) = found.refused
    assert (problem.column, problem.excerpt) == (line.index("-3s") + 1, line)


def test_ignored_keys_of_events_and_requirements_are_mended():
    """They are checked as all others are; a near miss stays the user's to correct."""
    text = (
        "checks:\n  - {id: b, run: 'true'}\n  - id: a\n    run: 'true'\n"
        "    requires: [{check: b, because: x}]\n    on:\n      cancelled: bye\n      sucess: hi\n"
    )
    found = migrated(text)
    assert "{check: b, x-because: x}" in found.text
    assert "      x-cancelled: bye\n      sucess: hi\n" in found.text
    assert len(found.mended) == 2
    assert [problem.do for problem in found.refused] == ['did you mean "success"?']


def test_a_key_that_another_mapping_reads_is_not_renamed():
    """`description` is a prompt's, and ignored in the check that merges the prompt in."""
    text = (
        "prompts:\n  - &p {id: p, description: d}\n"
        "checks:\n  - <<: *p\n    id: a\n    run: 'true'\n"
    )
    found = migrated(text)
    assert found.text == text
    assert len(found.refused) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"vars: {{v: &k owner}}\n*k : me\n{CHECK}",
        f"&k owner: me\n{CHECK}",
        f"!!str owner: me\n{CHECK}",
        f"? |-\n  owner\n: me\n{CHECK}",
        f"note: 1\nx-note: 2\n{CHECK}",
    ],
)
def test_what_a_prefix_would_break_is_left_to_the_user(text):
    """An alias, an anchor, a block, a key that is there already."""
    found = migrated(text)
    assert found.text == text
    assert len(found.refused) == 1


def test_a_key_that_a_merge_repeats_is_told_once():
    """It stands in one place."""
    text = (
        "x-base: &base {note: one}\n"
        "checks:\n  - {<<: *base, id: a, run: 'true'}\n  - {<<: *base, id: b, run: 'true'}\n"
    )
    found = migrated(text)
    assert len(found.mended) == 1
    assert not found.refused
    assert "&base {x-note: one}" in found.text


@pytest.mark.parametrize("second", ["---\nchecks: []\n", "...\n---\nowner: me\n", "---\ntext\n"])
def test_a_second_document_is_told_in_its_own_words(second):
    """The original read the first only."""
    text = CHECK + second
    (problem,) = migrated(text).refused
    assert problem.what == "a second document begins here: it was never read, and is refused"
    assert problem.do == "remove it, or move it to a file of its own"
    assert problem.line > 3


@pytest.mark.parametrize(
    ("value", "said", "do"),
    [
        ("!foo bar", 'the tag "!foo" was ignored, and is refused', "remove it"),
        ("!!set {a: b}", 'the tag "!!set" was ignored, and is refused', "remove it"),
        (
            "!!binary dHJ1ZQ==",
            'the tag "!!binary" had this value decoded, and is refused',
            "write the decoded text instead",
        ),
    ],
)
def test_a_tag_is_told_in_its_own_words(value, said, do):
    """With its place, and what to do."""
    (problem,) = migrated(f"x-tagged: {value}\n{CHECK}").refused
    assert (problem.what, problem.line, problem.column) == (said, 1, 11)
    assert problem.do.startswith(do)


def test_ten_thousand_ignored_keys_are_mended():
    """One pass over the file, not one for each key."""
    checks = "".join(f"- id: c{n}\n  run: 'true'\n  note{n}: x\n" for n in range(10_000))
    found = migrated(f"checks:\n{checks}")
    assert len(found.mended) == 10_000
    assert found.text.count("\n  x-note") == 10_000


KEYS = st.sampled_from(
    ["id", "run", "assert", "grok", "timeout", "timeot", "severity", "requires", "on", "tags", "env",
     "note", "owner", "x-note", "name", "checks", "prompts", "vars", "settings", "while_pending"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["a", "b", "warning", "-1s", "5m", "n < 5", "a and b", "%{INT:n}", "%{NOPE}", "{{.a}}", "", "~"]
)
VALUES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
ENTRIES = st.lists(st.dictionaries(KEYS, VALUES, max_size=5) | VALUES, max_size=3)
CONFIGS = st.dictionaries(KEYS, VALUES, max_size=2).flatmap(
    lambda rest: st.builds(
        lambda checks, prompts: {**rest, "checks": checks, "prompts": prompts}, ENTRIES, ENTRIES
    )
)


@given(CONFIGS, st.sampled_from([None, "'", '"']), st.booleans())
def test_mending_takes_away_what_it_tells_and_nothing_else(config, style, flow):
    """Whatever else is wrong: the mended text has the same other mistakes and differences."""
    text = yaml.safe_dump(config, default_style=style, default_flow_style=flow, sort_keys=False)
    found = migrated(text)
    again = migrated(found.text)
    assert again.mended == ()
    assert again.text == found.text
    for before, after in (
        (found.refused, again.refused),
        (found.different, again.different),
    ):
        assert sorted((p.line, p.what) for p in after) == sorted((p.line, p.what) for p in before)
    try:
        load_config(found.text.encode(), "vibeguard.yaml")
    except ConfigError as error:
        assert set(error.problems) <= set(again.refused)
    else:
        assert again.refused == ()
