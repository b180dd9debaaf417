"""The one writer of a run's log: one event, one line, one write."""

import errno
import os
from collections.abc import Callable
from typing import Final, NoReturn

from msgspec.structs import force_setattr

from vibeguard.core.eventlog.encode import encode_line, encode_seal, make_storable, new_digest
from vibeguard.core.eventlog.single_line import MAX_LINE_BYTES
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.problems import LogAltered, LogWriteError
from vibeguard.system.journal.creation import RESERVE_BYTES, create_run_folder
from vibeguard.system.journal.tamper import (
    ExpectedFile,
    altered_file,
    altered_log,
    changed_as_written,
    replaced,
)
from vibeguard.system.rundir.files import FileIdentity
from vibeguard.system.rundir.latest import read_latest

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
# What is read again at most because the log's change time has moved while its bytes stayed: some
# network file systems move it by themselves, and a run's log may be long.
_MOST_REREAD_BYTES: Final = 256 << 20
_CANNOT_SYNC: Final = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def _synchronise(descriptor: int) -> None:
    getattr(os, "fdatasync", os.fsync)(descriptor)


class Journal:
    """An open log. Everything is synchronous; after the first failed write nothing follows.

    `events` and `bytes` count what was written. `on_reserve` turns true when the disk was full and
    the reserve has been given up: what is being appended has been stored, but there is room for
    the last events only, so the run must be brought to its end.
    """

    def __init__(
        self,
        state_dir: str,
        *,
        now_ns: int,
        clock: Callable[[], int],
        nested: bool = False,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        """Make a run folder with an empty, locked log in an existing state folder.

        `now_ns` is the wall clock (for the id), `clock` gives the nanoseconds since the run's
        start. A `nested` run never becomes `latest`. `reserve_bytes` are kept free for its last
        events. Raises LogWriteError.
        """
        self._folder = folder = create_run_folder(
            state_dir, now_ns=now_ns, nested=nested, reserve_bytes=reserve_bytes
        )
        self.run_id = folder.run_id
        self.run_folder = folder.path
        self.log_path = folder.log.path
        self.locked = folder.locked
        self.events = 0
        self.bytes = 0
        self.on_reserve = False
        self._clock = clock
        self._digest = new_digest()
        self._refusal: LogWriteError | None = None
        self._changed_ns: int | None = None
        self._reread_bytes = 0
        self._outputs: dict[str, ExpectedFile] = {}
        self._reserve = folder.reserve
        self._named_durably = False

    def append(self, event: Event) -> None:
        """Stamp an event that is not yet stamped, and write it.

        Raises LogWriteError; from then on every append does.
        """
        if self._refusal is not None:
            raise self._refusal
        if event.seq != self.events:
            self._stamp(event)
        try:
            line = encode_line(event)
        except UnicodeEncodeError:
            make_storable(event)
            line = encode_line(event)
        self._write(line)

    def sync(self) -> None:
        """Make what was written durable (after plan, cancel and seal). Raises LogWriteError."""
        try:
            _synchronise(self._folder.log_fd)
            if not self._named_durably:
                os.fsync(self._folder.fd)
                self._named_durably = True
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                self._refuse(error)

    def seal(self) -> LogSealed:
        """Write the last event, durably, and return it. Raises LogWriteError."""
        if self._refusal is not None:
            raise self._refusal
        # The digest is of what this process wrote, not of what the file holds: a check may have
        # written there too, and `verify` tells the two apart before readers believe it (ADR 0045).
        event = LogSealed(events=self.events, bytes=self.bytes, sha256="")
        self._stamp(event)
        self._write(encode_seal(event, self._digest))
        self.sync()
        self._refusal = LogWriteError("the log is sealed: nothing may follow")
        return event

    def expect_output(
        self, name: str, size: int, sha256: str, identity: FileIdentity | None
    ) -> None:
        """Have `verify` look after an output file, named relative to the run folder."""
        path = f"{self.run_folder}/{name}"
        self._outputs[name] = ExpectedFile(name, path, size, sha256, identity)

    @property
    def stored_bytes(self) -> int:
        """What the run takes: its log, and the outputs that were expected of it."""
        return self.bytes + sum(output.bytes for output in self._outputs.values())

    def verify(self) -> list[str]:
        """What differs from what was written: a sentence each, none if nothing does.

        Reads the log through this writer's own descriptor and looks at it by its name, at the
        folders above it, at `latest` and at the expected output files.
        """
        found = self.verify_log()
        for expected in self._outputs.values():
            found += altered_file(expected)
        return found

    def verify_log(self) -> list[str]:
        """The same without the output files, which are large and which nobody writes any more."""
        found = [line for mark in self._folder.landmarks for line in replaced(mark)]
        found += altered_log(self._folder.log_fd, self.bytes, self._digest.hexdigest())
        found += self._altered_latest()
        return found

    def close(self) -> None:
        """Give up lock, reserve and descriptors."""
        self._reserve.give_up()
        self._refusal = self._refusal or LogWriteError("the log is closed")
        self._folder.close()

    def _stamp(self, event: Event) -> None:
        if event.seq != -1:
            raise LogWriteError(f"event {event.seq} where {self.events} must follow")
        force_setattr(event, "seq", self.events)
        force_setattr(event, "t", self._clock())

    def _write(self, line: bytes) -> None:
        found: list[str] = []
        if len(line) > MAX_LINE_BYTES:
            self._refuse(OSError(errno.EMSGSIZE, "an event is longer than any reader accepts"))
        try:
            found = self._changed_since()
            written = os.write(self._folder.log_fd, line)
        except OSError as error:
            self._write_rest(line, error)
        else:
            if written != len(line):
                # The first sign of a full disk: a line is torn, and only its rest may follow.
                self._write_rest(line[written:], OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        self._digest.update(line)
        self.events += 1
        self.bytes += len(line)
        self._changed_ns = changed_as_written(self._folder.log, self.bytes)
        if self._changed_ns is None:
            found = ["something else appends to it or cuts it"]
        if found:
            self._refuse_altered(found)

    def _changed_since(self) -> list[str]:
        """What was done to the log since the last write: what is undone later would not be found.

        Bytes that were replaced move its change time, which nobody but root can put back. Our own
        write hides that, and so does the last one if both are of one tick of the kernel's clock
        (before Linux 6.13); a write through a mapping may not move it. `verify` finds these.
        """
        changed_ns = os.fstat(self._folder.log_fd).st_ctime_ns
        if self._changed_ns in (None, changed_ns) or self._reread_bytes > _MOST_REREAD_BYTES:
            return []
        self._reread_bytes += self.bytes
        return altered_log(self._folder.log_fd, self.bytes, self._digest.hexdigest())

    def _write_rest(self, rest: bytes, error: OSError) -> None:
        """Complete a line with the room that the reserve gives up."""
        if error.errno not in _FULL or not self._reserve.give_up():
            self._refuse(error)
        self.on_reserve = True
        try:
            if os.write(self._folder.log_fd, rest) != len(rest):
                self._refuse(error)
        except OSError as again:
            self._refuse(again)

    def _refuse(self, error: OSError) -> NoReturn:
        self._refusal = LogWriteError(
            f"the log cannot be written: {error.strerror} ({self.log_path})",
            "what was written before stays readable; make room, mend the disk or let the sandbox "
            "allow it, and run again",
        )
        raise self._refusal from error

    def _refuse_altered(self, found: list[str]) -> NoReturn:
        found = replaced(self._folder.log) or found
        self._refusal = LogAltered(
            f"the log was changed while it was written: {found[0]} ({self.log_path})",
            "see which check writes into the state folder",
        )
        raise self._refusal

    def _altered_latest(self) -> list[str]:
        """`latest` names this run, or a newer one that exists; it never names a nested one."""
        if self._folder.nested:
            return []
        try:
            named = read_latest(self._folder.state_dir)
        except OSError as error:
            return [f"latest cannot be read ({error.strerror})"]
        runs = os.path.dirname(self.run_folder)
        if named < self.run_id or not os.path.isdir(os.path.join(runs, named)):
            return [f"latest no longer names this run but {named or 'nothing'}"]
        return []
