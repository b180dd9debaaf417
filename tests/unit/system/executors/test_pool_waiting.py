"""A run among workers: they stay as long as it is announced."""

from types import SimpleNamespace
from typing import cast

import pytest
import trio
import trio.testing

from vibeguard.system.executors import pool_waiting
from vibeguard.system.executors.pool_waiting import Company
from vibeguard.system.pool.line import Line


def test_a_run_is_announced_while_it_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trio's clock stands still then; workers that had come for it went after ten seconds."""
    monkeypatch.setattr(pool_waiting, "ANNOUNCE_S", 0.001)
    announced: list[str] = []

    async def announce(identity: str) -> None:
        announced.append(identity)

    async def main() -> None:
        line = cast(Line, SimpleNamespace(pool=SimpleNamespace(announce=announce)))
        company = Company(line, "run", {}, lambda *_: None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(company.hold)
            for _ in range(10**6):
                await trio.lowlevel.checkpoint()
                company.look()
                if len(announced) > 2:
                    break
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock())
    assert len(announced) > 2
