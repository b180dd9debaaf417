"""The one function that makes foreign strings harmless, and what goes with it."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.wording.sanitise import break_commands, harmless_json, sanitise, well_formed

ESC = "\x1b"
BIDI_AND_HIDDEN = (
    "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff\U000e0041"
)
hostile = st.lists(
    st.one_of(
        st.characters(),
        st.sampled_from(
            [
                "\x1b[",
                "\x1b]0;",
                "\x1bP",
                "\x9b",
                "\x9d",
                "\x07",
                "\x1b\\",
                "::error::",
                "##[",
                "\n",
                "m",
            ]
        ),
        st.sampled_from([*BIDI_AND_HIDDEN, "\ud800", "\udfff", "\u2028", "\ufffe"]),
    ),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("naïve ✓ 漢字 👩‍👩‍👧", "naïve ✓ 漢字 👩‍👩‍👧"),
        (f"{ESC}[1;31mred{ESC}[0m", "red"),
        (f"{ESC}]0;title\x07text", "text"),
        (f"{ESC}]8;;http://x{ESC}\\link{ESC}]8;;{ESC}\\", "link"),
        (f"{ESC}Pq#0;2{ESC}\\after", "after"),
        ("\x9b31mc1", "c1"),
        (f"{ESC}(B{ESC}=x", "x"),
        ("bell\x07", "bell\\x07"),
        ("nul\x00del\x7f", "nul\\x00del\\x7f"),
        ("nel\x85", "nel\\x85"),
        ("10%\r20%", "10%\\r20%"),
        ("two\nlines", "two\\nlines"),
        ("a\tb", "a   b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("line\u2028separator", "line\\u2028separator"),
        ("lone\ud83d", "lone\ufffd"),
        ("non\uffff", "non\ufffd"),
        (f"{ESC}[{ESC}[31m31mjoined", "\\x1b[31mjoined"),
        (f"unfinished {ESC}[31", "unfinished \\x1b[31"),
    ],
)
def test_what_is_more_than_text_is_dropped_or_made_visible(text, shown):
    assert sanitise(text) == shown


def test_newlines_survive_only_where_they_are_asked_for():
    assert sanitise("a\r\nb\n\x07", multiline=True) == "a\nb\n\\x07"
    assert sanitise("a\nb") == "a\\nb"


@given(hostile, st.booleans())
def test_nothing_that_acts_survives_and_twice_is_once(text, multiline):
    shown = sanitise(text, multiline=multiline)
    kept = shown.replace("\n", "") if multiline else shown
    assert not [c for c in kept if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(kept) & set(BIDI_AND_HIDDEN)
    assert sanitise(shown, multiline=multiline) == shown
    shown.encode("utf-8")


def test_hostile_megabytes_take_linear_time():
    """Each shape would take minutes if one introducer made the next scan start anew."""
    for shape in ("\x1b]", "\x9d", "\x90", "\x1bP", "\x1b[0;", "\x9b"):
        sanitise(shape * 100_000)


@pytest.mark.parametrize(
    "line",
    [
        "::error::x",
        "  ::set-output name=a::b",
        "\u00a0::error::nbsp",
        "##[error]x",
        "text ##[add-mask]x",
        "##vso[task.setvariable variable=x]y",
        "x ##VSO[task.complete]",
        "##teamcity[buildStop comment='x']",
        "###[x",
        "section_start:1:x",
        "travis_fold:start:x",
        "--- group",
        "+++ open",
    ],
)
def test_what_a_ci_service_reads_as_a_command_is_broken(line):
    command = re.compile(
        r"(?i)^\s*::|##\[|##vso\[|##teamcity\[|section_(start|end):|travis_fold:|^(---|\+\+\+) "
    )
    assert command.search(line)
    assert not command.search(break_commands(line))
    assert not any(command.search(part) for part in break_commands(f"a\n{line}\nb").split("\n"))


@given(hostile)
def test_breaking_twice_is_breaking_once(text):
    assert break_commands(break_commands(text)) == break_commands(text)


def test_ordinary_text_is_not_broken():
    text = "std::vec and a_b: # title\n| ::not at the start"
    assert break_commands(text) == text


@given(
    st.recursive(hostile.map(well_formed), lambda inner: st.lists(inner, max_size=3)), st.booleans()
)
def test_json_made_harmless_is_the_same_value(value, ci):
    text = json.dumps(value, ensure_ascii=False)
    safe = harmless_json(text, ci=ci)
    assert json.loads(safe) == value
    assert not [c for c in safe if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(safe) & set(BIDI_AND_HIDDEN)
    assert not ci or "##" not in safe


def test_json_that_holds_nothing_harmful_keeps_its_bytes():
    assert harmless_json('{"é":"✓ \\u001b"}') == '{"é":"✓ \\u001b"}'
