"""The folders in which attempts run: the run's tree, proved, in a repository at the run's HEAD.

Some are made in advance, while no attempt waits for its own. A folder that no attempt has used can
be changed to another tree, of which git writes only what differs. A tree is proved when it is laid,
and looked at again when an attempt takes its folder.
"""

import os
import shutil
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from itertools import count
from typing import Final

import trio
from msgspec import Struct

from vibeguard.core.names import LeakPolicy
from vibeguard.core.pool.messages import Source
from vibeguard.system.executors.base import AttemptSpec, Callbacks, StartRefused
from vibeguard.system.executors.local import LocalExecutor
from vibeguard.system.process.orphans import ATTEMPT_MARK, CHECK_MARK, RUN_MARK
from vibeguard.system.process.sweep import WORKER_MARK
from vibeguard.system.rundir.files import make_folder
from vibeguard.system.worker.store import Store

OUTPUT_BYTES: Final = 1 << 16
# The longest that removing files may delay an end; the next worker in the folder removes the rest.
CLEAN_UP_S: Final = 10.0
_QUIET_GIT: Final = {
    b"GIT_CONFIG_GLOBAL": b"/dev/null",
    b"GIT_CONFIG_NOSYSTEM": b"1",
    b"GIT_TERMINAL_PROMPT": b"0",
    b"LC_ALL": b"C",
}
_CONFIG: Final = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tautocrlf = false
[gc]
\tauto = 0
"""


class Unfit(Exception):
    """The worker cannot do the job; the message says why."""


class _Ready(Struct, frozen=True):
    """A folder that no attempt has had, and the files that lie in it."""

    path: str
    source: Source


class Folders:
    """Makes the folders of the worker `identity`; `most_ready` are kept in advance."""

    def __init__(
        self,
        identity: str,
        store: Store,
        executor: LocalExecutor,
        environment: Mapping[bytes, bytes],
        *,
        most_ready: int,
    ) -> None:
        self._mark = f"worker-{identity}"
        self._store = store
        self._executor = executor
        self._environment = {**environment, **_QUIET_GIT, WORKER_MARK: identity.encode()}
        self._most_ready = most_ready
        self._ready: deque[_Ready] = deque()
        self._head_trees: dict[Source, str] = {}
        self._arriving = trio.Lock()
        self._laying = 0
        self._wanted: Source | None = None
        self._news = trio.Event()
        self._numbers = count(1)
        package = files("vibeguard.system.worker")
        self._arrive = package.joinpath("arrive.sh").read_text()
        self._lay = package.joinpath("lay.sh").read_text()

    async def arrive(self, source: Source) -> None:
        """Put the files of a run into the store; its pack has been fetched. Raises Unfit."""
        async with self._arriving:
            if source not in self._head_trees:
                said = await self._run(
                    self._arrive,
                    STORE=self._store.git,
                    ORIGIN=self._store.repository,
                    COMMIT=source.commit,
                    TREE=source.tree,
                    PACK=self._store.pack_path(source),
                )
                self._head_trees[source] = said

    async def make(self, source: Source, path: str) -> None:
        """Make the folder of an attempt. Raises Unfit; `arrive` has to come before."""
        async with self._busy():
            self._wanted = source
            while (ready := self._take_ready(source)) is not None:
                os.rename(ready.path, path)  # at once: a cancel must not find it under neither name
                with suppress(Unfit):
                    await self._fill(path, source, ready.source.tree)
                    return
            await trio.to_thread.run_sync(_make_repository, path, self._store.git)
            try:
                await self._fill(path, source, "")
            except Unfit:
                self._head_trees.pop(source, None)  # the store may have lost something: look again
                raise

    async def keep_ready(self) -> None:
        """Lay folders in advance, one after the other, while no attempt waits for its own."""
        while True:
            source = self._wanted
            if source is None or self._laying or self._count(source) >= self._most_ready:
                self._news = trio.Event()
                await self._news.wait()
                continue
            try:
                await self.lay_ready(source)
            except (Unfit, OSError):
                self._wanted = None  # the next attempt shows whether it can be done, and says so

    async def lay_ready(self, source: Source) -> None:
        """Lay one in advance; beyond the most, the oldest one goes. Raises Unfit or OSError."""
        path = self._store.attempt_folder(f"ready-{next(self._numbers)}")
        await trio.to_thread.run_sync(_make_repository, path, self._store.git)
        await self._fill(path, source, "", whole=False)
        self._ready.append(_Ready(path, source))
        while len(self._ready) > self._most_ready:
            await self._remove(self._ready.popleft().path)

    @asynccontextmanager
    async def _busy(self) -> AsyncIterator[None]:
        self._laying += 1
        try:
            yield
        finally:
            self._laying -= 1
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

    async def _fill(self, path: str, source: Source, laid: str, *, whole: bool = True) -> None:
        """Write the tree into a folder. Raises Unfit, OSError.

        With `whole` the folder becomes what an attempt gets. It is removed where that cannot be
        done, or is not wanted any more.
        """
        try:
            await trio.to_thread.run_sync(_set_head, path, source.commit)
            await self._run(
                self._lay,
                FOLDER=path,
                TREE=source.tree,
                LAID=laid,
                HEAD_TREE=self._head_trees.get(source, "") if whole else "",
            )
        except BaseException:
            with trio.move_on_after(CLEAN_UP_S, shield=True):
                await self._remove(path)
            raise

    async def _run(self, script: str, **variables: str) -> str:
        """The last line that a script prints. Raises Unfit with it where it fails."""
        number = str(next(self._numbers))
        path = self._store.output_path(number, "script")
        spec = AttemptSpec(
            run_id=self._mark,
            check="folder",
            attempt=int(number),
            command=script,
            cwd=self._store.folder,
            environment={
                **self._environment,
                RUN_MARK: self._mark.encode(),
                CHECK_MARK: b"folder",
                ATTEMPT_MARK: number.encode(),
                **{name.encode(): os.fsencode(value) for name, value in variables.items()},
            },
            output_path=path,
            output_limit_bytes=OUTPUT_BYTES,
            leaks=LeakPolicy.WARN,
            leak_grace_ns=0,
        )
        try:
            exit_code, signal = await self._end_of(spec)
            said = await trio.to_thread.run_sync(_last_line, path)
        finally:
            with trio.move_on_after(CLEAN_UP_S, shield=True):
                await trio.to_thread.run_sync(_unlink, path, abandon_on_cancel=True)
        if exit_code != 0:
            raise Unfit(f"the folder could not be made: {said or signal}")
        return said

    async def _end_of(self, spec: AttemptSpec) -> tuple[int | None, str]:
        """Exit code and signal; cancelled, the script's tree is ended first."""
        try:
            attempt = await self._executor.start(spec, Callbacks())
        except StartRefused as refused:
            raise Unfit(refused.reason) from refused
        try:
            result = await attempt.wait()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):  # the executor has the bound
                await attempt.terminate(0)
            raise
        return result.exit_code, result.signal

    async def _remove(self, path: str) -> None:
        await trio.to_thread.run_sync(_remove_tree, path, abandon_on_cancel=True)


def _make_repository(path: str, store: str) -> None:
    """What `git init` makes, with the store's objects; without its two processes."""
    make_folder(path)
    for name in ("", "/refs", "/refs/heads", "/refs/tags", "/objects", "/objects/info"):
        os.mkdir(f"{path}/.git{name}")
    with open(f"{path}/.git/config", "w", encoding="utf-8") as file:
        file.write(_CONFIG)
    with open(f"{path}/.git/objects/info/alternates", "w", encoding="utf-8") as file:
        file.write(f"{store}/objects\n")


def _set_head(path: str, commit: str) -> None:
    with open(f"{path}/.git/HEAD", "w", encoding="ascii") as file:
        file.write(f"{commit}\n")


def _remove_tree(path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _last_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(OUTPUT_BYTES).strip().rpartition("\n")[2]
    except OSError:
        return ""
