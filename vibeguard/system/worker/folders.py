"""The folders in which attempts run: the run's tree, proved, in a repository at the run's HEAD.

Some are made in advance, while no attempt waits for its own. A folder that no attempt has used can
be changed to another tree, of which git writes only what differs. A tree is proved when it is laid;
when an attempt takes its folder, a look at each file tells whether it is still as it was.
"""

import os
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.resources import files
from itertools import count
from typing import Final

import trio
from msgspec import Struct

from vibeguard.core.pool.messages import Source
from vibeguard.system.discovery.environment import WORKER_MARK, marks_of
from vibeguard.system.discovery.filestate import CTIME_TICK_S, looks_of
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.executors.local import LocalExecutor
from vibeguard.system.process.start_refused import StartRefused
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.repositories import hand_over, make_repository, set_head
from vibeguard.system.worker.store import Store
from vibeguard.system.worker.trees import Trees, Unfit

OUTPUT_BYTES: Final = 1 << 16
# What an attempt does with a folder that it has just got comes before the next one that is laid in
# advance, unless that is the only one.
QUIET_S: Final = 0.05
_QUIET: Final = {b"GIT_TERMINAL_PROMPT": b"0", b"LC_ALL": b"C"}
# What the worker's user has told git says where commits are fetched, and nothing of a run's files.
_UNTOLD: Final = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
}


class _Ready(Struct, frozen=True):
    """A folder that no attempt has had, the files that lie in it, and how it looked then."""

    path: str
    source: Source
    looks: bytes


