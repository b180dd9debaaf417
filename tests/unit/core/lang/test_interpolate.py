"""`{{.name}}` of a known variable, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang.cycles import arrows, find_cycles
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.interpolate import (
    MAX_CHARACTERS,
    Interpolation,
    VariableCycle,
    resolve_variables,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{.a}}", "1"),
        ("x{{.a}}y{{.a}}", "x1y1"),
        ("{{.a}}{{.b}}", "12"),
        ("{{{.a}}}", "{1}"),
        ("{{.Names}}", "{{.Names}}"),
        ("{{ .a }}", "{{ .a }}"),
        ("{{.a }}", "{{.a }}"),
        ("{{.A}}", "{{.A}}"),
        ("{{a}}", "{{a}}"),
        ("{.a}", "{.a}"),
        ("{{.aa}}", "{{.aa}}"),
        ("{{.ab}}", "3"),
        ("{{.x y.z}}", "4"),
        ("{{..*}}", "5"),
        ("{{.a", "{{.a"),
        ("{{.{{.a}}}}", "{{.1}}"),
        ("{{if .a}}x{{end}}", "{{if .a}}x{{end}}"),
        ("", ""),
    ],
)
def test_only_known_names_are_replaced(text: str, expected: str) -> None:
    """Whatever characters they have; templates of other tools survive."""
    known = {"a": "1", "b": "2", "ab": "3", "x y.z": "4", ".*": "5"}
    assert Interpolation(known).put(text) == expected


def test_it_is_one_pass() -> None:
    """What a variable brought in is not looked at again."""
    assert Interpolation({"a": "{{.b}}", "b": "2"}).put("{{.a}}") == "{{.b}}"
    assert Interpolation({"a": "{{", "b": "x"}).put("{{.a}}.b}}") == "{{.b}}"


def test_variables_may_use_variables_in_any_order() -> None:
    """Each comes out whole, and the order of the file stays."""
    resolved = resolve_variables({"c": "<{{.b}}{{.b}}>", "b": "[{{.a}}]", "a": "1", "d": "{{.no}}"})
    assert resolved == {"c": "<[1][1]>", "b": "[1]", "a": "1", "d": "{{.no}}"}
    assert list(resolved) == ["c", "b", "a", "d"]


def test_a_chain_of_variables_needs_no_recursion() -> None:
    """Two thousand long."""
    chain = {f"v{i}": f"{{{{.v{i + 1}}}}}" for i in range(2000)} | {"v2000": "end"}
    assert set(resolve_variables(chain).values()) == {"end"}


def test_cycles_of_variables() -> None:
    """All of them."""
    with pytest.raises(VariableCycle) as refused:
        resolve_variables({"a": "{{.b}}", "b": "{{.a}}", "s": "x{{.s}}", "ok": "{{.a}}"})
    assert refused.value.cycles == [["a", "b"], ["s"]]


def test_a_text_may_not_explode() -> None:
    """One MiB is enough for a command."""
    with pytest.raises(LanguageError, match="longer than 1 MiB"):
        Interpolation({"a": "x" * (MAX_CHARACTERS // 2)}).put("{{.a}}" * 3)
    bomb = {f"v{i}": f"{{{{.v{i + 1}}}}}" * 10 for i in range(50)} | {"v50": "x"}
    with pytest.raises(LanguageError, match="longer than 1 MiB"):
        resolve_variables(bomb)


names = st.text(alphabet="ab.{} ", min_size=1, max_size=3)
pieces = st.lists(
    st.sampled_from(["{{.a}}", "{{.bb}}", "x", "{{", "}}", "{{.no}}", "."]), max_size=8
)


@given(pieces, st.text(max_size=4), st.text(max_size=4))
def test_every_character_knows_where_it_came_from(parts: list[str], a: str, bb: str) -> None:
    """Outside of variables the same character stands there; inside, the variable begins there."""
    text = "".join(parts)
    interpolation = Interpolation({"a": a, "bb": bb})
    result = interpolation.put(text)
    for offset, character in enumerate(result):
        origin = interpolation.origin(text, offset)
        assert text[origin] == character or text.startswith(("{{.a}}", "{{.bb}}"), origin)
    assert interpolation.origin(text, len(result)) == len(text)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.text(alphabet="abcd.{}x", max_size=12), max_size=4)
)
def test_variables_are_resolved_or_refused(variables: dict[str, str]) -> None:
    """And what is resolved has no known variable as a whole, unless one was put together."""
    try:
        resolved = resolve_variables(variables)
    except VariableCycle:
        return
    assert list(resolved) == list(variables)


def test_find_cycles() -> None:
    """One for each edge that leads back, beginning with the name that stands first."""
    assert find_cycles({"a": ["b"], "b": ["c"], "c": []}) == []
    assert find_cycles({"c": ["b"], "a": ["c"], "b": ["a"]}) == [["c", "b", "a"]]
    assert find_cycles({"a": ["a", "missing"]}) == [["a"]]
    assert len(find_cycles({str(i): [str(j) for j in range(100)] for i in range(100)})) == 50


graphs = st.dictionaries(
    st.integers(0, 7).map(str), st.lists(st.integers(0, 7).map(str), max_size=4)
)


@given(graphs)
def test_cycles_are_found_exactly_when_there_are_any(graph: dict[str, list[str]]) -> None:
    """Compared with taking away leaves until nothing is left."""
    left = dict(graph)
    while leaves := [n for n, out in left.items() if not any(o in left for o in out)]:
        for name in leaves:
            del left[name]
    cycles = find_cycles(graph)
    assert bool(cycles) == bool(left)
    for cycle in cycles:
        for name, following in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert following in graph[name]


def test_arrows() -> None:
    """Short cycles whole, long ones without their middle."""
    assert arrows(["a", "b"]) == "a -> b -> a"
    long = arrows([str(i) for i in range(100)])
    assert long == "0 -> 1 -> 2 -> 3 -> 4 -> 5 -> (89 more) -> 95 -> 96 -> 97 -> 98 -> 99 -> 0"
