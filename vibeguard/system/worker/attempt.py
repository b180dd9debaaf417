"""One claim on a worker: make its folder, and once the run says Go, run it to its end."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import trio

from vibeguard.core.names import SAME_SIGNAL_S, AttemptEnd, TerminationReason
from vibeguard.core.pool.messages import Job, Result, Struck
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.discovery.environment import FILE_LIST, WORKER_MARK, marks_of
from vibeguard.system.ending_signals import is_like_one
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.executors.local import LocalExecutor
from vibeguard.system.executors.local_attempt import LocalAttempt
from vibeguard.system.process.output import HeldOutput
from vibeguard.system.rundir.files import write_new
from vibeguard.system.worker.folders import Folders
from vibeguard.system.worker.parcel import Parcel, States, pack, states
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.store import Store


class LostHere(Exception):
    """The end of an attempt was seen by somebody else; the message says how."""


class Tools(NamedTuple):
    """What all attempts of a worker share. `told_to_stop` is set by the signal to the worker."""

    identity: str
    executor: LocalExecutor
    store: Store
    folders: Folders
    removing: Removing
    environment: dict[bytes, bytes]
    told_to_stop: trio.Event


class RemoteAttempt:
    """One claim, as this worker carries it out."""

    def __init__(self, job: Job, claim: str, tools: Tools) -> None:
        self.job = job
        self.claim = claim
        self.attempt: LocalAttempt | None = None
        self.exceeded = False
        self.leak_ended = False
        self.struck: Struck | None = None
        self._tools = tools
        self._top = tools.store.attempt_folder(claim)
        self._grace_ns: int | None = None
        self._paused = False
        self._resumed_at = 0.0
        self._output: HeldOutput | None = None
        self._read_from: dict[int, int] = {}
        self._before: States = {}

    async def prepare(self) -> None:
        """Make the folder of the attempt. Raises Unfit."""
        await self._tools.folders.make(self.job.source, self._top)
        if self.job.listed is not None or self.job.reports:
            await trio.to_thread.run_sync(self._furnish)

    def _furnish(self) -> None:
        """Put the list of the check's files beside its tree; note what is there of its reports."""
        if self.job.listed is not None:
            write_new(self._file("files"), self.job.listed)
        base = os.path.join(self._top, os.fsdecode(self.job.base))
        self._before = states(base, self.job.reports)

    async def run(self, started: Callable[[], None]) -> Result:
        """Run the command to its end; `started` is called then. Raises StartRefused, LostHere."""
        callbacks = Callbacks(
            lambda _: started(),
            output_exceeded=partial(setattr, self, "exceeded", True),
            terminating=lambda *_: setattr(self, "leak_ended", True),
        )
        spec = self._spec()
        self._output = HeldOutput(spec.output_path, spec.output_limit_bytes)
        self.attempt = await self._tools.executor.start(spec, callbacks, self._output)
        if self._paused:
            self.attempt.pause()
        if self._grace_ns is not None:
            self.attempt.request_end(self._grace_ns)
        result = await self.attempt.wait()
        if result.end is AttemptEnd.LOST:
            raise LostHere(result.error)
        if await self._was_stopped_too(result):
            raise LostHere("its worker was told to stop, and it got the signal as well")
        parcel = Parcel()
        if self.job.returns:
            parcel = await trio.to_thread.run_sync(self._pack)
        return _remote_result(result, parcel, self._top)

    async def _was_stopped_too(self, result: AttemptResult) -> bool:
        """Whether what was to end this worker has ended the check: that is no failure of it.

        Who signals a worker and all that it runs (a service manager, `scancel`) does so one by one.
        """
        asked = self._grace_ns is not None or self.exceeded or self.leak_ended
        if asked or not is_like_one(result.exit_code, result.signal):
            return False
        with trio.move_on_after(SAME_SIGNAL_S):
            await self._tools.told_to_stop.wait()
        return self._tools.told_to_stop.is_set()

    async def end(self, grace_ns: int) -> None:
        """End the tree; what has not started yet ends right after its start."""
        self._grace_ns = grace_ns
        if self.attempt is not None:
            await self.attempt.terminate(grace_ns)

    def pause(self, *, paused: bool) -> None:
        """Stop the tree and its clocks, or let them go on; what has not started starts stopped."""
        self._paused = paused
        self._resumed_at = trio.current_time()
        if self.attempt is not None:
            (self.attempt.pause if paused else self.attempt.resume)()

    def look(self) -> None:
        """Find out whether a limit has been reached by this machine's clock."""
        attempt, job = self.attempt, self.job
        if attempt is None or attempt.exited or self.struck or self._paused:
            return
        silent_s = trio.current_time() - max(attempt.last_output, self._resumed_at)
        reason = None
        if job.timeout_ns and attempt.active_ns >= job.timeout_ns:
            reason = TerminationReason.TIMEOUT
        elif job.idle_timeout_ns is not None and silent_s >= job.idle_timeout_ns / SECOND_NS:
            reason = TerminationReason.IDLE
        if reason is not None:
            self.struck = Struck(
                reason=reason,
                silent_ns=round(silent_s * SECOND_NS),
                processes=attempt.processes(),
                last_lines=attempt.last_lines(),
            )

    def read(self, stream: int, offset: int, size: int) -> bytes:
        """A piece of the output (0) or of the parcel (1)."""
        if stream == 0 and self._output is not None and (held := self._output.held) is not None:
            return bytes(held[offset : offset + size])
        descriptor = self._read_from.get(stream)
        if descriptor is None:
            path = self._file(("output", "parcel")[stream])
            descriptor = self._read_from[stream] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(descriptor, size, offset)

    def discard(self) -> None:
        """Give back the descriptors, and have all files removed."""
        while self._read_from:
            os.close(self._read_from.popitem()[1])
        self._tools.removing.remove(self._top, *map(self._file, self._made()))

    def _made(self) -> Iterator[str]:
        """What there may be beside its folder; to look for what is not there costs as much."""
        if self._output is not None and self._output.held is None:
            yield "output"
        if self.job.returns:
            yield "parcel"
        if self.job.listed is not None:
            yield "files"

    def _file(self, kind: str) -> str:
        return self._tools.store.output_path(self.claim, kind)

    def _spec(self) -> AttemptSpec:
        job = self.job
        environment = {
            **self._tools.environment,
            **job.environment,
            **marks_of(job.run_id, job.check, job.attempt),
            WORKER_MARK: self._tools.identity.encode(),
        }
        if job.listed is not None:
            environment[FILE_LIST] = os.fsencode(self._file("files"))
        return AttemptSpec(
            cwd=os.path.join(self._top, os.fsdecode(job.folder)),
            environment=environment,
            files=tuple((job.listed or b"").split(b"\0")[:-1]) if job.pass_files else (),
            output_path=self._file("output"),
            **job.order(),
        )

    def _pack(self) -> Parcel:
        path = self._file("parcel")
        base = os.path.join(self._top, os.fsdecode(self.job.base))
        try:
            limit_bytes = self.job.returns_limit_bytes
            return pack(base, self.job.returns, limit_bytes, path, self._before)
        except OSError as error:
            return Parcel(left_out=(f"nothing could be packed: {error.strerror or error}",))


def _remote_result(result: AttemptResult, parcel: Parcel, top: str) -> Result:
    return Result(
        parcel_bytes=parcel.size,
        parcel_sha256=parcel.sha256,
        left_out=parcel.left_out,
        unchanged=parcel.unchanged,
        top=os.fsencode(top),
        output_error=result.output_error or result.error,
        **result.facts(),
    )
