"""Every case of the tables, against the real command."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.conformance.cases import Case, all_cases, problems_of, run_case

CASES = all_cases()
Results = dict[str, "Future[subprocess.CompletedProcess[str]]"]


def name_of(case: Case) -> str:
    """The table and the sentence."""
    return f"{case.table}: {case.case}"


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest) -> Iterator[Results]:
    """The selected cases, a few at a time, ahead of the tests that look at them.

    In a worker of pytest-xdist each case runs when its test does: the workers are the pool.
    """
    selected = {
        item.callspec.id: item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and "case" in getattr(item, "callspec", item).__dict__.get("params", {})
    }
    with ThreadPoolExecutor(max_workers=max(os.cpu_count() or 1, 2)) as pool:
        if "PYTEST_XDIST_WORKER" in os.environ:
            yield {}
            return
        futures = {id_: pool.submit(run_case, case) for id_, case in selected.items()}
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("case", [pytest.param(case, id=name_of(case)) for case in CASES])
def test_conformance(case: Case, results: Results, request: pytest.FixtureRequest) -> None:
    """The command does what the table says."""
    future = results.get(request.node.callspec.id)
    done = future.result() if future else run_case(case)
    problems = problems_of(case, done)
    if problems:
        pytest.fail(
            "\n".join(
                [
                    name_of(case),
                    *problems,
                    f"--- vibeguard {case.argv}",
                    f"--- stdout\n{done.stdout[:3000]}",
                    f"--- stderr\n{done.stderr[:3000]}",
                ]
            ),
            pytrace=False,
        )


def test_no_two_cases_have_the_same_name() -> None:
    """A name is what one selects by."""
    names = [name_of(case) for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_there_are_enough_cases() -> None:
    """A table that is not read any more would pass silently."""
    assert len(CASES) >= 250
