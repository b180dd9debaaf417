"""What a key holds, and what it says of two that differ."""

import msgspec
import pytest
from msgspec.structs import replace

from vibeguard.core.model.config import CheckConfig
from vibeguard.core.reuse.key import (
    IRRELEVANT,
    definition_parts,
    differing_parts,
    key_of,
    part,
    variable_parts,
)

CHECK = CheckConfig(id="unit", run="pytest")


def key(check):
    return key_of(definition_parts(check))


@pytest.mark.parametrize("name", [f.name for f in msgspec.structs.fields(CheckConfig)])
def test_every_key_of_the_config_counts_but_those_that_are_listed(name):
    """A new key of the config is a part of every reuse key by itself."""
    parts = {p.name for p in definition_parts(CHECK)}
    assert (f"config {name}" in parts) == (name not in {*IRRELEVANT, "requires", "env"})


def test_a_changed_value_changes_the_key_and_is_named():
    other = replace(CHECK, cwd="x")
    assert key(other) != key(CHECK)
    assert differing_parts(definition_parts(CHECK), definition_parts(other)) == ["config cwd"]
    assert key(replace(CHECK, suggestion="x", tags=("a",))) == key(CHECK)


def test_no_two_lists_of_fields_are_the_same_bytes():
    assert part("x", b"ab", b"c") != part("x", b"a", b"bc")
    assert part("x", b"", b"a") != part("x", b"a", b"")
    assert part("x") != part("x", b"")


def test_a_variable_counts_with_its_value_absent_is_not_empty_and_a_record_gives_none_away():
    none = variable_parts(["TOKEN"], {}, b"secret")
    empty = variable_parts(["TOKEN"], {b"TOKEN": b""}, b"secret")
    some = variable_parts(["TOKEN"], {b"TOKEN": b"abc"}, b"secret")
    elsewhere = variable_parts(["TOKEN"], {b"TOKEN": b"abc"}, b"other secret")
    assert len({key_of(parts) for parts in (none, empty, some, elsewhere)}) == 4
    assert differing_parts(none, some) == ["variable TOKEN"]


@pytest.mark.parametrize(
    "name",
    ["LC_ALL", "LANGUAGE", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONHOME", "LC_\udcff", "BASH_ENV",
     "BASH_FUNC_true%%", "SHELLOPTS", "CDPATH", "POSIXLY_CORRECT"],
)  # fmt: skip
def test_variables_that_tools_go_by_count_as_they_come(name):
    given = {name.encode("utf-8", "surrogateescape"): b"C", b"HOME": b"/x"}
    parts = variable_parts([], given, b"s")
    assert differing_parts(variable_parts([], {b"HOME": b"/y"}, b"s"), parts) == [
        f"variable {name}".encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    ]
