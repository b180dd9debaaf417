"""Sleeping by the machine's clock while Trio's stands still."""

import trio

from vibeguard.system import clock


async def sleep_outside(seconds: float) -> None:
    """Sleep by the machine's clock, also in a pause. RuntimeError: there is no thread for it."""
    await trio.to_thread.run_sync(clock.sleep_s, seconds, abandon_on_cancel=True)
