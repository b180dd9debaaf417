"""Suggestions and fixes as Go templates. The expected texts are what Go's text/template prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang.template import check_template, render

VALUES = {
    "cov": "75.5",
    "n": "3",
    "empty": "",
    "a.b": "dotted",
    "1st": "first",
    "u": "é",
    "both": "extracted",
    "markup": "{{.cov}}",
    "html": "<a href='x'>&",
}
VARS = {"go_packages": "./... ./cmd", "my-var": "mine", "both": "var", "odd name!": "odd"}


def show(text):
    return render(text, VALUES, VARS)


RENDERED = [
    # values
    ("Coverage is {{.cov}}%.", "Coverage is 75.5%."),
    ("{{ .cov }}", "75.5"),
    ("{{\n.cov\n}}", "75.5"),
    ("{{.go_packages}}", "./... ./cmd"),
    ("{{.both}}", "var"),
    ("{{.nope}}", "<no value>"),
    ("{{.nope.deeper}}", "<no value>"),
    ("{{.empty}}", ""),
    ("no actions } { at }} all", "no actions } { at }} all"),
    ("{{.cov}}}}", "75.5}}"),
    ("docker ps --format '{{.Names}}'", "docker ps --format '<no value>'"),
    ("{{.a.b}}", "dotted"),
    ("{{.my-var}}", "mine"),
    ("{{.1st}}", "first"),
    ("{{.odd name!}}", "odd"),
    ("{{$.n}}", "3"),
    ("{{(.n)}}", "3"),
    ("{{.markup}}", "{{.cov}}"),
    # conditions
    ('{{if eq .n "3"}}three{{else}}other{{end}}', "three"),
    ('{{if eq .n "4"}}four{{else}}other{{end}}', "other"),
    ("{{if .empty}}a{{else}}b{{end}}", "b"),
    ("{{if .nope}}a{{end}}", ""),
    ('{{if eq .n "1"}}a{{else if eq .n "3"}}b{{else}}c{{end}}', "b"),
    ('{{if eq .n "1"}}a{{else if eq .n "2"}}b{{else}}c{{end}}', "c"),
    ("{{if .n}}{{if .empty}}a{{else}}b{{end}}{{end}}", "b"),
    ("{{if $x := .n}}{{$x}}{{end}}", "3"),
    ('{{if and .n (ne .cov "1")}}both{{end}}', "both"),
    ("{{if not .nope}}none{{end}}", "none"),
    ("{{with .n}}[{{.}}]{{else}}none{{end}}", "[3]"),
    ("{{with .nope}}[{{.}}]{{else}}none{{end}}", "none"),
    ("{{with .nope}}a{{else with .n}}{{.}}{{else}}c{{end}}", "3"),
    ("{{with $x := .n}}{{$x}}{{end}}", "3"),
    # comparisons
    ('{{eq .n "1" "2" "3"}}', "true"),
    ('{{ne .n "3"}}', "false"),
    ('{{lt "10" "9"}} {{lt 10 9}}', "true false"),
    ('{{gt .cov "70"}} {{ge "a" "a"}} {{le "b" "a"}}', "true true false"),
    ("{{eq 1 1}} {{lt 1.5 2.5}} {{eq true true}}", "true true true"),
    ('{{eq .nope "a"}} {{ne .nope "a"}} {{eq .nope .nada}}', "false true true"),
    # logic
    ('{{or .nope "default"}} {{or .n "default"}}', "default 3"),
    ('{{and .n .cov}} {{and .empty .cov}}|{{and .n ""}}|', "75.5 ||"),
    ("{{not .n}} {{not .empty}}", "false true"),
    ("{{or .n (index .n 99)}}", "3"),
    ("{{and .empty (index .n 99)}}", ""),
    ('{{.nope | or .empty "x"}}', "x"),
    # pipelines and variables
    ('{{.n | printf "%s-%s" "a"}}', "a-3"),
    ('{{"q" | len}}', "1"),
    ('{{.n | printf "%q" | len}}', "3"),
    ("{{.n|}}{{(.n | ) }}", "33"),
    ("{{$x := .n}}{{$x}}{{$y := $x}}{{$y}}", "33"),
    ('{{$x := "a"}}{{if .n}}{{$x = "b"}}{{end}}{{$x}}', "b"),
    ('{{$x := "a"}}{{if .n}}{{$x := "b"}}{{$x}}{{end}}{{$x}}', "ba"),
    # range
    ("{{range 3}}{{.}}{{end}}", "012"),
    ("{{range $i := 3}}{{$i}}{{end}}", "012"),
    ("{{range 5}}{{if eq . 1}}{{continue}}{{end}}{{if eq . 3}}{{break}}{{end}}{{.}}{{end}}", "02"),
    ("{{range 0}}a{{else}}empty{{end}}", "empty"),
    ("{{range .nope}}x{{else}}none{{end}}", "none"),
    ("[{{range .nope}}x{{end}}{{range $k, $v := .nope}}{{$k}}{{end}}]", "[]"),
    # functions
    ("{{len .u}} {{len .n}}", "2 1"),
    ('{{index . "a.b"}} {{index . "nope"}}|', "dotted |"),
    ('{{index "abc" 1}}', "98"),
    ("{{slice .cov 0 2}} {{slice .cov 3}} {{slice .cov}}", "75 5 75.5"),
    ('{{print 1 2 .n "x" 4 5}}', "1 23x4 5"),
    ("{{println .n 1 2.5 true}}", "3 1 2.5 true\n"),
    ("{{print .nope}} {{print nil}}", "<nil> <nil>"),
    ("{{html .html}}", "&lt;a href=&#39;x&#39;&gt;&amp;"),
    ('{{js "a<\'b\'"}}', "a\\u003C\\'b\\'"),
    ('{{urlquery "a b/é"}}', "a+b%2F%C3%A9"),
    ('{{"a" | html | print}}', "a"),
    # constants
    ("{{1}} {{-2}} {{1.0}} {{1.5e3}} {{0x1F}} {{'a'}} {{1_000}} {{017}}", "1 -2 1 1500 31 97 1000 15"),
    ("{{1e6}} {{123456789.0}} {{0.00001}} {{1e21}}", "1e+06 1.23456789e+08 1e-05 1e+21"),
    ('{{"a\\tb\\"\\u00e9\\x41\\101"}}', 'a\tb"éAA'),
    ('{{`raw \\n "x"`}}', 'raw \\n "x"'),
    ("{{true}} {{false}}", "true false"),
    # comments and trim markers
    ("a{{/* comment }} */}}b", "ab"),
    ("a {{- /* comment */ -}} b", "ab"),
    ("a  {{- .n}}  b", "a3  b"),
    ("a  {{.n -}}  \n b", "a  3b"),
    ("a\n{{- if .n -}}\n x \n{{- end -}}\n b", "axb"),
    ("{{- 3}} {{-3}}", "3 -3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RENDERED)
def test_a_template_is_rendered(text, expected):
    assert show(text) == expected


PRINTF = [
    ('"%s|%5s|%-5s|%.1s" .n .n .n .cov', "3|    3|3    |7"),
    ('"%05s" .n', "00003"),
    ('"%q %v %x %X" .n .n "hi" "hi"', '"3" 3 6869 6869'),
    ('"%q" "a\\n\\"é\\x01"', '"a\\n\\"é\\x01"'),
    ('"%#q" "a b"', "`a b`"),
    ('"%#q" "a\\tb"', "`a\tb`"),
    ('"%d %5d %-5d| %05d %+d" 42 42 42 42 42', "42    42 42   | 00042 +42"),
    ('"%x %X %o %b %c %U" 255 255 8 5 97 97', "ff FF 10 101 a U+0061"),
    ('"%#x % d" 255 5', "0xff  5"),
    ('"%.3d" 7', "007"),
    ('"%f %.2f %8.3f %-8.1f| %06.2f %e %g" 3.14159 3.14159 3.14159 3.14159 3.14159 1000.0 0.5',
     "3.141590 3.14    3.142 3.1     | 003.14 1.000000e+03 0.5"),
    ('"%t %v" true false', "true false"),
    ('"%%"', "%"),
    ('"%*d" 5 42', "   42"),
    ('"%T %T %T %T" .n 1 1.5 true', "string int float64 bool"),
    # indexes of arguments, out of the tests of Go's fmt
    ('"%[2]s-%[1]s" "a" "b"', "b-a"),
    ('"%[1]s %s %[1]s" "a" "b"', "a b a"),
    ('"%[2]d" 1 2', "2"),
    ('"%d %d %d %#[1]o %#o %#o" 11 12 13', "11 12 13 013 014 015"),
    ('"%[2]*[1]d" 2 5', "    2"),
    ('"%[3]*.[2]*[1]f" 12.0 2 6', " 12.00"),
    ('"%[1]*.[3]f" 6 3 12.0', "    12"),
    ('"%.[1]*[3]f" 6 99 12.0', "12.000000"),
    ('"%[3]s" "a" "b"', "%!s(BADINDEX)"),
    ('"%[0]s|%[-3]s|%[x]s|%[]s|%[s" "a"', "|".join(["%!s(BADINDEX)"] * 5)),
    ('"%[99999999999999999999]d" 1', "%!d(BADINDEX)"),
    ('"%[1]2d %[1].2d %3.[2]d" 5', "%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)"),
    ('"%[5]d %[2]d %d" 1 2 3', "%!d(BADINDEX) 2 3"),
    ('"%d %[3]d %d" 1 2', "1 %!d(BADINDEX) 2"),
    ('"%[1]d %d" 1', "1 %!d(MISSING)"),
    ('"%[1]"  1', "%!(NOVERB)"),
    ('"%.[]"', "%!](BADINDEX)"),
    ('"%]d" 2 1', "%!](int=2)d%!(EXTRA int=1)"),
    # Go's marks for mistakes
    ('"%d" .n', "%!d(string=3)"),
    ('"%s" 1', "%!s(int=1)"),
    ('"%f" 1', "%!f(int=1)"),
    ('"%.1f|%6.2f|%05d|%-5d|" .cov .n .n .n',
     "%!f(string=7)|%!f(string=     3)|%!d(string=00003)|%!d(string=3    )|"),
    ('"%05s %+v %#d" "-3" 5 "x"', "000-3 5 %!d(string=x)"),
    ('"%d" 1.5', "%!d(float64=1.5)"),
    ('"%z" .n', "%!z(string=3)"),
    ('"%d %s" 1', "1 %!s(MISSING)"),
    ('"%s" .n 1 "x"', "3%!(EXTRA int=1, string=x)"),
    ('"%"', "%!(NOVERB)"),
    ('"%s %v %d" .nope nil .nope', "%!s(<nil>) <nil> %!d(<nil>)"),
    ('"%*s" "x" "y"', "%!(BADWIDTH)y"),
    ('"%.*d" -1 7', "%!(BADPREC)7"),
    (f'"%{"9" * 5000}d" 7', "%!(BADWIDTH)7"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), PRINTF)
def test_printf_is_gos(arguments, expected):
    assert show("{{printf " + arguments + "}}") == expected


AS_WRITTEN = [
    # what does not parse
    "{{", "{{.cov", "{{}}", "{{ }}", "{{end}}", "{{else}}", "{{if}}x{{end}}", "{{if .n}}x",
    "{{if .n}}a{{else}}b{{else}}c{{end}}", "{{nofunc .n}}", "{{.a-b}}", "{{.n .}}{{", "{{.n||}}",
    "{{|.n}}", '{{"open}}', "{{`open}}", "{{'ab'}}", "{{$x}}", "{{$x = 1}}", "{{break}}",
    "{{range .}}", "{{/* open", "{{/* a */ x}}", "{{/* a */ }} text {{/* b */}}", "{{range $i, $x := 3}}x{{end}}", "{{ /* a */}}", "{{nil}}", '{{.n | "x"}}',
    "{{.n", "{{(.n}}", "{{.n)}}", "{{1x}}", "{{99999999999999999999}}", '{{"\\q"}}', "{{.n,}}",
    '{{printf"%s"}}', "{{@}}", "{{.}.n}}", '{{define "x"}}{{end}}', "{{1.2.3}}", "{{$x, $y := .}}",
    # what Go stops executing
    "{{.n.x}}", '{{.n "arg"}}', '{{"x" | .n}}', "{{if lt .cov 80}}low{{end}}", "{{eq .n 3}}",
    "{{eq 1 1.0}}", "{{lt true false}}", '{{lt .nope "a"}}', "{{len 3}}", "{{len .nope}}",
    "{{index .n 5}}", '{{index .n "x"}}', "{{index .nope 1}}", "{{index .nope}}", "{{slice .n 2 1}}", "{{slice 3}}",
    "{{range .n}}x{{end}}", "{{printf 3}}", "{{not}}", "{{not 1 2}}", "{{eq .n}}", "{{and}}",
    "{{with .n}}{{.x}}{{end}}", '{{template "x"}}', "{{range 1000000000}}x{{end}}",
    "{{range 90000}}{{range 90000}}x{{end}}{{end}}", "{{eq . .}}", "{{len}}", "{{print (or)}}",
]  # fmt: skip


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_what_go_would_refuse_is_shown_as_written(text):
    text = "{{.cov}} before " + text
    assert show(text) == text


def test_a_range_over_the_data_has_sorted_keys():
    data = {"b": "2", "a": "1"}
    assert render("{{range $k, $v := .}}{{$k}}={{$v}} {{end}}", data, {}) == "a=1 b=2 "
    assert render("{{range .}}{{.}} {{end}}", data, {}) == "1 2 "
    assert render("{{.}}", data, {}) == "map[a:1 b:2]"


def test_blocks_are_bounded_and_then_shown_as_written():
    deep = "{{if .n}}" * 64 + "x" + "{{end}}" * 64
    assert show(deep) == "x"
    too_deep = "{{if .n}}" * 2_000
    assert show(too_deep) == too_deep
    parentheses = "{{" + "(" * 5000 + ".n" + ")" * 5000 + "}}"
    assert show(parentheses) == parentheses


def test_a_mistake_has_its_place():
    error = check_template("Coverage is {{.cov}} {{nofunc .x}}", ())
    assert error is not None
    assert error.offset == 23
    assert check_template("Coverage is {{.cov}}", ()) is None


def test_a_name_that_go_would_refuse_is_one_where_it_has_a_value():
    assert check_template("{{.my-var}}", ()) is not None
    assert check_template("{{.my-var}}", {"my-var"}) is None


@given(st.text())
def test_a_value_is_never_read_as_a_template(value):
    assert render("[{{.x}}]", {"x": value}, {}) == f"[{value}]"


@given(st.text(alphabet='{}.-|$x"` /*iferndwthalsgeokbrcu()=:', max_size=40))
def test_any_text_is_rendered_or_shown_as_written(text):
    rendered = render("{{.x}}" + text, {"x": "1"}, {})
    assert rendered.startswith(("1", "{{.x}}"))
