"""What a list of glob patterns takes of the names of files."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.globs import Globs, regex_of

CASES = [
    # patterns, taken, not taken
    (["*.py"], ["a.py", "src/a.py", "a/b/c.py", ".py"], ["a.pyc", "a.py/x", "apy"]),
    (["src/**"], ["src/a", "src/a/b.py"], ["src", "xsrc/a", "a/src/b"]),
    (["src/"], ["src/a", "src/a/b"], ["src", "other/src/a"]),
    (["**/test_*.py"], ["test_a.py", "a/b/test_b.py"], ["atest_a.py", "a/test_/b.py"]),
    (["src/**/x.py"], ["src/x.py", "src/a/b/x.py"], ["src/ax.py", "src/a/x.pyc"]),
    (["src/*.py"], ["src/a.py"], ["src/a/b.py"]),
    (["./src/*.py"], ["src/a.py"], ["a.py"]),
    (["**", "!**/*.md"], ["a", "a/b.py"], ["a.md", "a/b.md"]),
    (["!*.md"], ["a", "a/b.py"], ["a.md", "a/b.md"]),
    (["*.md", "!docs/**", "docs/keep.md"], ["a.md", "docs/keep.md"], ["docs/a.md", "a"]),
    (["?.py"], ["a.py", "é.py", "日.py", "\udcff.py"], ["ab.py", "/.py", ".py"]),
    (["[a-c]x"], ["ax", "d/bx"], ["dx", "Ax"]),
    (["[!a-c]x"], ["dx", "éx"], ["ax", "/x"]),
    (["*.{js,ts}"], ["a.js", "b/c.ts"], ["a.jsx", "a.{js,ts}"]),
    (["a,b"], ["a,b"], ["a"]),
    ([r"\*.py"], ["*.py"], ["a.py"]),
    (["a b\nc"], ["a b\nc"], ["a b"]),
    (["a*"], ["a\nb", "a"], ["a/b"]),
    (["../shared/**"], ["../shared/x"], ["shared/x"]),
    (["*.py"], ["a.py"], ["../a.py", "../b/a.py"]),
    (["**", "*/*"], ["a.py"], ["../a.py"]),
    (["!*.md"], ["a"], ["../a"]),
    (["a.py"], ["a.py", "b/a.py"], ["../a.py"]),
    (["{b,../x}/*.py", "*.ts", "!z.ts"], ["../x/a.py", "../a.ts"], ["../a.py", "../z.ts"]),
    (["!../x/*"], ["a", "../a"], ["../x/a"]),
    (["../**"], ["../a", "../x/a"], ["a", "x/a"]),
    (["{x,..}/**"], ["../a", "x/a"], ["a"]),
    ([".{..,./}b"], ["...b", "../b"], ["b", "../../b"]),
    (["..{/,x}a", "*.py"], ["../a", "..xa", "../b.py"], ["a"]),
    (["{a,\\../b}"], ["a", "../b"], ["b"]),
    (["{[},.]a,.{.}/b}"], ["../b", ",a", ".a"], ["b"]),
    (["a.b"], ["a.b"], ["aXb"]),
    (["[[]x"], ["[x"], ["x"]),
    (["a**b"], ["ab", "axxb"], ["a/b"]),
    ([], [], ["a"]),
]


@pytest.mark.parametrize(("patterns", "taken", "left"), CASES, ids=[str(c[0]) for c in CASES])
def test_what_a_list_takes(patterns, taken, left):
    globs = Globs({"check": patterns})
    for name in taken:
        assert globs.owners_of(name.encode("utf-8", "surrogateescape")) == {"check"}, name
    for name in left:
        assert globs.owners_of(name.encode("utf-8", "surrogateescape")) == set(), name


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("", "empty"),
        ("/etc/*", "begins with a slash"),
        ("a[b", "[ is not closed"),
        ("a{b", "{ is not closed"),
        ("[é]", "ASCII"),
        ("[a/b]", "slash"),
        ("x" * 5000, "too long"),
        ("{" + "a," * 200 + "}", "alternatives"),
    ],
)
def test_a_pattern_that_is_none_says_why(pattern, says):
    with pytest.raises(LanguageError) as raised:
        regex_of(pattern)
    assert says in raised.value.what


@given(
    st.lists(st.sampled_from(["*.py", "src/**", "!*.md", "a?c", "**/x", "{a,b}/*"]), max_size=4),
    st.lists(
        st.sampled_from(["src", "a", "b", "x", "abc", "q.py", "q.md"]), min_size=1, max_size=4
    ),
)
def test_many_lists_at_once_say_what_each_says_alone(patterns, parts):
    path = "/".join(parts).encode()
    together = Globs({"one": patterns, "all": ["**"], "none": []})
    alone = Globs({"one": patterns})
    assert ("one" in together.owners_of(path)) == bool(alone.owners_of(path))
    assert "all" in together.owners_of(path)


def test_a_set_that_has_run_out_of_memory_is_not_believed():
    globs = Globs({"check": ["*.py"]})

    class Exhausted:
        def Match(self, text):  # noqa: N802
            return []

    globs._set = Exhausted()
    assert globs.owners_of(b"a.py") == {"check"}
    assert globs.owners_of(b"a.md") == set()


WORDS = st.lists(st.sampled_from(["a", "b", "*", "**", "a*", "{a,b}", "[ab]", r"\a"]), min_size=1)
LISTS = st.lists(st.builds("{}{}{}".format, st.sampled_from(["", "!", "./"]),
                           WORDS.map("/".join), st.sampled_from(["", "", "/"])), max_size=3)  # fmt: skip


@given(LISTS, st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4))
def test_the_names_that_lead_to_what_a_list_takes_are_told(patterns, names):
    globs = Globs({"check": patterns})
    words = "/".join(names).encode().split(b"/")
    told = [globs.names_in(b"/".join(words[:depth])) for depth in range(len(words))]
    leads = all(those is None or word in those for those, word in zip(told, words, strict=True))
    assert leads or not globs.owners_of(b"/".join(words))


def test_where_no_pattern_leads_no_name_counts():
    globs = Globs({"check": ["src/**", "docs/a/*.md", "!lib/**"], "other": ["./etc/x"]})
    assert all(globs.names_in(folder) is None for folder in [b"src", b"src/a/b", b"docs/a"])
    assert set(globs.names_in(b"")) - {b""} == {b"src", b"docs", b"etc"}
    assert (globs.names_in(b"docs"), globs.names_in(b"etc")) == ({b"a"}, {b"x"})
    assert not any(map(globs.names_in, [b"lib", b"srcs", b"docs/b", b"docs/a/b", b"etc/x", b"x"]))


def test_plain_paths_need_no_expressions(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", None)
    globs = Globs({"one": ["src/a.py", "Makefile", "!old/Makefile"], "all": ["!src/a.py"]})
    assert globs.owners_of(b"src/a.py") == {"one"}
    assert globs.owners_of(b"x/Makefile") == {"one", "all"}
    assert globs.owners_of(b"old/Makefile") == globs.owners_of(b"src/b.py") == {"all"}
    with pytest.raises(ImportError):
        Globs({"one": ["src/*"]})


def test_a_pattern_that_only_means_what_lies_above_for_others_is_idle():
    globs = Globs({"one": ["*.py"], "other": ["../x/**"]})
    assert globs.owners_of(b"../x/a.py") == {"other"}
    assert globs.idle("one") == ["*.py"]
