"""The packs with the files of runs, fetched from the broker once for all attempts on them."""

from hashlib import file_digest

import trio

from vibeguard.core.pool.messages import Source
from vibeguard.system.pool.connection import BrokerLost
from vibeguard.system.pool.line import Line
from vibeguard.system.worker.folders import Unfit
from vibeguard.system.worker.store import Store


class Packs:
    """What is in the worker's store of them."""

    def __init__(self, line: Line, store: Store) -> None:
        self._line = line
        self._store = store
        self._there: set[str] = set()
        self._fetching = trio.Lock()

    async def fetch(self, source: Source) -> None:
        """See that its pack is there. Raises Unfit, OSError, BrokerLost or BrokerRefused."""
        if not source.pack or source.pack in self._there:
            return
        async with self._fetching:
            if source.pack in self._there:
                return
            pool = self._line.pool
            if pool is None:
                raise BrokerLost("there is no connection")
            path = self._store.pack_path(source)
            async with await trio.open_file(path, "wb") as file:
                async for part in pool.parts_of_pack(source.pack, source.pack_bytes):
                    await file.write(part)
            await trio.to_thread.run_sync(_compare, path, source.pack)
            self._there.add(source.pack)


def _compare(path: str, digest: str) -> None:
    """Raises Unfit where a file has another SHA-256."""
    with open(path, "rb") as file:
        if file_digest(file, "sha256").hexdigest() != digest:
            raise Unfit("the files of the run were altered on their way")
