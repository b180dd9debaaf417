"""What the tests of checks on many machines share: a broker, a repository and a worker a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.brokers import broker
from tests.helpers.pools import Pool, WorkerProcess, repository


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with broker() as server:
        yield Pool(server, tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="module")
def source(pool: Pool) -> Path:
    """The repository that the workers have; runs begin on its commit, or on a child of it."""
    return repository(pool.folder / "source")


@pytest.fixture(scope="module")
def worker(pool: Pool, source: Path) -> Iterator[WorkerProcess]:
    with pool.worker(source, "--label", "linux", slots=4) as started:
        yield started
