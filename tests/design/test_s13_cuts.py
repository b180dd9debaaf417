"""DESIGN section 13: the network between broker and worker is cut. Real namespaces, real packets."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.brokers import broker
from tests.helpers.networks import Cable, cable
from tests.helpers.pools import Pool, project, report, repository
from tests.helpers.running import Running, running
from tests.helpers.waiting import is_gone, wait_until
from vibeguard.core.model.events import CheckStarted


@contextmanager
def far_away(folder: Path, *, lease: str) -> Iterator[tuple[Cable, Running, Path]]:
    """A run here whose check, at the other end of a cable, ends once a file is there."""
    go = folder / "go"
    check = f"echo $$ > {folder}/pid; while [ ! -e {go} ]; do sleep 0.05; done"
    with cable() as laid, socket.socket() as free:
        free.bind((laid.here, 0))
        port = free.getsockname()[1]
        free.close()
        with broker("--port", str(port), "--bind", laid.here, "--protected-mode", "no") as server:
            pool = Pool(server, folder)
            source = repository(folder / "source")
            checks = f"  - {{id: a, where: {{}}, run: '{check}'}}"
            clone = project(pool, source, folder, checks, lease=lease)
            url = f"redis://{laid.here}:{port}"
            with (
                pool.worker(source, "--insecure", within=laid.within, VIBEGUARD_POOL_URL=url),
                running(clone, "run", **pool.variables) as run,
            ):
                run.wait_for(CheckStarted)
                wait_until((folder / "pid").exists)
                yield laid, run, go


def wait_for_s(seconds: float) -> None:
    """The cut is the subject here, and it lasts."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= until)


@pytest.mark.slow
def test_a_cut_of_a_second_changes_nothing(tmp_path: Path) -> None:
    with far_away(tmp_path, lease="4s") as (laid, run, go):
        laid.pull()
        wait_for_s(1)
        laid.plug()
        go.touch()
        code, _, err = run.end()
    assert code == 0, err


@pytest.mark.nightly
def test_a_cut_of_eight_tenths_of_the_lease_changes_nothing(tmp_path: Path) -> None:
    """Eight seconds."""
    with far_away(tmp_path, lease="10s") as (laid, run, go):
        laid.pull()
        wait_for_s(8)
        laid.plug()
        go.touch()
        code, _, err = run.end()
    assert code == 0, err


@pytest.mark.slow
def test_a_cut_for_good_is_lost_and_the_tree_is_gone_before_that_is_said(tmp_path: Path) -> None:
    """Five seconds: a lease of two, and three more."""
    with far_away(tmp_path, lease="2s") as (laid, run, _):
        pid = int((tmp_path / "pid").read_text())
        laid.pull()
        code, _, err = run.end()
        assert is_gone(pid)
    assert code == 1
    assert "was not heard of for 5 s" in err
    assert report(run.folder)["a"]["reason"] == "lost"
