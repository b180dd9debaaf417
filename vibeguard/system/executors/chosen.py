"""One executor for a run whose checks are on this machine and on others."""

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.executors.base import Attempt, AttemptSpec, Callbacks, Executor


class ChosenExecutor:
    """Sends an attempt with a `remote` to the pool, any other to this machine."""

    def __init__(self, local: Executor, pool: Executor) -> None:
        self._local = local
        self._pool = pool

    async def start(self, spec: AttemptSpec, callbacks: Callbacks) -> Attempt:
        """Start it where it belongs."""
        executor = self._local if spec.remote is None else self._pool
        return await executor.start(spec, callbacks)

    def pause(self) -> None:
        """Stop every attempt, here and there."""
        self._local.pause()
        self._pool.pause()

    def resume(self) -> None:
        """Let them go on."""
        self._local.resume()
        self._pool.resume()

    async def close(self, *, shield_s: float) -> tuple[ProcessReport, ...]:
        """End whatever is left, in the pool first; the processes here that belonged to nobody.

        The local executor is last: once it is closed, its children are watched no more.
        """
        await self._pool.close(shield_s=shield_s)
        return await self._local.close(shield_s=shield_s)
