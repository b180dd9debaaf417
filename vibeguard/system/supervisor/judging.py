"""Judging an attempt by its output: reads files, and chews in a thread so that no kill waits."""

import os
import stat
from functools import partial

import trio

from vibeguard.core.judge import Judgement, judge
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.names import Outcome, TerminationReason
from vibeguard.system.channel import Launch
from vibeguard.system.executors.base import AttemptResult, AttemptSpec

EXCERPT_BYTES = 1 << 20


class FileRefused(Exception):
    """The `file:` of a check cannot be read; the message says why."""


class Judging:
    """The judge of a run."""

    def __init__(self, launch: Launch, settings: ResolvedSettings) -> None:
        self._folder = os.fsdecode(launch.folder)
        self._limit_bytes = settings.grok_limit_bytes

    async def judge(
        self,
        planned: PlannedCheck,
        result: AttemptResult,
        struck: TerminationReason | None,
        spec: AttemptSpec,
    ) -> Judgement:
        """The judgement of a finished attempt. A plain pass needs no thread and no file."""
        plain = not (planned.grok or planned.assertion or planned.file)
        if plain and result.exit_code == 0 and struck is None:
            return Judgement(outcome=Outcome.PASSED)
        return await trio.to_thread.run_sync(partial(self._judge, planned, result, struck, spec))

    def _judge(
        self,
        planned: PlannedCheck,
        result: AttemptResult,
        struck: TerminationReason | None,
        spec: AttemptSpec,
    ) -> Judgement:
        text, problem = None, ""
        try:
            if planned.file:
                text = self._read_inside(planned.file)
            elif planned.grok:
                text = _read(spec.output_path, self._limit_bytes + 1)
        except FileRefused as refusal:
            problem = str(refusal)
        except OSError as error:
            problem = f"the output cannot be read back: {error.strerror}"
        return judge(
            planned,
            result.exit_code,
            result.signal,
            struck,
            text,
            grok_limit_bytes=self._limit_bytes,
            output=_end_of(spec.output_path),
            problem=problem,
        )

    def _read_inside(self, name: str) -> bytes:
        """A regular file below the working folder, symlinks resolved, opened without blocking."""
        folder = os.path.realpath(self._folder)
        path = os.path.realpath(os.path.join(folder, name))
        if os.path.commonpath([folder, path]) != folder:
            raise FileRefused(f"{name} is outside the working folder")
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise FileRefused(f"{name}: {error.strerror}") from error
        with open(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileRefused(f"{name} is not a regular file")
            try:
                return _read_whole(file.fileno(), self._limit_bytes + 1)
            except OSError as error:
                raise FileRefused(f"{name}: {error.strerror}") from error


def _read(path: str, limit_bytes: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return _read_whole(descriptor, limit_bytes)
    finally:
        os.close(descriptor)


def _read_whole(descriptor: int, limit_bytes: int) -> bytes:
    """At most `limit_bytes` from the present position."""
    chunks: list[bytes] = []
    left = limit_bytes
    while left > 0 and (chunk := os.read(descriptor, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _end_of(path: str) -> bytes:
    """The last MiB of the output, for the lines that a reader is shown; empty if it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        os.lseek(descriptor, max(0, size - EXCERPT_BYTES), os.SEEK_SET)
        return _read_whole(descriptor, EXCERPT_BYTES)
    finally:
        os.close(descriptor)
