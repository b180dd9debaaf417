"""Nothing is left behind by `vibeguard run`, whatever its checks do and however the run ends."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import project, vibeguard
from tests.helpers.running import Running, running
from tests.helpers.waiting import wait_until
from tests.hostile.shapes import SHAPES, Shape
from tests.hostile.test_shapes import BUSY, unique_nap

SETTINGS = """version: "1"
settings: {parallel: 100, grace: 300ms, fail_fast: FAIL_FAST}
checks:
  - {id: trigger, run: "until [ -e go ]; do sleep 0.02; done; exit 1", timeout: 5m}
"""


class Ways:
    """The ways in which a run with a hostile check can end, and the exit codes that may follow."""

    @staticmethod
    def by_timeout(run: Running) -> set[int]:
        (run.folder / "go").touch()
        return {1}

    @staticmethod
    def by_cancel(run: Running) -> set[int]:
        assert vibeguard("cancel", cwd=run.folder).returncode == 0
        return {143}

    @staticmethod
    def by_fail_fast(run: Running) -> set[int]:
        (run.folder / "go").touch()
        return {1}

    @staticmethod
    def by_sigint(run: Running) -> set[int]:
        os.kill(run.pid, signal.SIGINT)
        return {130}

    @staticmethod
    def by_sigterm(run: Running) -> set[int]:
        os.kill(run.pid, signal.SIGTERM)
        return {143}

    @staticmethod
    def by_sigkill_of_the_front(run: Running) -> set[int]:
        os.kill(run.pid, signal.SIGKILL)
        return {-signal.SIGKILL}

    @staticmethod
    def by_sigkill_of_the_supervisor(run: Running) -> set[int]:
        os.kill(run.supervisor(), signal.SIGKILL)
        return {3}


WAYS: list[Callable[[Running], set[int]]] = [
    Ways.by_timeout,
    Ways.by_cancel,
    Ways.by_fail_fast,
    Ways.by_sigint,
    Ways.by_sigterm,
    Ways.by_sigkill_of_the_front,
    Ways.by_sigkill_of_the_supervisor,
]


def config_of(shapes: dict[str, tuple[Shape, str]], way: Callable[[Running], set[int]]) -> str:
    """A config with these checks; they time out after a second if that is the way.

    What keeps every core busy waits until there is a file `last`.
    """
    timeout = "1s" if way is Ways.by_timeout else "5m"
    fail_fast = "true" if way is Ways.by_fail_fast else "false"
    wait = "until [ -e last ]; do sleep 0.02; done; "
    checks = [
        f"  - {{id: {name}, run: {json.dumps(wait * (shape.name in BUSY) + shape.command_for(nap))}, "
        f"timeout: {timeout}, async: false, output_limit: 4MiB}}\n"
        for name, (shape, nap) in shapes.items()
    ]
    return SETTINGS.replace("FAIL_FAST", fail_fast) + "".join(checks)


def wait_until_ready(run: Running, names: list[str]) -> None:
    """Until every check has said so, or the run has ended already."""
    output = run.run_folder() / "output"

    def says_so(name: str) -> bool:
        with suppress(FileNotFoundError), (output / f"{name}.1.log").open("rb") as file:
            return b"ready" in file.read(4096)
        return False

    for name in names:
        wait_until(
            lambda name=name: run.process.poll() is not None or says_so(name),
            f"{name} is not ready",
        )


def run_and_end(
    folder: Path, shapes: dict[str, tuple[Shape, str]], way: Callable[[Running], set[int]]
) -> None:
    project(folder, config_of(shapes, way))
    last = folder / "last"
    if way is Ways.by_timeout:  # which does not wait for anybody
        last.touch()
    with running(folder, "run") as run:
        if way is not Ways.by_timeout:
            wait_until_ready(
                run, [name for name, (one, _) in shapes.items() if one.name not in BUSY]
            )
            last.touch()
            wait_until_ready(run, list(shapes))
        codes = way(run)
        code, _, err = run.end()
    assert code in codes, err


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left_of_a_share_of_the_shapes(
    way: Callable[[Running], set[int]], tmp_path: Path
) -> None:
    """Every way has several shapes, and every shape a way; each with each is for the night."""
    share = SHAPES[WAYS.index(way) :: len(WAYS)]
    shapes = {f"shape{number}": (shape, unique_nap()) for number, shape in enumerate(share)}
    with nothing_left_behind(reap_adopted=True):
        run_and_end(tmp_path, shapes, way)


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        # Nobody is left who knows what belongs to the run: the hardest.
        Ways.by_sigkill_of_the_supervisor,
        *(
            pytest.param(way, marks=pytest.mark.nightly)
            for way in WAYS
            if way is not Ways.by_sigkill_of_the_supervisor
        ),
    ],
    ids=lambda way: way.__name__,
)
def test_nothing_is_left_of_all_shapes_at_once(
    way: Callable[[Running], set[int]], tmp_path: Path
) -> None:
    shapes = {f"shape{number}": (shape, unique_nap()) for number, shape in enumerate(SHAPES)}
    with nothing_left_behind(reap_adopted=True):
        run_and_end(tmp_path, shapes, way)


@pytest.mark.nightly
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left_of_each_shape(
    way: Callable[[Running], set[int]], shape: Shape, tmp_path: Path
) -> None:
    nap = unique_nap()
    with nothing_left_behind(token=nap, reap_adopted=True):
        run_and_end(tmp_path, {"shape": (shape, nap)}, way)


def test_the_table_of_the_documentation_is_that_of_the_tests() -> None:
    page = (Path(__file__).parents[2] / "docs" / "processes.md").read_text(encoding="utf-8")
    for shape in SHAPES:
        assert f"| {shape.name} | {shape.does} |" in page
