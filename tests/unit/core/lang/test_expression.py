"""The assert language: what holds, what is refused and where, and that numbers are Python's."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.expression import BadValue, MissingName, parse_expression

VALUES = {
    "cov": "85.5",
    "n": "3",
    "zero": "0",
    "neg": "-4",
    "word": "ok",
    "big": "1e3",
    "nan": "NaN",
    "inf": "inf",
    "a.b": "7",
    "yes": "true",
    "no": "false",
    "empty": "",
    "spaced": " 85",
    "percent": "85%",
    "path": "C:\\new",
    "quote": "it's",
}


def holds(text, values=VALUES):
    return parse_expression(text).evaluate(values)


TRUE = [
    # comparisons of numbers
    "cov >= 80", "cov > 85", "cov < 85.6", "cov <= 85.5", "cov == 85.50", "cov != 85", "n == 3.0",
    "neg < 0", "big == 1000", "n < 20", "1e3 == 1000", "1E+3 == 1000", "1.5e-1 == 0.15", ".5 == 0.5",
    "007 == 7",
    # comparisons of texts
    'word == "ok"', "word == 'ok'", 'word != "fail"', '"abc" < "abd"', '"Z" < "a"', '"" == ""',
    '"10" == 10', '"10" == "10.0"', '"9" < "10"', '"b9" > "b10"', "spaced != 85", 'percent == "85%"',
    '"é" > "z"', "yes == true", "no == false", 'yes == "true"', "true == 'true'",
    # arithmetic
    "1 + 2 * 3 == 7", "(1 + 2) * 3 == 9", "10 - 4 - 3 == 3", "16 / 4 / 2 == 2", "7 / 2 == 3.5",
    "2 * 3 + 4 * 5 == 26", "10 - -5 == 15", "-5 < 0", "--5 == 5", "-n == -3", "-(1 + 2) == -3",
    "n*n==9", "n-1==2", "n -1 == 2", "cov / 100 > 0.8", "a.b * 2 == 14", '"3" * "4" == 12',
    "2 * -3 == -6", "0.1 + 0.2 != 0.3", "-zero == 0", "1 / 3 * 3 == 1",
    # logic
    "true", "!false", "!!true", "true && true", "false || true", "true || false && false",
    "!(cov < 80)", "!false && true", "!-zero", "!(true && false)", "cov >= 80 && n < 5", "zero || n",
    "cov >= 80 || missing > 1", "!(false && missing)", "true || missing",
    # precedence, all ranks
    "1 + 1 == 2 && 2 * 2 == 4 || false", "1 < 2 == true", "1 == 1 == true", "!zero == true",
    "1 + 2 < 4 && 5 > 4 - 1", "2 + 3 * 4 - 6 / 2 == 11",
    # a bare value
    "cov", "word", "yes", "-1", '"0.5"', '"no"', "inf", "1e-300",
    # infinities
    "inf == inf", "inf > 1e308", "-inf < 0", "1e308 * 10 == inf", '"Infinity" == inf',
    # space and layout
    "  cov>=80  ", "cov\n>=\t80\r\n", "cov>=80&&n<5", "((((cov)))) > 1",
    # texts with quotes and backslashes: there are no escapes
    'path == "C:\\new"', "path == 'C:\\new'", '"C:\\" == \'C:\\\'', "path != 'C:\\\\new'",
    'quote == "it\'s"', '"\\n" != "n"', '"&&" == "&&"', '"(" == "("',
]  # fmt: skip
FALSE = [
    "cov < 80", "cov == 85", "n != 3", 'word == "OK"', '"abc" > "abd"', "1 == 2", "false", "!true",
    "zero", '""', "empty", "no", '"0.0"', '"false"', "0", "0.0", "-0", "true && false",
    "false || false", "n == 3 && n == 4", "1 + 1 == 3", "!cov", "!!zero", "!n == 3",
    "false && missing", "0 && missing", "zero && 1 / 0", "true == 1", "yes == 1",
    # NaN satisfies no comparison
    "nan == nan", "nan != nan", "nan < 5", "nan > 5", "nan <= 5", "nan >= 5", "5 != nan", "nan",
    '"nan" == "NaN"', "inf - inf == 0", "inf * 0 >= 0", "-nan < 1",
    # nor does the denial of one
    "!nan", "!(nan < 5)", "!(nan >= 5 && true)", "!(false || nan > 5)", "!!(nan < 5)", "!(nan == 5)",
    "(nan < 5) == false", "(nan < 5) != true", "!(!(nan < 5))", "!(nan && false)", "1 - !(nan < 5)",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_it_holds(text):
    assert holds(text) is True


@pytest.mark.parametrize("text", FALSE)
def test_it_does_not_hold(text):
    assert holds(text) is False


# text, part of the message, part of the advice, offset of the caret
REFUSED = [
    ("", "empty", "leave assert out", 0),
    (" \n", "empty", "leave assert out", 0),
    ("a and b", "and is not an operator", "&&", 2),
    ("a or b", "or is not an operator", "||", 2),
    ("not a", "not is not an operator", "!", 0),
    ("a == 1 and b == 2", "and", "&&", 7),
    ("10 % 3 == 1", "%", "remainder", 3),
    ("a = 1", "=", "==", 2),
    ("a === 1", "===", "==", 2),
    ("a !== 1", "!==", "!=", 2),
    ("a & b", "&", "&&", 2),
    ("a | b", "|", "||", 2),
    ("a =~ 'x'", "=~", "grok", 2),
    ("a <> 1", 'instead of ">"', "put a name", 3),
    ("a =< 1", "=", "==", 2),
    ("cov >= 80 extra", '"extra" follows', "operator", 10),
    ("1 2", '"2" follows', "operator", 2),
    ("'a' 'b'", '"b" follows', "operator", 4),
    ("(1 + 2", "never closed", ")", 0),
    ("((1)", "never closed", ")", 0),
    ("1 + 2)", ") without a (", "remove", 5),
    ("()", 'missing instead of ")"', "put a name", 1),
    ("1 +", "missing at the end", "put a name", 3),
    ("* 2", 'missing instead of "*"', "put a name", 0),
    ("1 + + 2", 'missing instead of "+"', "put a name", 4),
    ("+1", 'missing instead of "+"', "put a name", 0),
    ("a && ", "missing at the end", "put a name", 5),
    ("&& a", 'missing instead of "&&"', "put a name", 0),
    ("a || || b", 'missing instead of "||"', "put a name", 5),
    ("a > > b", 'missing instead of ">"', "put a name", 4),
    ("!", "missing at the end", "put a name", 1),
    ("a !", '"!" follows', "operator", 2),
    ("len(a) > 1", '"len" is not a function', "compare", 0),
    ("1.2.3 > 1", '"1.2.3" is not a number', "0.5", 0),
    ("0x1F > 1", '"0x1F" is not a number', "80", 0),
    ("1_000 > 1", '"1_000" is not a number', "80", 0),
    ("1st > 1", '"1st" is not a number', "letter", 0),
    ("5. > 1", '"5." is not a number', "0.5", 0),
    ("a. > 1", '"." is not a number', "name", 1),
    ('"open', '"', "close the text", 0),
    ("a == 'open", "'", "close the text", 5),
    ("a @ b", "@", "operators", 2),
    ("$a > 1", "$", "bare name", 0),
    ("{{.min}} > 1", "{", "vars", 0),
    ("a > 1;", ";", "operators", 5),
    ("é > 1", "é", "names", 0),
    ("a ? 1 : 2", "?", "operators", 2),
    ("[1]", "[", "operators", 0),
    ("a,b", ",", "operators", 1),
]


@pytest.mark.parametrize(("text", "what", "do", "offset"), REFUSED)
def test_it_is_refused_at_load_time_with_a_caret(text, what, do, offset):
    with pytest.raises(LanguageError) as caught:
        parse_expression(text)
    assert what in caught.value.what
    assert do in caught.value.do
    assert caught.value.offset == offset


BAD_VALUES = [
    ("cov / zero > 1", "division by zero", 4),
    ("1 / 0", "division by zero", 2),
    ("1 / (n - 3)", "division by zero", 2),
    ("0 / 0 == 0", "division by zero", 2),
    ("word + 1 > 0", '+ needs numbers, and "ok" is not one', 5),
    ("1 - word", "- needs numbers", 2),
    ("-word", "- needs numbers", 0),
    ("percent * 2 > 1", '"85%"', 8),
    ('"a" + "b" == "ab"', "+ needs numbers", 4),
    ("true + 1 == 2", '"true"', 5),
    ("-true", '"true"', 0),
    ("-!zero", '"true"', 0),
    # an order of a number and of what does not read as one
    ("word >= 80", '>= needs numbers, and "ok" is not one', 5),
    ("80 < word", '"ok"', 3),
    ("percent >= 80", '"85%"', 8),
    ("spaced >= 85", '" 85"', 7),
    ('"[no statements]" >= 80', '"[no statements]"', 18),
    ("1 < 2 < 3", '"true"', 6),
    ('n > ""', '""', 2),
]


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("9.5%", "%{NUMBER:name}%"),
        ("120KB", "%{NUMBER:name}KB"),
        ("1,234", "%{INT:thousands},%{INT:ones}"),
        ("[no statements]", "capture the digits alone"),
    ],
)
def test_a_value_that_reads_as_no_number_comes_with_a_pattern(value, pattern):
    with pytest.raises(BadValue) as caught:
        holds("v < 50", {"v": value})
    assert value in caught.value.what
    assert pattern in caught.value.do
    assert holds("v != 50", {"v": value})
    assert not holds("v == 50", {"v": value})


@pytest.mark.parametrize("text", ["!" * 1_000_000 + "n", "-" * 1_000_000, "1+" * 500_000 + "1"])
def test_an_expression_has_a_bound(text):
    with pytest.raises(LanguageError, match="200,000 words"):
        parse_expression(text)


@pytest.mark.parametrize(("text", "what", "offset"), BAD_VALUES)
def test_a_bad_value_is_an_error_at_run_time(text, what, offset):
    expression = parse_expression(text)
    with pytest.raises(BadValue) as caught:
        expression.evaluate(VALUES)
    assert what in caught.value.what
    assert caught.value.offset == offset


def test_a_long_bad_value_is_cut_in_the_message():
    with pytest.raises(BadValue) as caught:
        holds("x + 1", {"x": "y" * 1000})
    assert len(caught.value.what) < 200


@pytest.mark.parametrize(
    "text", ["missing < 5", "missing", "!missing", "cov > 1 && missing", "-missing"]
)
def test_a_name_that_was_not_extracted_is_named(text):
    with pytest.raises(MissingName) as caught:
        holds(text)
    assert caught.value.name == "missing"
    assert text[caught.value.offset :].startswith("missing")


def test_names_are_known_without_evaluating():
    assert parse_expression("a.b > 1 && (c || !d) && true && 'e' == f").names == {
        "a.b",
        "c",
        "d",
        "f",
    }


def test_a_chain_of_any_length_is_evaluated():
    assert holds(" && ".join(["true"] * 10_000))
    assert holds(" + ".join(["1"] * 10_000) + " == 10000")
    assert holds("!" * 10_000 + "true")


def test_parentheses_are_bounded_with_a_clear_error():
    assert holds("(" * 64 + "true" + ")" * 64)
    with pytest.raises(LanguageError, match="64 deep") as caught:
        parse_expression("(" * 100_000)
    assert caught.value.offset == 64


def test_a_text_of_many_digits_stays_a_text():
    assert holds('x == "' + "9" * 5000 + '"', {"x": "9" * 5000})


NUMBERS = st.one_of(
    st.integers(0, 10**6).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda number: f"{number:.6f}"),
    st.sampled_from(["n", "cov", "zero", "neg"]),
)
PYTHON_VALUES = {"n": 3, "cov": 85.5, "zero": 0, "neg": -4}


def arithmetic(children):
    return st.one_of(
        st.tuples(children, st.sampled_from(["+", "-", "*", "/"]), children).map(" ".join),
        children.map(lambda inner: f"({inner})"),
        children.map(lambda inner: f"-({inner})"),
        NUMBERS.map(lambda number: f"-{number}"),
    )


ARITHMETIC = st.recursive(NUMBERS, arithmetic, max_leaves=12)
COMPARISON = st.tuples(ARITHMETIC, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), ARITHMETIC)


def in_python(text):
    """Python reads integers exactly; the language, like the original, computes in doubles."""
    return eval(text, {"__builtins__": {}}, {k: float(v) for k, v in PYTHON_VALUES.items()})


@settings(max_examples=examples(4))
@given(COMPARISON)
def test_arithmetic_and_comparison_agree_with_python(parts):
    left, operator, right = parts
    text = f"{left} {operator} {right}"
    try:
        sides = in_python(left), in_python(right)
    except ZeroDivisionError:
        with pytest.raises(BadValue):
            holds(text)
        return
    if all(abs(side) < 2**53 for side in sides):
        expected = in_python(text)
        if not math.isclose(*sides) or sides[0] == sides[1]:
            assert holds(text) is expected


def logic(children):
    return st.one_of(
        st.tuples(children, st.sampled_from(["&&", "||"]), children).map(" ".join),
        children.map(lambda inner: f"({inner})"),
        children.map(lambda inner: f"!({inner})"),
    )


@given(st.recursive(st.sampled_from(["true", "false"]), logic, max_leaves=12))
def test_logic_agrees_with_python(text):
    python = text.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    expected = eval(python, {"__builtins__": {}}, {"true": True, "false": False})
    assert holds(text) is bool(expected)


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused_inside_its_bounds(text):
    try:
        parse_expression(text)
    except LanguageError as error:
        assert 0 <= error.offset <= len(text)


@given(st.text(alphabet="ab.1 +-*/()!=<>&|'\"\\", max_size=20))
def test_any_mixture_of_its_own_characters_never_fails_otherwise(text):
    try:
        parse_expression(text).evaluate({"a": "1", "b": "x"})
    except LanguageError as error:
        assert error.what


@given(st.text(max_size=20))
def test_any_value_compares_equal_to_itself_unless_it_is_nan(value):
    assert holds("x == x", {"x": value}) is (value.lower().lstrip("+-") != "nan")
