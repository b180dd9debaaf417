"""docs/faults.md: each fault has a test that holds it and three that come to it another way."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.helpers.command import ROOT

NAME = re.compile(r"`(test_\w+)?(\[.+?\])?`(?=[;,]|$)")
IMPORTED = re.compile(r"^from tests\.(helpers\.\w+) import", re.MULTILINE)


def faults() -> list[str]:
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.startswith("- ")]


def named(fault: str) -> list[tuple[str, str]]:
    """The tests of a line, the one that has its right value first; each with its row, if it has one."""
    found, test = [], ""
    for match in NAME.finditer(fault):
        test = match[1] or test
        found.append((test, (match[2] or "")[1:-1]))
    return found


@cache
def homes() -> dict[str, list[Path]]:
    """Every test, and the files that have one of that name."""
    found: dict[str, list[Path]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for name in re.findall(
            r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE
        ):
            found.setdefault(name, []).append(file)
    return found


@cache
def rows(file: Path) -> str:
    """What a test file says, with the helpers that it imports and the tables that lie beside it."""
    text = file.read_text(encoding="utf-8")
    helpers = [ROOT / "tests" / f"{name.replace('.', '/')}.py" for name in IMPORTED.findall(text)]
    beside = [*helpers, *file.parent.glob("*.yaml")]
    return "\n".join([text, *(each.read_text(encoding="utf-8") for each in beside)])


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault[2:60])
def test_a_fault_is_held_by_a_test_and_by_three_others(fault: str) -> None:
    tests = named(fault)
    assert len(set(tests)) == len(tests) >= 4
    missing = [
        f"{test}[{row}]" if row else test
        for test, row in tests
        if not any(row in rows(file) for file in homes().get(test, ()))
    ]
    assert missing == []
