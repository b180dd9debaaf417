"""What `migrate` finds in a config of the original, and what it mends."""

import pytest

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
        ("run: docker run --rm -d db", "may leave processes behind"),
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


def test_a_comparison_of_a_comparison_is_told():
    """It loads, as it always did, and is hardly meant."""
    text = f"{CHECK}    grok: '%{{INT:n}}'\n    assert: 1 < n < 5\n"
    assert any("a comparison's answer" in line for line in different(text))