class Folders:
    """Makes the folders of the worker `identity`; `most_ready` are kept in advance."""

    def __init__(
        self,
        identity: str,
        store: Store,
        executor: LocalExecutor,
        removing: Removing,
        environment: Mapping[bytes, bytes],
        *,
        most_ready: int,
    ) -> None:
        self._mark = f"worker-{identity}"
        self._store = store
        self._executor = executor
        self._removing = removing
        self._environment = {**environment, **_QUIET, WORKER_MARK: identity.encode()}
        self._most_ready = most_ready
        self._ready: deque[_Ready] = deque()
        self.trees = Trees(store, removing)
        self._arriving = trio.Lock()
        self._laying = 0
        self._quiet_at = 0.0
        self._wanted: Source | None = None
        self._news = trio.Event()
        self._numbers = count(1)
        package = files("vibeguard.system.worker")
        self._arrive = package.joinpath("arrive.sh").read_text()
        self._lay = package.joinpath("lay.sh").read_text()

    async def arrive(self, source: Source) -> str:
        """Put the files of a run into the store, unless they are there; the tree of its commit.

        Its pack has been fetched. Raises Unfit.
        """
        if not self.trees.head_tree(source):  # else nobody waits for another
            async with self._arriving:
                if not self.trees.head_tree(source):
                    try:
                        head_tree = await self._bring(source)
                    except BaseException:
                        self.trees.did_not_arrive(source)
                        raise
                    self.trees.note(source, head_tree)
        return self.trees.head_tree(source)

    async def _bring(self, source: Source) -> str:
        return await self._run(
            self._arrive,
            STORE=self._store.git,
            OBJECTS=self._store.make_room(source),
            ORIGIN=self._store.repository,
            COMMIT=source.commit,
            TREE=source.tree,
            PACK=self._store.pack_path(source),
        )

    def remove_old_trees(self, in_use: Iterable[Source], *, all_others: bool) -> None:
        """Keep the disk from filling; `in_use` are the files of the attempts that there are."""
        ready = (one.source for one in self._ready)
        used = {*in_use, *ready, *([self._wanted] if self._wanted else [])}
        self.trees.remove_old(used, all_others=all_others)

    async def make(self, source: Source, path: str) -> None:
        """Make the folder of an attempt. Raises Unfit."""
        async with self._busy():
            self._wanted = source
            while (ready := self._take_ready(source)) is not None:
                with suppress(Unfit):
                    await self._take_over(ready, source)
                    os.rename(ready.path, path)  # at once: no cancel finds it under neither name
                    return
            make_repository(path, self._store.shallow)
            try:
                await self._fill(path, source, "")
                hand_over(path)
            except Unfit:
                self.trees.doubt(source)  # the store may have lost something
                raise

    async def _take_over(self, ready: _Ready, source: Source) -> None:
        """Make a ready folder one for these files. Raises Unfit where somebody has changed it."""
        with self._or_removed(ready.path):
            if await trio.to_thread.run_sync(looks_of, ready.path) != ready.looks:
                raise Unfit("a folder that was ready has been changed")
            if ready.source != source:
                await self._fill(ready.path, source, ready.source.tree)
            hand_over(ready.path)

    async def keep_ready(self) -> None:
        """Lay folders in advance, one after the other, while no attempt waits for its own."""
        while True:
            source = self._wanted
            if source is None or self._laying or self._count(source) >= self._most_ready:
                self._news = trio.Event()
                await self._news.wait()
                continue
            if self._count(source) and trio.current_time() < self._quiet_at:
                await trio.sleep_until(self._quiet_at)
                continue
            try:
                await self.lay_ready(source)
            except (Unfit, OSError):
                self._wanted = None  # the next attempt shows whether it can be done, and says so

    async def lay_ready(self, source: Source) -> None:
        """Lay one in advance; beyond the most, the oldest one goes. Raises Unfit or OSError."""
        path = self._store.attempt_folder(f"ready-{next(self._numbers)}")
        make_repository(path, self._store.shallow)
        await self._fill(path, source, "")
        with self._or_removed(path):
            await trio.sleep(CTIME_TICK_S)
            looks = await trio.to_thread.run_sync(looks_of, path)
            if not self.trees.head_tree(source):
                raise Unfit("other files are wanted by now, and these have gone")
        self._ready.append(_Ready(path, source, looks))
        while len(self._ready) > self._most_ready:
            self._removing.remove(self._ready.popleft().path)

    @asynccontextmanager
    async def _busy(self) -> AsyncIterator[None]:
        self._laying += 1
        try:
            yield
        finally:
            self._laying -= 1
            self._quiet_at = trio.current_time() + QUIET_S
            self._news.set()

    def _count(self, source: Source) -> int:
        return sum(ready.source == source for ready in self._ready)

    def _take_ready(self, source: Source) -> _Ready | None:
        """One that holds these files, else one that holds others."""
        for ready in self._ready:
            if ready.source == source:
                self._ready.remove(ready)
                return ready
        return self._ready.popleft() if self._ready else None

    async def _fill(self, path: str, source: Source, laid: str) -> None:
        """Write the tree into a folder in which that of `laid` lies. Raises Unfit, OSError."""
        with self._or_removed(path):
            head_tree = await self.arrive(source)
            set_head(path, source.commit, self._store.objects_of(source))
            with suppress(FileNotFoundError):  # that of the last commit
                os.unlink(f"{path}/.git/index-of-commit")
            await self._run(
                self._lay,
                FOLDER=path,
                TREE=source.tree,
                LAID=laid,
                HEAD_TREE=head_tree,
                **_UNTOLD,
            )

    @contextmanager
    def _or_removed(self, path: str) -> Iterator[None]:
        """What cannot be done, or is not wanted any more, leaves no folder."""
        try:
            yield
        except BaseException:
            self._removing.remove(path)
            raise

    async def _run(self, script: str, **variables: str) -> str:
        """The last line that a script prints. Raises Unfit with it where it fails."""
        number = next(self._numbers)
        path = self._store.output_path(str(number), "script")
        spec = AttemptSpec(
            run_id=self._mark,
            check="folder",
            attempt=number,
            command=script,
            cwd=self._store.folder,
            environment={
                **self._environment,
                **marks_of(self._mark, "folder", number),
                **{name.encode(): os.fsencode(value) for name, value in variables.items()},
            },
            output_path=path,
            output_limit_bytes=OUTPUT_BYTES,
        )
        try:
            result = await self._end_of(spec)
            said = self._store.without_password(_last_line(path))
        finally:
            self._removing.remove(path)
        if result.exit_code != 0:
            unsaid = f"git's output {result.output_error}" if result.output_error else result.signal
            raise Unfit(f"the folder could not be made: {said or unsaid}")
        return said

    async def _end_of(self, spec: AttemptSpec) -> AttemptResult:
        """How a script ended; cancelled, its tree is ended first."""
        try:
            attempt = await self._executor.start(spec, Callbacks())
        except StartRefused as refused:
            raise Unfit(refused.reason) from refused
        try:
            return await attempt.wait()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):  # the executor has the bound
                await attempt.terminate(0)
            raise


def _last_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(OUTPUT_BYTES).strip().rpartition("\n")[2]
    except OSError:
        return ""
