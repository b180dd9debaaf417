"""What a worker's repository may be: a clone of any kind, a URL that only its user's git knows."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.helpers.pools import git, repository
from vibeguard.core.pool.messages import Source
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.pool.shipment import begin_capture
from vibeguard.system.worker.folders import Folders
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.store import Store
from vibeguard.system.worker.trees import Unfit


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    origin = repository(tmp_path / "origin")
    git(origin, "config", "uploadpack.allowFilter", "true")
    commit(origin)
    return origin


def commit(origin: Path) -> None:
    git(origin, "commit", "-q", "--allow-empty", "-m", "more")


def opened(folder: Path, place: str, name: str = "worker") -> Store:
    (folder / name).mkdir()
    store = Store(str(folder / name), place)
    store.open()
    return store


@asynccontextmanager
async def folders(store: Store) -> AsyncIterator[Folders]:
    environment = without_git_locals(os.environb)
    async with open_local_executor() as executor:
        yield Folders("w", store, executor, Removing(), environment, most_ready=0)


def captured(origin: Path) -> Source:
    return begin_capture(str(origin), os.environb).result().source


@pytest.mark.parametrize("name", ["worker", "wor\nker"])  # git reads paths in lines
def test_an_attempt_sees_as_much_of_the_history_as_a_shallow_clone_has(
    origin: Path, tmp_path: Path, name: str
) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", "shallow")

    async def main() -> None:
        async with folders(opened(tmp_path, str(tmp_path / "shallow"), name)) as maker:
            await maker.make(captured(origin), str(tmp_path / "made"))
            assert git(tmp_path / "made", "rev-list", "--count", "HEAD") == "1\n"

    trio.run(main)


def test_a_clone_that_lacks_files_is_refused(origin: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{origin}", "partial")
    with pytest.raises(UsageError, match="is a partial clone"):
        opened(tmp_path, str(tmp_path / "partial"))


def test_a_worker_that_a_hook_starts_uses_the_repository_that_it_was_given(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    store = opened(tmp_path, str(origin))
    alternates = Path(store.git, "objects", "info", "alternates").read_text()
    assert alternates == f'"{origin}/.git/objects"\n'
    assert "sha256" not in Path(store.git, "config").read_text()


def test_later_commits_are_fetched_as_the_first_ones_were(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the settings of the worker's user: another address, a key, a proxy."""
    config = tmp_path / "config"
    config.write_text(f'[url "file://{origin}"]\n\tinsteadOf = https://example.invalid/it\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    store = opened(tmp_path, "https://example.invalid/it")
    commit(origin)

    async def main() -> None:
        async with folders(store) as maker:
            await maker.arrive(captured(origin))

    trio.run(main)


def test_what_was_fetched_is_tidied_up_by_git(origin: Path, tmp_path: Path) -> None:
    """A worker runs for weeks; what git leaves in the background ends with the script."""
    store = opened(tmp_path, f"file://{origin}")
    for setting in ("fetch.unpackLimit", "gc.autoPackLimit"):
        git(tmp_path, f"--git-dir={store.git}", "config", setting, "1")

    def packs() -> int:
        return len(list(Path(store.git).glob("objects/pack/*.pack")))

    async def main() -> None:
        async with folders(store) as maker:
            for _ in range(2):
                commit(origin)
                await maker.arrive(captured(origin))
            assert packs() == 1

    trio.run(main)


def test_the_password_of_an_address_is_told_to_nobody(tmp_path: Path) -> None:
    place = "https://user:PASSWORD@127.0.0.1:1/it"
    with pytest.raises(UsageError) as refused:
        opened(tmp_path, place)
    assert "PASSWORD" not in str(refused.value)

    async def main() -> None:
        async with folders(Store(str(tmp_path / "worker"), place)) as maker:
            (tmp_path / "worker" / "outputs").mkdir(exist_ok=True)
            with pytest.raises(Unfit, match=r"lacks the commit 0+1: ") as unfit:
                await maker.arrive(Source(commit="0" * 39 + "1", tree="0" * 39 + "2"))
            assert "PASSWORD" not in str(unfit.value)

    trio.run(main)
