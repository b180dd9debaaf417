"""What a worker that comes once waits for."""

from types import SimpleNamespace

import pytest
import trio
import trio.testing

from vibeguard.system.pool.broker import Runs
from vibeguard.system.worker.showing import Offer, Shown


@pytest.mark.parametrize(
    ("looks", "taken"),
    [
        ([Runs(0, b""), Runs(1, b"a"), Runs(0, b"a")], 3),
        ([Runs(0, b""), Runs(0, b"a")], 2),  # it came and went between two looks
        ([Runs(0, b"old"), Runs(0, b"old"), Runs(0, b""), Runs(0, b"new")], 4),
    ],
)
def test_it_goes_with_a_run_that_it_has_seen_or_missed(looks: list[Runs], taken: int) -> None:
    left = iter(looks)
    seen = []

    async def show(_: object) -> Runs:
        seen.append(next(left))
        return seen[-1]

    async def main() -> None:
        with trio.CancelScope() as scope:
            line = SimpleNamespace(pool=SimpleNamespace(show=show))
            offer = Offer("id", "w", (), 1, once=True)
            await Shown(line, offer, lambda: (0, False), scope.cancel).hold()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert len(seen) == taken
