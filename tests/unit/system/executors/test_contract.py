"""Every executor obeys the one contract, and the contract tells an executor that does not."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
from msgspec.structs import replace

from tests.helpers.census import nothing_left_behind
from tests.helpers.executor_contract import CLAUSES, hold
from tests.helpers.executor_worlds import LocalWorld, ScriptedWorld, World
from tests.helpers.scripted_executor import ScriptedAttempt, ScriptedExecutor
from vibeguard.system.executors.base import AttemptResult, Callbacks
from vibeguard.system.process.reactor import TaskReactor


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
@pytest.mark.parametrize("world", [ScriptedWorld, LocalWorld])
def test_an_executor_keeps_the_contract(world: Callable[[], World], clause: Any) -> None:
    with nothing_left_behind():
        hold(world(), clause)


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.__name__)
def test_the_fallbacks_of_other_systems_keep_the_contract(
    clause: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pidfd, epoll and /proc: a thread for each child, a task for each pipe, a group."""
    monkeypatch.setattr("vibeguard.system.process.spawn.has_pidfd", lambda: False)
    monkeypatch.setattr("vibeguard.system.process.proc.is_available", lambda: False)
    with nothing_left_behind():
        hold(LocalWorld(TaskReactor), clause)


class FinishesTwice(ScriptedAttempt):
    """Tells another result when it is asked again."""

    asked = 0

    async def wait(self) -> AttemptResult:
        result = await super().wait()
        self.asked += 1
        return msgspec.structs.replace(result, elapsed_ns=result.elapsed_ns + self.asked)


class LosesAttempts(ScriptedAttempt):
    """Never tells of its end."""

    async def wait(self) -> AttemptResult:
        await super().wait()
        await trio.sleep_forever()
        raise AssertionError


class PassesWhatWasCancelled(ScriptedAttempt):
    """Calls a cancelled attempt a pass."""

    async def terminate(self, grace_ns: int) -> AttemptResult:
        result = await super().terminate(grace_ns)
        return msgspec.structs.replace(result, exit_code=0, signal="")

    async def wait(self) -> AttemptResult:
        return msgspec.structs.replace(await super().wait(), exit_code=0, signal="")


class EndsWhenItsWaiterIsCancelled(ScriptedAttempt):
    """Takes a cancelled wait for a request to end."""

    async def wait(self) -> AttemptResult:
        try:
            return await super().wait()
        except trio.Cancelled:
            self._request_end(0)
            raise


class KeepsTheLongerGrace(ScriptedAttempt):
    """Does not let a second request shorten the grace."""

    async def terminate(self, grace_ns: int) -> AttemptResult:
        return await super().terminate(grace_ns if self._terminated_at is None else 1 << 62)


class RunsWhilePaused(ScriptedAttempt):
    """Knows no pause."""

    def pause(self) -> None:
        pass


class WaitsAfterAccepting(ScriptedExecutor):
    """Has a checkpoint between the start and its return."""

    async def start(self, *args: Any, **kwargs: Any) -> ScriptedAttempt:
        attempt = await super().start(*args, **kwargs)
        await trio.lowlevel.checkpoint()
        return attempt


class AcceptsTwice(ScriptedExecutor):
    """Tells of one start twice."""

    async def start(self, spec: Any, callbacks: Any) -> ScriptedAttempt:
        def twice(value: Any) -> None:
            callbacks.accepted(value)
            callbacks.accepted(value)

        return await super().start(spec, replace(callbacks, accepted=twice))


class AcceptsWhatItRefuses(ScriptedExecutor):
    """Says yes, then no."""

    async def start(self, spec: Any, callbacks: Any) -> ScriptedAttempt:
        callbacks.accepted(None)
        return await super().start(spec, Callbacks())


def executor_of(attempt_type: type[ScriptedAttempt]) -> type[ScriptedExecutor]:
    """An executor whose attempts are of this type."""

    class Mutant(ScriptedExecutor):
        attempt_type_ = attempt_type

        async def start(self, *args: Any, **kwargs: Any) -> ScriptedAttempt:
            attempt = await super().start(*args, **kwargs)
            attempt.__class__ = self.attempt_type_
            return attempt

    return Mutant


MUTANTS = [
    *map(
        executor_of,
        [
            FinishesTwice,
            LosesAttempts,
            PassesWhatWasCancelled,
            EndsWhenItsWaiterIsCancelled,
            KeepsTheLongerGrace,
            RunsWhilePaused,
        ],
    ),
    WaitsAfterAccepting,
    AcceptsTwice,
    AcceptsWhatItRefuses,
]


def broken_clauses(mutant: type[ScriptedExecutor]) -> list[str]:
    """The clauses that this executor does not keep."""
    broken = []
    for clause in CLAUSES:
        try:
            hold(ScriptedWorld(mutant), clause)
        except BaseException as error:
            if not isinstance(error, AssertionError | BaseExceptionGroup):
                raise
            broken.append(clause.__name__)
    return broken


@pytest.mark.parametrize(
    "mutant", MUTANTS, ids=lambda mutant: getattr(mutant, "attempt_type_", mutant).__name__
)
def test_the_contract_finds_a_broken_executor(mutant: type[ScriptedExecutor]) -> None:
    assert broken_clauses(mutant) != []
