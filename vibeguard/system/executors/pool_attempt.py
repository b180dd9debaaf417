"""One attempt on a worker of a pool, as its run sees it."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import IO

import trio
from msgspec import Struct, field
from msgspec.structs import replace

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import AttemptEnd, TerminationReason
from vibeguard.core.pool.client import Ended
from vibeguard.core.pool.messages import Job, Report, Result
from vibeguard.core.wording.units import size
from vibeguard.system.executors.base import AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.process.output import OutputFile
from vibeguard.system.process.start_refused import StartRefused, refused_variable
from vibeguard.system.process.stopwatch import Stopwatch
from vibeguard.system.rundir.files import create_file, make_folder, open_or_create, write_all

MOST_LISTED_BYTES = 8 << 20  # the broker keeps them while the job waits
_CHUNK_BYTES = 1 << 20
ALTERED = "what arrived is not what the worker wrote"


class PoolAttempt(Struct, eq=False):
    """Stores what arrives of an attempt, and compares it with what the worker says it sent."""

    spec: AttemptSpec
    output: OutputFile
    callbacks: Callbacks
    ask_for_end: Callable[[int], None]
    worker: str = ""
    last_output: float = 0.0
    output_exceeded: bool = False
    exited: bool = False
    _leak_told: bool = False
    _report: Report | None = None
    _parcel: "_Incoming | None" = None
    _finished: trio.Event = field(default_factory=trio.Event)
    _stopwatch: Stopwatch = field(default_factory=Stopwatch)
    _ended: Ended | None = None
    _storing: trio.Lock = field(default_factory=trio.Lock)
    _result: AttemptResult | None = None

    @property
    def output_bytes(self) -> int:
        """How much has arrived so far."""
        return self.output.stored_bytes

    @property
    def struck(self) -> TerminationReason | None:
        """The time limit that the worker's clock says has been reached."""
        struck = self._report.struck if self._report is not None else None
        return None if struck is None else TerminationReason(struck.reason)

    async def wait(self) -> AttemptResult:
        """Wait until it is over. Cancelling leaves it running.

        What came back is stored in a thread: workers end what does not hear this one meanwhile.
        """
        while (ended := self._ended) is None:
            await self._finished.wait()
        if self._result is None:
            async with self._storing:
                if self._result is None:
                    self._result = await trio.to_thread.run_sync(self._make_result, ended)
        return self._result

    async def terminate(self, grace_ns: int) -> AttemptResult:
        """Have the worker end it; lost where that is not confirmed within grace + 2 s."""
        if self._ended is None:
            self.ask_for_end(grace_ns)
        return await self.wait()

    def processes(self) -> tuple[ProcessReport, ...]:
        """What the worker saw when a limit was reached."""
        struck = self._report.struck if self._report is not None else None
        return struck.processes if struck is not None and self._ended is None else ()

    def last_lines(self) -> tuple[str, ...]:
        """The last few lines that have arrived."""
        return self.output.last_lines()

    # What the executor tells.

    def begin(self, worker: str) -> None:
        """A worker has it, and has been told to start."""
        self.worker = worker
        self._stopwatch = Stopwatch()
        self.last_output = trio.current_time()

    def pause(self, *, paused: bool) -> None:
        """The run is paused, or goes on."""
        (self._stopwatch.pause if paused else self._stopwatch.resume)()

    def discard(self) -> None:
        """Remove the output of an attempt that was never started."""
        self.output.discard()

    def receive(self, stream: int, data: bytes) -> None:
        """More output (0), or more of the parcel (1)."""
        if stream == 0:
            self.last_output = trio.current_time()
            self.output.write(memoryview(data))
            if self.output.exceeded or self.output.error:
                self._exceed()
            return
        if self._parcel is None:
            self._parcel = _Incoming(f"{self.spec.output_path}.parcel")
        self._parcel.write(data)

    def learn(self, report: Report) -> None:
        """Take in a report. A time limit that has been reached is announced like one of output."""
        before, self._report = self.struck, report
        self.exited = self.exited or report.stage.value in ("exited", "ended")
        if report.exceeded:
            self._exceed()
        if report.leak_ended and not self._leak_told:
            self._leak_told = True
            self.callbacks.terminating(TerminationReason.LEAK, "SIGTERM")
        if before is None and self.struck is not None:
            self.callbacks.output_exceeded()

    def end(self, ended: Ended) -> None:
        """The attempt is over."""
        self._ended = ended
        if self._parcel is None:
            self._result = self._make_result(ended)
        self._finished.set()

    def _make_result(self, ended: Ended) -> AttemptResult:
        stored = self.output.close()
        try:
            result = self._result_of(ended, stored.sha256)
        finally:  # unpacked, or of no use
            self._drop_parcel()
        return replace(
            result,
            output_bytes=self.output.stored_bytes,
            output_sha256=stored.sha256,
            output_file=stored.identity,
            output_error=self.output.error or result.output_error,
        )

    def _exceed(self) -> None:
        if not self.output_exceeded:
            self.output_exceeded = self.output.exceeded or not self.output.error
            self.callbacks.output_exceeded()

    def _result_of(self, ended: Ended, output_sha256: str) -> AttemptResult:
        if ended.result is None:
            end = AttemptEnd.REFUSED if ended.refused else AttemptEnd.LOST
            return AttemptResult(end=end, error=ended.why)
        result = ended.result
        if result.output_error:  # a disk of theirs, while this run can be recorded
            why = f"its output could not be stored on {self.worker}: it {result.output_error}"
            return AttemptResult(end=AttemptEnd.LOST, error=why)
        whole = output_sha256 == result.output_sha256 or bool(self.output.error)
        try:
            unpacked = self._unpack(result)
        except OSError as error:
            why = f"what came back could not be stored: {error}"
            return AttemptResult(end=AttemptEnd.LOST, error=why)
        if not whole or not unpacked:
            return AttemptResult(end=AttemptEnd.LOST, error=f"{ALTERED} ({self.worker})")
        remote = self.spec.remote
        lasted_ns = result.active_ns + self._stopwatch.elapsed_ns() - self._stopwatch.active_ns()
        return AttemptResult(
            end=AttemptEnd.EXITED,
            returned=remote.returned_folder if remote and remote.job.returns else "",
            left_out=result.left_out,
            unchanged=result.unchanged,
            top=result.top,
            **{**result.facts(), "elapsed_ns": max(result.elapsed_ns, lasted_ns)},
        )

    def _unpack(self, result: Result) -> bool:
        """Put what came back into its folder; False where it is not what the worker packed."""
        remote = self.spec.remote
        if remote is None or not remote.job.returns:
            return result.parcel_bytes == 0
        make_folder_with_parents(remote.returned_folder)
        if self._parcel is None:
            return result.parcel_sha256 == sha256(b"").hexdigest()
        if self._parcel.close() != result.parcel_sha256:
            return False
        _extract(self._parcel.path, remote.returned_folder)
        return True

    def _drop_parcel(self) -> None:
        if self._parcel is not None:
            with suppress(OSError):
                self._parcel.close()
            self._parcel.remove()
            self._parcel = None


