"""Judging an attempt by its output: reads files, and works where it can be killed (ADR 0091)."""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import trio
from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.excerpt import last_lines
from vibeguard.core.judge import Judgement, judge, tree_moved, unjudged
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import is_pattern
from vibeguard.core.model.storable import encoded
from vibeguard.core.names import LeakPolicy, Outcome, Reason, StalePolicy
from vibeguard.core.report.epoch import started_ns
from vibeguard.core.results.guessing import guesser
from vibeguard.core.results.ruling import Evidence, unexcused
from vibeguard.core.wording.units import SECOND_NS, duration
from vibeguard.system.executors.base import AttemptResult
from vibeguard.system.rundir.files import open_below, open_regular
from vibeguard.system.supervisor.host import CutShort, Fork
from vibeguard.system.supervisor.reports import (
    Standing,
    guess,
    lines_about,
    read_reports,
    states_of,
)
from vibeguard.system.supervisor.support import Ended
from vibeguard.system.supervisor.untouched import Untouched

if TYPE_CHECKING:
    from vibeguard.system.supervisor.run_log import RunLog

# Enough for the head and the tail that core.excerpt looks at.
HEAD_BYTES = 128 << 10
TAIL_BYTES = 512 << 10
# So much is judged at once, divided by the number of patterns: the worst pattern that RE2 takes
# needs about 50 microseconds a byte, a fork about 3 milliseconds.
AT_ONCE_BYTES = 16 << 10
LONGEST_TICK_NS = 2 * SECOND_NS  # FAT counts in such steps


class _Shown(Struct, frozen=True):
    """Start and end of an output; `skipped_lines` were left out after the first `head_lines`."""

    output: bytes
    head_lines: int = 0
    skipped_lines: int = 0


class _Large(Exception):
    """There is more to read than may be judged at once."""


class FileRefused(Exception):
    """The `file:` of a check cannot be read; the message says why."""


