"""Every case of the tables, against the real command."""

import subprocess

import pytest

from tests.conformance.cases import Case, all_cases, problems_of, run_alone, run_together

CASES = all_cases()
TABLES = sorted({case.table for case in CASES if case.is_shared})


def name_of(case: Case) -> str:
    """The table and the sentence."""
    return f"{case.table}: {case.case}"


@pytest.mark.parametrize("case", [pytest.param(case, id=name_of(case)) for case in CASES])
def test_conformance(case: Case) -> None:
    """The command does what the table says; checks that say nothing about their run share one."""
    judge(case, run_together(case.table)[case.case] if case.is_shared else run_alone(case))


@pytest.mark.parametrize("table", TABLES)
def test_a_check_gives_alone_what_it_gives_among_others(table: str) -> None:
    """The first, the last and the middle one of each table that share a run, in runs of their own."""
    cases = [case for case in CASES if case.is_shared and case.table == table]
    for case in {
        case.case: case for case in (cases[0], cases[len(cases) // 2], cases[-1])
    }.values():
        judge(case, run_alone(case))


def judge(case: Case, done: subprocess.CompletedProcess[str]) -> None:
    """Fail with everything that is not as the case says, and with what was printed."""
    problems = problems_of(case, done)
    if problems:
        said = [f"--- vibeguard {case.argv}", f"--- stdout\n{done.stdout[:3000]}"]
        said.append(f"--- stderr\n{done.stderr[:3000]}")
        pytest.fail("\n".join([name_of(case), *problems, *said]), pytrace=False)


def test_no_two_cases_have_the_same_name() -> None:
    """A name is what one selects by."""
    names = [name_of(case) for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_there_are_enough_cases() -> None:
    """A table that is not read any more would pass silently."""
    assert len(CASES) >= 250