class _Incoming:
    """A parcel on its way: a file beside the output, and the digest of what has come.

    What cannot be stored is noted and raised at the end: it arrives in the middle of a message,
    where there is nobody to be told.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._digest = sha256()
        self._error: OSError | None = None
        self._descriptor = -1
        try:
            self._descriptor = create_file(path, flags=os.O_WRONLY)
        except OSError as error:
            self._error = error

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        if self._error is None:
            try:
                write_all(self._descriptor, data)
            except OSError as error:
                self._error = error

    def close(self) -> str:
        """The digest. Raises OSError where not all of it could be stored."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._error is not None:
            raise self._error
        return self._digest.hexdigest()

    def remove(self) -> None:
        with suppress(OSError):
            os.unlink(self.path)


def _extract(path: str, folder: str) -> None:
    """Raises OSError, for what is no archive of files below a folder, too.

    By hand, since `extractall` knows filters only from Python 3.11.4 on, and Debian 12 has 3.11.2.
    """
    import tarfile  # noqa: PLC0415 - slow to import; supervisor.preload has it where it is needed

    try:
        with tarfile.open(path, "r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is None or entry.name.startswith("/") or ".." in entry.name.split("/"):
                    raise OSError(errno.EPERM, "no file below the folder", entry.name)
                _write_below(folder, entry.name, content, entry.mtime)
    except tarfile.TarError as error:
        raise OSError(str(error)) from error


def _write_below(folder: str, name: str, content: IO[bytes], modified_s: float) -> None:
    *folders, last = name.split("/")
    for each in folders:
        folder = os.path.join(folder, each)
        with suppress(FileExistsError):
            make_folder(folder)
    path = os.path.join(folder, last)
    with open(open_or_create(path, flags=os.O_WRONLY | os.O_TRUNC), "wb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
        file.flush()
        os.utime(file.fileno(), (modified_s, modified_s))


def refuse_unsendable(job: Job) -> None:
    """Raises StartRefused for what no machine could start."""
    if job.listed is not None and len(job.listed) > MOST_LISTED_BYTES:
        raise StartRefused(f"the names of its files are longer than {size(MOST_LISTED_BYTES)}")
    if "\0" in job.command:
        raise StartRefused("the command holds a NUL character")
    if refused := refused_variable(job.environment):
        raise StartRefused(refused)


def make_folder_with_parents(path: str) -> None:
    """Make a folder that only its owner can enter, and what is above it in the run folder."""
    with suppress(FileExistsError):  # attempts end in threads of their own
        make_folder(os.path.dirname(path))
    make_folder(path)
