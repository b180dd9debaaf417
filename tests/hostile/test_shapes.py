"""Nothing is left behind, whatever a check does: every shape, ended by each means of the executor."""
# ruff: noqa: ASYNC110, ASYNC240 - real processes and files are what is tested

import itertools
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.helpers.census import nothing_left_behind
from tests.hostile.shapes import SHAPES, Shape
from vibeguard.core.names import AttemptEnd, LeakPolicy
from vibeguard.system.executors.base import Attempt, AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.executors.local import LocalExecutor, open_local_executor

SECOND_NS = 1_000_000_000
GRACE_NS = SECOND_NS // 5
HANG_S = 60  # only a hang takes this long, however busy the machine is
COUNTER = itertools.count(1)
# They keep every core busy: what is started beside them takes its time, so they are started last.
BUSY = {
    *("forks while being killed", "execs for ever", "flood", "pipeline"),
    *("sessions every 10 ms", "sessions every 10 ms behind a leader"),
}


def unique_nap() -> str:
    """Seconds that no other sleep on this machine sleeps."""
    return f"7{os.getpid() % 100000:05d}.{next(COUNTER):06d}1"


def spec_of(shape: Shape, nap: str, folder: Path) -> AttemptSpec:
    number = next(COUNTER)
    marks = {b"VIBEGUARD_RUN": b"hostile", b"VIBEGUARD_CHECK": b"shape%d" % number}
    return AttemptSpec(
        run_id="hostile",
        check=f"shape{number}",
        attempt=1,
        command=shape.command_for(nap),
        cwd=str(folder),
        environment={**os.environb, **marks, b"VIBEGUARD_ATTEMPT": b"1"},
        output_path=str(folder / f"output.{number}"),
        output_limit_bytes=1 << 20,
        leaks=LeakPolicy.WARN,
        leak_grace_ns=SECOND_NS // 20,
    )


@asynccontextmanager
async def opened() -> AsyncIterator[LocalExecutor]:
    """An executor that is closed even if the test fails: no failure leaves a bomb behind."""
    async with open_local_executor() as executor:
        try:
            yield executor
        finally:
            await executor.close(shield_s=4)


async def start(executor: LocalExecutor, spec: AttemptSpec) -> Attempt:
    attempt = await executor.start(spec, Callbacks())
    with trio.fail_after(HANG_S):
        while b"ready" not in Path(spec.output_path).read_bytes()[:4096] and not attempt.exited:
            await trio.sleep(0.002)
    return attempt


def check_result(shape: Shape, result: AttemptResult) -> None:
    assert result.end is AttemptEnd.EXITED
    assert result.unkillable == ()
    if not shape.exits and shape.name not in {"obeys slowly", "64 KiB after TERM"}:
        assert result.exit_code is None or result.exit_code > 128


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.name)
def shape(request: pytest.FixtureRequest) -> Shape:
    if shutil.which(request.param.needs) is None:
        pytest.skip(f"needs {request.param.needs}")
    return request.param


def every_other(first: int) -> pytest.MarkDecorator:
    """Half of the shapes in the quick suite, all of them at night.

    Two ways to be ended differ only in that one waits: each shape meets one of them by day.
    """
    quick = SHAPES[first::2]
    shapes = [
        pytest.param(shape, marks=[] if shape in quick else pytest.mark.nightly) for shape in SHAPES
    ]
    return pytest.mark.parametrize("shape", shapes, ids=lambda shape: shape.name, indirect=True)


@pytest.fixture
def nap() -> str:
    return unique_nap()


def test_nothing_is_left_after_a_termination(shape: Shape, nap: str, tmp_path: Path) -> None:
    """SIGTERM, a grace of 200 ms, SIGKILL: the end of a timeout, a cancel or fail-fast."""

    async def main() -> None:
        async with opened() as executor:
            attempt = await start(executor, spec_of(shape, nap, tmp_path))
            with trio.fail_after(HANG_S):
                result = await attempt.terminate(GRACE_NS)
            check_result(shape, result)
            assert result.survivors or not shape.ignores_term

    with nothing_left_behind(token=nap):
        trio.run(main)


@every_other(0)
def test_nothing_is_left_after_a_kill_without_grace(shape: Shape, nap: str, tmp_path: Path) -> None:
    """The second signal of an impatient user."""

    async def main() -> None:
        async with opened() as executor:
            attempt = await start(executor, spec_of(shape, nap, tmp_path))
            with trio.fail_after(HANG_S):
                check_result(shape, await attempt.terminate(0))

    with nothing_left_behind(token=nap):
        trio.run(main)


@every_other(1)
def test_nothing_is_left_after_closing(shape: Shape, nap: str, tmp_path: Path) -> None:
    """Closing the executor is enough, and whoever waits is told."""

    async def main() -> None:
        async with opened() as executor:
            attempt = await start(executor, spec_of(shape, nap, tmp_path))
            await executor.close(shield_s=4)
            with trio.fail_after(HANG_S):
                check_result(shape, await attempt.wait())

    with nothing_left_behind(token=nap):
        trio.run(main)


@pytest.mark.parametrize("exiting", [s for s in SHAPES if s.exits], ids=lambda shape: shape.name)
def test_an_exit_is_an_exit_and_what_is_left_behind_is_named(
    exiting: Shape, nap: str, tmp_path: Path
) -> None:
    """The leader's code counts, the run is not held up, and the leftovers are gone."""

    async def main() -> None:
        async with opened() as executor:
            attempt = await start(executor, spec_of(exiting, nap, tmp_path))
            with trio.fail_after(HANG_S):
                result = await attempt.wait()
            assert result.exit_code == 0
            assert len(result.leaked) >= 1

    with nothing_left_behind(token=nap):
        trio.run(main)


@pytest.mark.parametrize(
    "every",
    [
        pytest.param(3, id="a third"),  # test_through_the_command has all at once by day
        pytest.param(1, id="all", marks=pytest.mark.nightly),  # eight seconds of a processor
    ],
)
def test_all_shapes_at_once_end_together(tmp_path: Path, every: int) -> None:
    """With everything going on at once, orphans of one are not taken for another's for long."""
    busy = [shape for shape in SHAPES if shape.name in BUSY]
    assert len(busy) == len(BUSY)
    others = [shape for shape in SHAPES if shape.name not in BUSY]
    busy, others = busy[::every], others[::every]

    async def main() -> None:
        async with opened() as executor:
            attempts: list[Attempt] = []

            async def run(shape: Shape) -> None:
                nap = unique_nap()
                folder = tmp_path / nap
                folder.mkdir()
                attempts.append(await start(executor, spec_of(shape, nap, folder)))

            for together in (others, busy):
                async with trio.open_nursery() as nursery:
                    for shape in together:
                        nursery.start_soon(run, shape)
            async with trio.open_nursery() as nursery:
                for attempt in attempts:
                    nursery.start_soon(attempt.terminate, GRACE_NS)

    with nothing_left_behind():
        trio.run(main)
