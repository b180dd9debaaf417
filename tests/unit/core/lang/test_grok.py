"""The grok language: references, fields, RE2's own syntax, and what is refused with which advice."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang import grok
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.grok import compile_grok


def extract(pattern, text):
    return compile_grok(pattern).search(text)


def refusal(pattern):
    with pytest.raises(LanguageError) as caught:
        compile_grok(pattern)
    return caught.value


# pattern, text, what is extracted (None: no match)
MATCHES = [
    # references and groups
    ("coverage: %{NUMBER:cov}%", "coverage: 85.5%", {"cov": "85.5"}),
    ("%{INT}", "a 12", {}),
    ("%{INT:n}", "none", None),
    ("(?P<n>[0-9]+) of (?<all>[0-9]+)", "3 of 4", {"n": "3", "all": "4"}),
    (r"%{WORD:kind} (?P<n>\d+)", "errors 12", {"kind": "errors", "n": "12"}),
    ("(?P<outer>a%{INT:inner}b)", "a1b", {"outer": "a1b", "inner": "1"}),
    ("%{INT:n:int}", "7", {"n": "7"}),
    ("%{NUMBER:n:float}", "7.5", {"n": "7.5"}),
    ("((a)(?P<x>b))(c)", "abc", {"x": "b"}),
    # names of fields
    ("%{INT:1st} %{INT:2nd}", "1 2", {"1st": "1", "2nd": "2"}),
    ("(?P<1st>a)", "a", {"1st": "a"}),
    ("%{INT:a.b}", "1", {"a.b": "1"}),
    ("%{INT:a___b}", "1", {"a.b": "1"}),
    ("(?P<a___b>x)", "x", {"a.b": "x"}),
    ("(?P<a.b>x)", "x", {"a.b": "x"}),
    ("%{INT:a__b}", "1", {"a__b": "1"}),
    ("%{INT:n} %{INT:n}", "1 2", {"n": "2"}),
    ("(?P<n>a)|(?P<n>b)", "b", {"n": "b"}),
    ("(?P<n>a)(?P<n>b)?", "a", {"n": "a"}),
    ("%{INT:a___b} %{INT:a.b}", "1 2", {"a.b": "2"}),
    # empty captures are dropped
    ("(?P<x>a*)b", "b", {}),
    ("%{DATA:x}b", "b", {}),
    ("%{SPACE:x}b", "b", {}),
    # names inside the standard patterns come out too
    (
        "%{SYSLOGBASE}",
        "Jan 5 10:20:30 db sshd[12]:",
        {"timestamp": "Jan 5 10:20:30", "host.name": "db"},
    ),
    # the whole text is searched, the first match counts
    ("n=%{INT:n}", "n=1\nn=2\n", {"n": "1"}),
    ("b%{INT:n}", "a1\nb2", {"n": "2"}),
    # RE2's semantics
    ("(?P<x>a)$", "a\n", None),
    ("(?m)(?P<x>a)$", "a\nb", {"x": "a"}),
    ("^(?P<x>b)", "a\nb", None),
    ("(?m)^(?P<x>b)", "a\nb", {"x": "b"}),
    (r"(?P<x>a)\z", "a", {"x": "a"}),
    (r"(?P<x>a)\z", "a\n", None),
    (r"\A(?P<x>b)", "ab", None),
    (r"(?P<x>\d+)", "٣", None),
    (r"(?P<x>\w+)", "é", None),
    (r"(?P<x>\bé)", "é", None),
    ("x(?i)(?P<x>ab)", "xAB", {"x": "AB"}),
    ("x(?i)(?P<x>ab)", "XAB", None),
    ("(?i:x)(?P<x>a)", "Xa", {"x": "a"}),
    ("(?U)(?P<x>a+)", "aaa", {"x": "a"}),
    ("(?P<x>a.b)", "a\nb", None),
    ("(?s)(?P<x>a.b)", "a\nb", {"x": "a\nb"}),
    (r"\Qa.b(\E(?P<x>c)", "a.b(c", {"x": "c"}),
    (r"\Q%{INT}\E(?P<x>c)", "%{INT}c", {"x": "c"}),
    ("(?P<x>[[:alpha:]]+)", "1ab2", {"x": "ab"}),
    (r"(?P<x>\p{L}+)", "1éß2", {"x": "éß"}),
    (r"(?P<x>\pN+)", "a12", {"x": "12"}),
    (r"(?P<x>\P{L}+)", "a12", {"x": "12"}),
    (r"(?P<x>\x{1F600})", "a😀", {"x": "😀"}),
    (r"(?P<x>[^\n]+)", "a\nb", {"x": "a"}),
    ("(?P<x>[日本]+)", "a日本語", {"x": "日本"}),
    ("(?P<x>a{2,3})", "aaaa", {"x": "aaa"}),
    ("(?P<x>a+?)", "aaa", {"x": "a"}),
    # what only looks like a reference
    ("%{2}(?P<x>a)", "%%a", {"x": "a"}),
    ("%{1,2}(?P<x>a)", "%%a", {"x": "a"}),
    ("[%{INT}]+(?P<x>a)", "%{}a", {"x": "a"}),
    (r"\%{INT}(?P<x>a)", "%{INT}a", {"x": "a"}),
    ("100%(?P<x>a)", "100%a", {"x": "a"}),
    ("[]%{]+(?P<x>a)", "]%{a", {"x": "a"}),
    (r"[\]%{]+(?P<x>a)", "]%{a", {"x": "a"}),
    ("[^]]+(?P<x>])", "ab]", {"x": "]"}),
    (r"\((?P<x>a)\)", "(a)", {"x": "a"}),
    ("[(?P<x>]+%{INT:n}", "(?P1", {"n": "1"}),
    ("", "anything", {}),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), MATCHES)
def test_a_pattern_extracts(pattern, text, expected):
    assert extract(pattern, text) == expected


# pattern, part of the message, part of the advice, offset
REFUSALS = [
    ("a %{NOPE:x}", "NOPE", "standard name", 4),
    ("%{NUMBR:x}", "NUMBR", 'did you mean "NUMBER"?', 2),
    ("%{number:x}", "number", 'did you mean "NUMBER"?', 2),
    ("%{INT:a-b}", "%{INT:a-b}", "letters, digits, _ and dots", 0),
    ("x%{INT:}", "%{INT:}", "%{NAME:field}", 1),
    ("%{INT:a:b:c}", "%{INT:a:b:c}", "%{NAME:field}", 0),
    ("%{INT:a+b}", "%{INT:a+b}", "field", 0),
    ("%{ INT }", "%{ INT }", "%{NAME}", 0),
    ("%{}", "%{}", "%{NAME}", 0),
    ("ab%{INT", "no closing }", r"\%\{", 2),
    ("(?P<a-b>x)", "(?P<a-b>", "field name", 0),
    ("(?P<>x)", "(?P<>", "field name", 0),
    ("(?P<é>x)", "(?P<é>", "field name", 0),
    ("(?P<ab", "(?P<ab", "field name", 0),
    ("a(?=b)", "lookahead", "capture the part", 1),
    ("a(?!b)", "lookahead", "capture the part", 1),
    ("(?<=a)b", "lookbehind", "capture the part", 0),
    ("(?<!a)b", "lookbehind", "capture the part", 0),
    ("(?>a)", "atomic", "capture", 0),
    (r"(a)\1", r"\1", "backreferences", 3),
    (r"(?P<x>a)(?P=x)", "backreferences", "", 8),
    (r"a\C", r"\C", "with .", 1),
    (r"a\Z", r"\Z", r"\z", 1),
    (r"\h+", r"\h", r"[ \t]", 0),
    ("ab(", "missing )", "close every (", 0),
    ("ab)", "unexpected )", "open it", 0),
    ("[a-", "missing ]", "close every [", 0),
    ("a[z-b]", "z-b", "Syntax", 2),
    ("*a", "no argument for repetition", "before it", 0),
    ("a**", "bad repetition", "once", 1),
    ("a++", "bad repetition", "possessive", 1),
    ("a{1001}", "{1001}", "1000", 1),
    ("a{1000000000}", "{1000000000}", "1000", 1),  # RE2 itself takes this for characters
    (r"\d{2,99999999999}x", "{2,99999999999}", "1000", 2),
    ("(ab){123456789012,}", "{123456789012,}", "1000", 4),
    ("\\", "trailing", "", 0),
    (r"\p{Nope}", "Nope", "Syntax", 0),
    ("(?x) a", "(?x", "Syntax", 0),
]


@pytest.mark.parametrize(("pattern", "what", "do", "offset"), REFUSALS)
def test_a_pattern_is_refused_with_its_place_and_advice(pattern, what, do, offset):
    error = refusal(pattern)
    assert what in error.what
    assert do in error.do
    assert error.offset == offset


def test_a_too_large_program_is_refused():
    assert "RE2" in refusal("((((a{100}){10}){10}){10}){10}").what


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        ("%{URI}" * 60, 100_000),
        ("%{URI}" * 40 + "%{NOPE}", 50_000),
        ("(" * 15_000, 15_000),
        (r"\pL{1000}", 25_000),
    ],
    ids=["beyond the bound", "an unknown name behind much", "never closed", "too large a program"],
)
def test_a_mistake_costs_what_was_read_before_it_was_found(pattern, least):
    """A config of many such patterns took half a minute, for each counted as next to nothing."""
    with pytest.raises(LanguageError) as refused:
        compile_grok(pattern)
    assert refused.value.cost >= least


def test_a_refused_pattern_prints_nothing(capfd):
    refusal("(")
    assert capfd.readouterr() == ("", "")


def test_fields_are_known_without_a_text():
    assert compile_grok("%{INT:a}(?P<b>x)%{SYSLOGBASE}").fields == {
        "a",
        "b",
        "timestamp",
        "host.name",
    }


def test_text_that_cannot_be_encoded_does_no_harm():
    assert extract("(?P<x>b)", "\ud800b") == {"x": "b"}


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(a+)+b", r"(?P<x>(a+)+)$", r"(?P<x>(a|aa)+)$", r"(?P<x>(?:a*)*)*b|(?P<z>a)$"],
)
@pytest.mark.parametrize("end", ["", "!"])
@pytest.mark.slow
def test_ten_megabytes_take_linear_time(pattern, end):
    """A backtracking engine would take longer than anyone lives."""
    text = "a" * 10_000_000 + end
    start = time.process_time()
    extract(pattern, text)
    assert time.process_time() - start < 5


def test_re2_is_imported_when_the_first_pattern_is_compiled_and_not_before():
    code = (
        "import sys, vibeguard.core.lang.grok as grok; before = 're2' in sys.modules\n"
        "grok.compile_grok('%{INT}'); print(before, 're2' in sys.modules)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert output.stdout == "False True\n"


def test_a_missing_re2_is_an_error_that_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    grok.compile_grok.cache_clear()
    error = refusal("%{INT:n}")
    assert "google-re2" in error.do


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(pattern):
    try:
        compile_grok(pattern).search("some text 12")
    except LanguageError as error:
        assert 0 <= error.offset <= len(pattern)


@given(st.text(alphabet="%{}INT:a.()[]\\QE?P<>|*+1,-", max_size=24))
def test_any_mixture_of_the_languages_own_characters_compiles_or_is_refused(pattern):
    try:
        compile_grok(pattern)
    except LanguageError as error:
        assert error.what