class Judging:
    """The judge of a run."""

    def __init__(self, log: "RunLog", fork: Fork) -> None:
        self._log = log
        self._fork = fork
        self._untouched = Untouched(log.launch, fork)
        self._folder = os.fsdecode(log.launch.folder)
        self._limit_bytes = log.launch.plan.settings.grok_limit_bytes
        self._former: dict[str, Standing | str] = {}  # of reports, by check
        self._began_ns = started_ns(log.state)

    async def begin(self, planned: PlannedCheck) -> None:
        """An attempt of the check is about to start."""
        await self._untouched.begin(planned)
        if planned.results and planned.where is None and planned.stale is not StalePolicy.ALLOW:
            self._former[planned.id] = await self._standing(planned)

    async def _standing(self, planned: PlannedCheck) -> Standing | str:
        """What stands in the place of its reports, or why that cannot be told."""
        look = partial(states_of, planned, self._folder)
        if not any(is_pattern(source.file) for source in planned.results):
            return look()
        # A pattern leads through the whole tree, which nothing else shall wait for.
        timeout_s = planned.judge_timeout_ns / SECOND_NS
        try:
            told = await self._fork(lambda: msgspec.msgpack.encode(look()), timeout_s)
        except CutShort as cut:
            return f"what stood in the place of the reports could not be looked at: {cut}"
        except OSError:  # as when it is judged
            return look()
        return msgspec.msgpack.decode(told, type=Standing)

    async def judge(
        self, planned: PlannedCheck, number: int, ended: Ended, before_waiting: Callable[[], None]
    ) -> Judgement:
        """The judgement of a finished attempt, by its output and by what it left of the tree."""
        judgement = await self._judge_output(planned, number, ended, before_waiting)
        return await self._untouched.ruled(planned, judgement)

    async def _judge_output(
        self, planned: PlannedCheck, number: int, ended: Ended, before_waiting: Callable[[], None]
    ) -> Judgement:
        """The judgement of a finished attempt. A plain pass needs no file, a small text no fork.

        An exit that was observed keeps its outcome: a cancel ends the reading of what it wrote,
        and what the exit says is the judgement then.
        """
        if self._log.view is not None:
            before_waiting()
            with trio.CancelScope(shield=True):  # one look at each file that was laid out
                moved = await self._log.view.moved()
            if moved:
                return tree_moved(moved)
        result, struck = ended.result, ended.struck
        plain = not (planned.grok or planned.assertion or planned.file or planned.results)
        plain = plain and not _leak_fails(planned, result)
        if plain and result.exit_code == 0 and struck is None:
            return Judgement(outcome=Outcome.PASSED)
        before_waiting()
        path = self._log.output_path(planned, number)
        work = partial(self._judge, planned, ended, path)
        try:
            return work(AT_ONCE_BYTES // max(len(planned.grok), 1))
        except _Large:
            pass
        timeout_s = planned.judge_timeout_ns / SECOND_NS
        try:
            answer = await self._fork(lambda: encoded(work(None), msgspec.json.encode), timeout_s)
        except CutShort as cut:
            return unjudged(planned, result.exit_code, result.signal, struck, str(cut))
        except OSError:  # no process is to be had: a check has taken them all
            return work(None)  # everything else waits meanwhile, which is better than no verdict
        return msgspec.json.decode(answer, type=Judgement)

    def _judge(
        self, planned: PlannedCheck, ended: Ended, output_path: str, most_bytes: int | None
    ) -> Judgement:
        """The judgement; `_Large` if a file has more than `most_bytes`, or reports are read."""
        if planned.results and most_bytes is not None:
            raise _Large
        result = ended.result
        text, age, problem = self._text(planned, result, output_path, most_bytes)
        shown = _shown_part(output_path, most_bytes)
        judgement = judge(
            planned,
            result.exit_code,
            result.signal,
            ended.struck,
            text,
            grok_limit_bytes=self._limit_bytes,
            output=shown.output,
            problem=problem,
            evidence=self._evidence(planned, result, output_path),
        )
        leaked = _leak_fails(planned, result)
        if judgement.passed and not leaked:
            return replace(judgement, detail=age)
        if judgement.passed:
            judgement = replace(
                judgement,
                outcome=Outcome.FAILED,
                reason=Reason.LEAK,
                tail=last_lines(shown.output),
            )
        elif leaked and judgement.findings is not None:
            found = unexcused(judgement.findings, "processes were left behind")
            judgement = replace(judgement, findings=found)
        if judgement.excerpt is not None and not planned.results:
            judgement = self._guessed(planned, result, judgement, shown.output)
        return _renumbered(judgement, shown)

    def _text(
        self, planned: PlannedCheck, result: AttemptResult, output_path: str, most_bytes: int | None
    ) -> tuple[bytes | None, str, str]:
        """What grok reads, a note on its age, and why it cannot be read. Raises `_Large`."""
        try:
            if planned.file:
                base = self._folder_of(planned, result)
                return *self._read_inside(base, planned.file, most_bytes), ""
            if planned.grok:
                with open(open_regular(output_path), "rb", buffering=0) as output:
                    text = _read_whole(output.fileno(), self._limit_bytes + 1, most_bytes)
                return text, "", ""
        except FileRefused as refusal:
            return None, "", str(refusal)
        except OSError as error:
            return None, "", f"the output cannot be read back: {error.strerror}"
        return None, "", ""

    def _evidence(
        self, planned: PlannedCheck, result: AttemptResult, output_path: str
    ) -> Evidence | None:
        """What the reports say; None where none are declared."""
        if not planned.results:
            return None
        return read_reports(
            planned,
            folder=self._folder,
            cwd=self._log.launch.cwd_of(planned),
            output_path=output_path,
            before=self._former.get(planned.id, {}),
            returned=None if planned.where is None else result,
        )

    def _guessed(
        self, planned: PlannedCheck, result: AttemptResult, judgement: Judgement, output: bytes
    ) -> Judgement:
        """The judgement with guessed results, where the rule of its excerpt knows places."""
        make = guesser(judgement.excerpt.rule, output) if judgement.excerpt else None
        if make is None:
            return judgement
        cwd = self._log.launch.cwd_of(planned)
        found = guess(make, output, folder=self._folder, cwd=cwd, result=result)
        return replace(judgement, findings=found) if found is not None else judgement

    def _folder_of(self, planned: PlannedCheck, result: AttemptResult) -> str:
        """The folder of the check's `file`: of a remote check, the one with what came back."""
        if planned.where is None:
            return self._folder
        left_out = "; ".join(lines_about(planned.file, result.left_out))
        if left_out or not result.returned:
            raise FileRefused(left_out or f"{planned.file} did not come back")
        return result.returned

    def _read_inside(self, base: str, name: str, most_bytes: int | None) -> tuple[bytes, str]:
        """A regular file below the working folder, and a note if it is older than the run."""
        if "\0" in name:
            raise FileRefused("the name of a file cannot hold a NUL character")
        try:
            with open(open_below(base, name), "rb", buffering=0) as file:
                older_ns = self._began_ns - os.fstat(file.fileno()).st_mtime_ns
                text = _read_whole(file.fileno(), self._limit_bytes + 1, most_bytes)
        except OSError as error:
            raise FileRefused(f"{name}: {error.strerror}") from error
        old = older_ns > LONGEST_TICK_NS
        return text, f"{name} is {duration(older_ns)} older than the run" if old else ""


def _read_whole(descriptor: int, limit_bytes: int, most_bytes: int | None = None) -> bytes:
    """At most `limit_bytes` from the present position; raises `_Large` if `most_bytes` are less."""
    chunks: list[bytes] = []
    left = limit_bytes if most_bytes is None else min(limit_bytes, most_bytes + 1)
    while left > 0 and (chunk := os.read(descriptor, min(left, 1 << 20))):
        chunks.append(chunk)
        left -= len(chunk)
    text = b"".join(chunks)
    if most_bytes is not None and len(text) > most_bytes:
        raise _Large
    return text


def _leak_fails(planned: PlannedCheck, result: AttemptResult) -> bool:
    return bool(result.leaked) and planned.leaks is LeakPolicy.FAIL


def _shown_part(path: str, most_bytes: int | None) -> _Shown:
    """The start and the end of the output, for the lines that a reader is shown; else nothing.

    Memory stays flat: of what is between, only the lines are counted.
    """
    try:
        descriptor = open_regular(path)
    except OSError:
        return _Shown(b"")
    try:
        size = os.fstat(descriptor).st_size
        if most_bytes is not None and size > most_bytes:
            raise _Large
        if size <= HEAD_BYTES + TAIL_BYTES:
            return _Shown(_read_whole(descriptor, size))
        head = _read_whole(descriptor, HEAD_BYTES)
        head = head[: head.rfind(b"\n") + 1]
        skipped_lines, at = 0, len(head)
        while at < size - TAIL_BYTES:
            chunk = os.pread(descriptor, min(1 << 20, size - TAIL_BYTES - at), at)
            skipped_lines += chunk.count(b"\n")
            at += len(chunk) or size
        tail = os.pread(descriptor, TAIL_BYTES, size - TAIL_BYTES)
        return _Shown(head + tail, head.count(b"\n"), skipped_lines)
    except OSError:
        return _Shown(b"")
    finally:
        os.close(descriptor)


def _renumbered(judgement: Judgement, shown: _Shown) -> Judgement:
    """The judgement with the number of the excerpt's first line in the whole output."""
    excerpt = judgement.excerpt
    if excerpt is None or not shown.skipped_lines or excerpt.first_line <= shown.head_lines:
        return judgement
    moved = replace(excerpt, first_line=excerpt.first_line + shown.skipped_lines)
    return replace(judgement, excerpt=moved)
