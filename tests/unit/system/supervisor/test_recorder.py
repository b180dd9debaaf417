"""What must not be taken back by a crash is on the disk before anything follows it."""

import pytest
import trio

from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import MemoryLog, check, run_virtually
from vibeguard.core.model.events import (
    Event,
    RunCancelRequested,
    RunFinished,
    RunPaused,
    RunStarted,
)
from vibeguard.core.names import CancelReason
from vibeguard.core.problems import LogWriteError
from vibeguard.system.supervisor.recorder import Recorder

ENDLESS = {"a": Script(duration_s=float("inf")), "b": Script(duration_s=float("inf"))}


class SpyingLog(MemoryLog):
    """Remembers which event was the last one at each synchronisation."""

    def __init__(self) -> None:
        super().__init__()
        self.synced: list[Event] = []

    def sync(self) -> None:
        self.synced.append(self.events[-1])


async def interrupt(run):
    await trio.sleep(3)
    run.cancel(CancelReason.SIGNAL, by="SIGINT")


async def cancel(run):
    await trio.sleep(3)
    run.cancel(CancelReason.CANCEL)


async def cancel_and_interrupt(run):
    await cancel(run)
    await interrupt(run)


@pytest.mark.parametrize(
    ("during", "reason"),
    [
        (interrupt, CancelReason.SIGNAL),
        (cancel, CancelReason.CANCEL),
        (cancel_and_interrupt, CancelReason.CANCEL),
    ],
)
def test_a_cancel_is_on_the_disk_before_anything_follows_from_it(during, reason):
    log = SpyingLog()
    run = run_virtually([check("a"), check("b", "a")], ENDLESS, during=during, log=log)
    (synced,) = log.synced
    assert isinstance(synced, RunCancelRequested)
    assert synced.reason is reason
    assert run.outcomes() == {"a": "cancelled", "b": "cancelled"}
    assert log.events.index(synced) < run.names().index("check.termination_requested")


def test_fail_fast_is_a_cancel_too():
    log = SpyingLog()
    scripts = {"a": Script(exit_code=1), "b": Script(duration_s=60)}
    run_virtually([check("a"), check("b")], scripts, log=log, fail_fast=True)
    assert [type(event) for event in log.synced] == [RunCancelRequested]


def test_a_run_without_a_cancel_is_not_synced_while_it_goes():
    log = SpyingLog()
    run_virtually([check("a"), check("b", "a")], {}, log=log)
    assert log.synced == []


def test_a_run_that_is_cancelled_before_it_begins_starts_nothing():
    """A signal that came with the launch, a disk that was full at the plan."""
    run = run_virtually(
        [check("a"), check("b", "a"), check("c", mode="async")],
        {},
        before=lambda run: run.cancel(CancelReason.LOG_FAILURE, by="the disk is full"),
    )
    assert set(run.outcomes().values()) == {"cancelled"}
    assert not {"check.queued", "check.started", "frontier.advanced"} & set(run.names())
    assert isinstance(run.events[-1], RunFinished)
    assert run.exit_code() == 4


class UnsyncableLog(MemoryLog):
    """A log that takes everything and keeps nothing."""

    def sync(self) -> None:
        raise LogWriteError("it cannot be synced")


def started() -> RunStarted:
    return RunStarted(
        run_id="r",
        schema="1.0",
        tool_version="1",
        wall_time="2026-11-24T06:00:00Z",
        boot_id="b",
        pid=1,
        pid_start=1,
        argv=(),
        cwd="/",
    )


def test_what_cannot_be_synced_fails_the_log_once_and_nothing_follows():
    log = UnsyncableLog()
    recorder = Recorder(log, lambda: 0)
    failures = []
    recorder.failed = lambda: failures.append(recorder.failure)
    recorder.record_durably(started())
    recorder.record_durably(RunPaused())
    recorder.record(RunPaused())
    assert [failure.what for failure in failures] == ["it cannot be synced"]
    assert len(log.events) == 1
