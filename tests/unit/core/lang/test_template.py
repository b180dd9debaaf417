"""Suggestions and fixes as templates. The expected texts are what Go's text/template prints."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang.template import MOST_CHARACTERS, check_template, render

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
    return render(text, VALUES, VARS).text


RENDERED = [
    # values
    ("Coverage is {{.cov}}%.", "Coverage is 75.5%."),
    ("{{ .cov }}", "75.5"),
    ("{{\n.cov\n}}", "75.5"),
    ("{{.go_packages}}", "./... ./cmd"),
    ("{{.both}}", "var"),
    ("{{.nope}}", "<no value>"),
    ("{{.nope.deeper}}", "<no value>"),
    ("{{.n.deeper}}", "<no value>"),
    ("{{.empty}}", ""),
    ("no actions } { at }} all", "no actions } { at }} all"),
    ("{{.cov}}}}", "75.5}}"),
    ("docker ps --format '{{.Names}}'", "docker ps --format '<no value>'"),
    ("{{.a.b}}", "dotted"),
    ("{{.my-var}}", "mine"),
    ("{{.1st}}", "first"),
    ("{{.odd name!}}", "odd"),
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
    ('{{if and .n (ne .cov "1")}}both{{end}}', "both"),
    ("{{if not .nope}}none{{end}}", "none"),
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
    # functions
    ("{{len .u}} {{len .n}}", "2 1"),
    # constants
    ('{{`raw \\n "x"`}}', 'raw \\n "x"'),
    ("{{true}} {{false}}", "true false"),
    # trim markers
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
    ('"%q %v" .n .n', '"3" 3'),
    ('"%s %v" .nope .nope', "<no value> <no value>"),
    ('"%d %5d %-5d| %05d %+d" 42 42 42 42 42', "42    42 42   | 00042 +42"),
    ('"%.3d" 7', "007"),
    ('"%f %.2f %8.3f %-8.1f| %06.2f %e %g" 3.14159 3.14159 3.14159 3.14159 3.14159 1000.0 0.5',
     "3.141590 3.14    3.142 3.1     | 003.14 1.000000e+03 0.5"),
    ('"%t %v" true false', "true false"),
    ('"%%"', "%"),
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
    # what Go knows and no config needs (ADR 0090)
    "{{$.n}}",
    "{{if $x := .n}}{{$x}}{{end}}",
    "{{with .n}}[{{.}}]{{else}}none{{end}}",
    "{{with .nope}}a{{else with .n}}{{.}}{{else}}c{{end}}",
    '{{.n | printf "%s-%s" "a"}}',
    "{{$x := .n}}{{$x}}{{$y := $x}}{{$y}}",
    '{{print 1 2 .n "x" 4 5}}',
    "a{{/* comment }} */}}b",
    "a {{- /* comment */ -}} b",
    '{{printf "%d" .n}}', '{{printf "%z" .n}}', '{{printf "%d %s" 1}}',
    '{{printf "%s" .n 1}}', '{{printf "%d" .nope}}', '{{printf "%x" "hi"}}',
    "{{range 3}}{{.}}{{end}}", '{{index . "a.b"}}', "{{slice .cov 0 2}}", "{{html .html}}", "{{.}}",
    '{{printf "%[1]s" .n}}', '{{printf "%*d" 5 4}}', '{{printf "%"}}', "{{if eq ($x := .n) `3`}}{{end}}",
    # what Go stops executing
    '{{.n "arg"}}', '{{"x" | .n}}', "{{if lt .cov 80}}low{{end}}", "{{eq .n 3}}",
    '{{lt .nope "a"}}', "{{len 3}}", "{{len .nope}}",
    "{{range .n}}x{{end}}", "{{printf 3}}", "{{not}}", "{{not 1 2}}", "{{eq .n}}", "{{and}}",
    '{{template "x"}}', "{{range 1000000000}}x{{end}}",
    "{{range 90000}}{{range 90000}}x{{end}}{{end}}", "{{eq . .}}", "{{len}}", "{{print (or)}}",
]  # fmt: skip


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_what_go_would_refuse_is_shown_as_written(text):
    text = "{{.cov}} before " + text
    assert show(text) == text


def test_blocks_are_bounded_and_then_shown_as_written():
    deep = "{{if .n}}" * 64 + "x" + "{{end}}" * 64
    assert show(deep) == "x"
    too_deep = "{{if .n}}" * 1_500
    assert show(too_deep) == too_deep
    parentheses = "{{" + "(" * 5000 + ".n" + ")" * 5000 + "}}"
    assert show(parentheses) == parentheses


MANY = '{{printf "' + "%s" * 2_000 + '"' + " .long" * 2_000 + "}}"


@pytest.mark.parametrize(
    "text", [MANY, "{{if len (" + MANY[2:-2] + ")}}a{{end}}", "{{.cov}}" * 20_000]
)
def test_what_comes_out_has_a_bound_however_it_is_made(text):
    tracemalloc.start()
    rendered = render("{{.cov}}" + text, {**VALUES, "long": "a" * 1_000_000}, VARS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rendered.text) < MOST_CHARACTERS + 100
    assert "cut: " in rendered.text.splitlines()[-1]
    assert not rendered.is_whole
    assert peak < 30 << 20


@pytest.mark.parametrize("width", ["999", ".999"])
def test_a_width_has_a_bound(width):
    assert len(show("{{printf `%" + width + "s` .n}}")) in (1, 999)
    too_wide = "{{printf `%" + width + "9s` .n}}"
    assert show(too_wide) == too_wide


def test_a_value_of_a_megabyte_is_cut():
    rendered = render("{{.v}}", {"v": "a" * (1 << 20)}, {})
    assert rendered.text == "a" * MOST_CHARACTERS + "\n[cut: longer than 16,384 characters]"


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
    assert render("[{{.x}}]", {"x": value}, {}).text == f"[{value}]"


@given(st.text(alphabet='{}.-|$x"` /*iferndwthalsgeokbrcu()=:', max_size=40))
def test_any_text_is_rendered_or_shown_as_written(text):
    rendered = render("{{.x}}" + text, {"x": "1"}, {}).text
    assert rendered.startswith(("1", "{{.x}}"))
