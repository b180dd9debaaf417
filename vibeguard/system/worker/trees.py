"""The trees of runs that a worker has: what their commits lack, fetched and unpacked once for all.

The objects of each lie in a folder of their own, so that one can go while others are in use.
"""

import os
from collections.abc import Collection
from contextlib import suppress
from glob import escape as glob_escape
from glob import glob
from hashlib import file_digest
from itertools import count
from typing import Final

import trio
from msgspec import Struct

from vibeguard.core.pool.messages import Source
from vibeguard.system.pool.connection import BrokerLost
from vibeguard.system.pool.line import Line
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.store import Store

# What a worker that runs for weeks keeps for later runs (docs/workers.md).
MOST_TREES: Final = 32
MOST_BYTES: Final = 2 << 30


class Unfit(Exception):
    """The worker cannot do the job; the message says why."""


class _Tree(Struct, frozen=True):
    """What of it is on disk: bytes, a pack that was fetched, all objects.

    `head_tree` is the tree of its commit; empty where the objects have to be looked for (again).
    """

    size: int = 0
    fetched: bool = False
    head_tree: str = ""


class Trees:
    """Those that are there, the one first that was used longest ago."""

    def __init__(self, store: Store, removing: Removing) -> None:
        self._store = store
        self._removing = removing
        self._there: dict[Source, _Tree] = {}
        self._fetching = trio.Lock()
        self._numbers = count(1)

    async def fetch(self, line: Line, source: Source) -> None:
        """See that there is what it lacks. Raises Unfit, OSError, BrokerLost or BrokerRefused."""
        if self._is_lacking(source):  # else nobody waits for another: attempts go on together
            async with self._fetching:
                if self._is_lacking(source):
                    await self._fetch(line, source)

    def _is_lacking(self, source: Source) -> bool:
        known = self._there.get(source, _Tree())
        return bool(source.pack) and not known.fetched and not known.head_tree

    async def _fetch(self, line: Line, source: Source) -> None:
        path = self._store.pack_path(source)
        if line.pool is None:
            raise BrokerLost("there is no connection")
        try:
            async with await trio.open_file(f"{path}.part", "wb") as file:
                async for part in line.pool.parts_of_pack(source.pack, source.pack_bytes):
                    await file.write(part)
            await trio.to_thread.run_sync(_compare, f"{path}.part", source.pack)
            os.rename(f"{path}.part", path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(f"{path}.part")
        known = self._there.get(source, _Tree())
        self._there[source] = _Tree(max(known.size, source.pack_bytes), fetched=True)

    def head_tree(self, source: Source) -> str:
        """The tree of its commit; empty where it is not known that all files are there."""
        return self._there.get(source, _Tree()).head_tree

    def note(self, source: Source, head_tree: str) -> None:
        """All its files are there."""
        size = 0
        if pack := self._store.pack_path(source):
            os.unlink(pack)
            with os.scandir(os.path.join(self._store.objects_of(source)[0], "pack")) as entries:
                size = sum(entry.stat().st_size for entry in entries)
        self._there[source] = _Tree(size, head_tree=head_tree)

    def did_not_arrive(self, source: Source) -> None:
        """What there is of it takes no room: perhaps there was too little."""
        if pack := self._store.pack_path(source):
            begun = glob(f"{glob_escape(self._store.objects_of(source)[0])}/pack/tmp_*")
            for path in (pack, *begun):
                with suppress(OSError):
                    os.unlink(path)
        self.doubt(source)

    def doubt(self, source: Source) -> None:
        """Perhaps they are not: the next attempt gets and looks at them again."""
        if source in self._there:
            self._there[source] = _Tree(self._there[source].size)

    def remove_old(self, in_use: Collection[Source], *, all_others: bool) -> None:
        """Keep so many, so many bytes, and those that are `in_use`; the oldest of the others go."""
        most_trees, most_bytes = (0, 0) if all_others else (MOST_TREES, MOST_BYTES)
        for source in in_use:
            if source in self._there:
                self._there[source] = self._there.pop(source)
        size = sum(tree.size for tree in self._there.values())
        for source, tree in list(self._there.items()):
            if len(self._there) <= most_trees and size <= most_bytes:
                return
            if source not in in_use:
                del self._there[source]
                size -= tree.size
                if pack := self._store.pack_path(source):
                    self._remove(pack)
                    self._remove(self._store.objects_of(source)[0])

    def _remove(self, path: str) -> None:
        """Under another name at once: the same files may come again before it is gone.

        What a disk does not let go stays until a worker starts there again.
        """
        with suppress(OSError):
            os.rename(path, gone := f"{path}.{next(self._numbers)}")
            self._removing.remove(gone)


def _compare(path: str, digest: str) -> None:
    """Raises Unfit where a file has another SHA-256."""
    with open(path, "rb") as file:
        if file_digest(file, "sha256").hexdigest() != digest:
            raise Unfit("the files of the run were altered on their way")
