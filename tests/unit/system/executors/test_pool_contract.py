"""The executor of a pool obeys the contract of all executors: real broker, real worker."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.brokers import broker
from tests.helpers.executor_contract import CLAUSES, hold, leaves_what_may_be_left
from tests.helpers.pools import Pool, PoolWorld, repository

# `leaks: ignore` is refused for a check with `where`: a worker leaves nothing running.
REMOTE_CLAUSES = [clause for clause in CLAUSES if clause is not leaves_what_may_be_left]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoolWorld]:
    folder = tmp_path_factory.mktemp("pool")
    with broker() as server:
        pool = Pool(server, folder)
        source = repository(folder / "repository")
        with pool.worker(source):
            yield PoolWorld(pool, source)


@pytest.mark.parametrize("clause", REMOTE_CLAUSES, ids=lambda clause: clause.__name__)
def test_the_executor_of_a_pool_keeps_the_contract(world: PoolWorld, clause: Any) -> None:
    hold(world, clause)
