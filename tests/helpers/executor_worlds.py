"""Executors as the contract sees them: what makes each behave in a known way.

A new executor is judged by a World of its own here (see `executor_contract`).
"""

import itertools
import math
import os
import shutil
import signal
import tempfile
import weakref
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Protocol

import trio
import trio.testing
from msgspec.structs import replace

from tests.helpers.scripted_executor import Script, ScriptedExecutor
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import LeakPolicy
from vibeguard.core.pool.messages import PROTOCOL, Job, Source
from vibeguard.system.executors.base import AttemptSpec, Executor, RemoteSpec
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.process.reactor import Opening, open_reactor

SECOND_NS = 1_000_000_000
COUNTER = itertools.count(1)

# Behaviours: what an attempt of this name does in every world.
PASSES = "passes"
FAILS = "fails with code 3"
WRITES = "writes 'hello' and passes"
RUNS = "runs until it is told to end"
IGNORES_TERM = "runs and ignores SIGTERM"
LEAKS = "passes and leaves a process behind"
FLOODS = "writes far more than its limit and goes on running"
REFUSED = "cannot start"
SHORT = "runs for a little while"


class World(Protocol):
    """An executor to be judged, and how it is made to behave."""

    def clock(self) -> trio.abc.Clock | None: ...

    def executor(self) -> AbstractAsyncContextManager[Executor]: ...

    def spec(self, behaviour: str, *, leaks: LeakPolicy = LeakPolicy.WARN) -> AttemptSpec: ...

    def end(self, left: tuple[ProcessReport, ...]) -> None:
        """End what an executor rightly left alone."""


def make_spec(command: str, output_path: str, *, leaks: LeakPolicy) -> AttemptSpec:
    check = f"check{next(COUNTER)}"
    marks = {b"VIBEGUARD_RUN": b"contract", b"VIBEGUARD_CHECK": check.encode()}
    return AttemptSpec(
        run_id="contract",
        check=check,
        attempt=1,
        command=command,
        cwd="/",
        environment={**os.environb, **marks, b"VIBEGUARD_ATTEMPT": b"1"},
        output_path=output_path,
        output_limit_bytes=1000,
        leaks=leaks,
        leak_grace_ns=SECOND_NS // 20,
    )


JOB = Job(
    protocol=PROTOCOL,
    token="t",
    client="run",
    run_id="r",
    check="c",
    attempt=1,
    command="true",
    output_limit_bytes=1000,
    source=Source("c", "t"),
    lease_ns=10 * SECOND_NS,
    returns_limit_bytes=1 << 20,
)


def for_a_worker(
    spec: AttemptSpec, *, engine: str = "e", returned_folder: str = "", **job: object
) -> AttemptSpec:
    """The same attempt, to be made by a worker of a pool; `job` are fields of its Job."""
    made = replace(JOB, **spec.order(), **job)
    return replace(spec, remote=RemoteSpec(made, engine, (), returned_folder))


class LocalWorld:
    """Real processes."""

    COMMANDS = {
        PASSES: "exit 0",
        FAILS: "exit 3",
        WRITES: "printf hello",
        RUNS: "sleep 1000",
        IGNORES_TERM: "trap '' TERM; echo ready; while :; do sleep 1000; done",
        LEAKS: "sleep 1000 &",
        FLOODS: "head -c 5000 /dev/zero; sleep 1000",
        REFUSED: "echo \0",
        SHORT: "sleep 0.1",
    }

    def __init__(self, reactor: Opening = open_reactor) -> None:
        self._folder = tempfile.mkdtemp(prefix="contract-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._reactor = reactor

    def clock(self) -> None:
        return None

    def executor(self) -> AbstractAsyncContextManager[Executor]:
        return open_local_executor(reactor=self._reactor)

    def spec(self, behaviour: str, *, leaks: LeakPolicy = LeakPolicy.WARN) -> AttemptSpec:
        path = f"{self._folder}/{next(COUNTER)}.log"
        return make_spec(self.COMMANDS[behaviour], path, leaks=leaks)

    def end(self, left: tuple[ProcessReport, ...]) -> None:
        """It goes on after the executor is closed, until somebody ends it."""
        for report in left:
            group = report.command == "[its process group]"
            (os.killpg if group else os.kill)(report.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(-report.pid if group else report.pid, 0)


class ScriptedWorld:
    """Virtual time, no processes."""

    SCRIPTS = {
        PASSES: Script(),
        FAILS: Script(exit_code=3),
        WRITES: Script(output=b"hello"),
        RUNS: Script(duration_s=math.inf),
        IGNORES_TERM: Script(duration_s=math.inf, ignores_term_s=math.inf, output=b"ready\n"),
        LEAKS: Script(leaked=(ProcessReport(pid=1, command="sleep 1000"),)),
        FLOODS: Script(duration_s=math.inf, later_output=((0.01, b"\0" * 5000),)),
        REFUSED: Script(refuse="the command holds a NUL character"),
        SHORT: Script(duration_s=0.1),
    }

    def __init__(self, make: type[ScriptedExecutor] = ScriptedExecutor) -> None:
        self._make = make

    def clock(self) -> trio.abc.Clock:
        return trio.testing.MockClock(autojump_threshold=0)

    def executor(self) -> AbstractAsyncContextManager[Executor]:
        return nullcontext(self._make(lambda spec: self.SCRIPTS[spec.command]))

    def spec(self, behaviour: str, *, leaks: LeakPolicy = LeakPolicy.WARN) -> AttemptSpec:
        return make_spec(behaviour, "/nowhere", leaks=leaks)

    def end(self, left: tuple[ProcessReport, ...]) -> None:
        """There is nothing."""
