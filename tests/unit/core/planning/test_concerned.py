"""Which checks a change concerns: patterns, none, and what requires a concerned check."""

from vibeguard.core.planning.concerned import concerned, matches

PATTERNS = {"lint": ["*.py"], "docs": ["docs/**"], "all": [], "build": ["src/**"], "ship": ["x"]}
REQUIRES = {"ship": ["build"], "build": ["lint"]}


def test_a_check_is_concerned_by_its_patterns_and_one_without_any_by_every_change():
    assert concerned(PATTERNS, {}, [b"docs/a.md"]) == {"docs", "all"}
    assert concerned(PATTERNS, {}, [b"src/a.c"]) == {"build", "all"}


def test_what_requires_a_concerned_check_is_concerned_however_far_away():
    assert concerned(PATTERNS, REQUIRES, [b"tools/a.py"]) == {"lint", "build", "ship", "all"}


def test_nothing_changed_concerns_nobody():
    assert concerned(PATTERNS, REQUIRES, []) == set()


def test_each_check_gets_the_paths_that_concern_it_in_their_order():
    found = matches(PATTERNS, [b"docs/x.py", b"a", b"src/b.py"])
    assert found["lint"] == [b"docs/x.py", b"src/b.py"]
    assert found["all"] == [b"docs/x.py", b"a", b"src/b.py"]
    assert found["ship"] == []
