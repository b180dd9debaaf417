"""What every executor must do, as clauses that run against any of them (docs/processes.md).

A `World` (executor_worlds) gives the clauses an executor and attempts of a known behaviour; a clause
asserts what the scheduler relies on. Mutants must break at least one of them.
"""
# ruff: noqa: ASYNC110 - the processes under test tell nobody but the file system

from collections.abc import Awaitable, Callable

import trio
import trio.testing

from tests.helpers.executor_worlds import (
    FAILS,
    FLOODS,
    IGNORES_TERM,
    LEAKS,
    PASSES,
    REFUSED,
    RUNS,
    SECOND_NS,
    SHORT,
    WRITES,
    World,
)
from vibeguard.core.names import AttemptEnd, LeakPolicy, TerminationReason
from vibeguard.system.executors.base import (
    Accepted,
    Attempt,
    AttemptResult,
    AttemptSpec,
    Callbacks,
    Executor,
)
from vibeguard.system.process.start_refused import StartRefused

BOUND_S = 10.0
BOUND_NS = round(BOUND_S) * SECOND_NS


class Observer:
    """Keeps what an executor tells about one attempt."""

    def __init__(self) -> None:
        self.accepted: list[Accepted] = []
        self.exceeded = 0
        self.terminating: list[tuple[TerminationReason, str]] = []
        self.on_accepted: Callable[[], None] = lambda: None

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(self.accept, self.exceed, self.terminate)

    def accept(self, accepted: Accepted) -> None:
        self.accepted.append(accepted)
        self.on_accepted()

    def exceed(self) -> None:
        self.exceeded += 1

    def terminate(self, reason: TerminationReason, signal: str) -> None:
        self.terminating.append((reason, signal))


async def begin(executor: Executor, spec: AttemptSpec) -> tuple[Attempt, Observer]:
    seen = Observer()
    attempt = await executor.start(spec, seen.callbacks)
    assert len(seen.accepted) == 1, "an attempt is accepted exactly once, before start returns"
    return attempt, seen


async def accepts_in_the_step_of_the_start(world: World, executor: Executor) -> None:
    """A scope that is cancelled in `accepted` does not keep `start` from returning the attempt."""
    seen = Observer()
    attempt: Attempt | None = None
    with trio.CancelScope() as scope:
        seen.on_accepted = scope.cancel
        attempt = await executor.start(world.spec(PASSES), seen.callbacks)
    assert attempt is not None, "start has a checkpoint after accepted: an attempt would be lost"
    assert len(seen.accepted) == 1
    result = await attempt.wait()
    assert result.exit_code == 0


async def starts_nothing_when_cancelled(world: World, executor: Executor) -> None:
    """A start in a cancelled scope raises Cancelled and accepts nothing."""
    seen = Observer()
    with trio.CancelScope() as scope:
        scope.cancel()
        await executor.start(world.spec(PASSES), seen.callbacks)
    assert scope.cancelled_caught
    assert seen.accepted == []


async def refuses_with_a_reason(world: World, executor: Executor) -> None:
    """What cannot start is refused with words, and never accepted."""
    seen = Observer()
    try:
        await executor.start(world.spec(REFUSED), seen.callbacks)
    except StartRefused as refused:
        assert refused.reason
        assert not refused.transient
    else:
        raise AssertionError("a command that cannot start was accepted")
    assert seen.accepted == []


async def ends_once(world: World, executor: Executor) -> None:
    """However many wait, and however often, there is one result."""
    attempt, _ = await begin(executor, world.spec(FAILS))
    results: list[AttemptResult] = []

    async def collect() -> None:
        results.append(await attempt.wait())

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(collect)
    results.append(await attempt.wait())
    results.append(await attempt.terminate(SECOND_NS))
    assert all(result == results[0] for result in results), "an attempt finished twice"
    assert results[0].end is AttemptEnd.EXITED
    assert (results[0].exit_code, results[0].signal) == (3, "")
    assert attempt.exited
    assert attempt.processes() == ()


async def passes_with_its_output_known(world: World, executor: Executor) -> None:
    """Output is counted and its digest is that of the bytes."""
    attempt, seen = await begin(executor, world.spec(WRITES))
    result = await attempt.wait()
    assert result.exit_code == 0
    assert result.output_bytes == attempt.output_bytes == 5
    assert result.output_sha256.startswith("2cf24dba5fb0a30e26e83b2ac5b9e29e")
    assert (result.output_error, seen.exceeded) == ("", 0)


async def survives_a_cancelled_wait(world: World, executor: Executor) -> None:
    """Cancelling `wait` leaves the attempt running; it can be waited for again."""
    attempt, _ = await begin(executor, world.spec(SHORT))
    with trio.CancelScope() as scope:
        scope.cancel()
        await attempt.wait()
    assert scope.cancelled_caught
    result = await attempt.wait()
    assert result.exit_code == 0


async def never_passes_what_was_ended(world: World, executor: Executor) -> None:
    """An attempt that was told to end while it ran has no exit code 0."""
    attempt, seen = await begin(executor, world.spec(RUNS))
    assert not attempt.exited
    result = await attempt.terminate(BOUND_NS)
    assert result == await attempt.wait()
    assert result.end is AttemptEnd.EXITED
    assert result.exit_code is None
    assert result.signal == "SIGTERM"
    assert seen.terminating == [], "only ends of the executor's own making are announced"


async def goes_on_ending_when_cancelled(world: World, executor: Executor) -> None:
    """Cancelling `terminate` stops the waiting, not the end."""
    attempt, _ = await begin(executor, world.spec(RUNS))
    with trio.CancelScope() as scope:
        scope.cancel()
        await attempt.terminate(BOUND_NS)
    result = await attempt.wait()
    assert result.signal == "SIGTERM"


async def kills_after_the_grace(world: World, executor: Executor) -> None:
    """What ignores SIGTERM is ended by SIGKILL, and named among the survivors."""
    attempt, _ = await begin(executor, world.spec(IGNORES_TERM))
    await until_it_writes(attempt)
    result = await attempt.terminate(SECOND_NS // 20)
    assert result.signal == "SIGKILL"
    assert result.survivors
    assert result.swept >= 1
    assert result.unkillable == ()


async def shortens_the_grace(world: World, executor: Executor) -> None:
    """A second request with a shorter grace is obeyed while the first is under way."""
    attempt, _ = await begin(executor, world.spec(IGNORES_TERM))
    await until_it_writes(attempt)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attempt.terminate, 3600 * SECOND_NS)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(BOUND_S):
            result = await attempt.terminate(0)
    assert result.signal == "SIGKILL"


async def tells_of_too_much_output_once(world: World, executor: Executor) -> None:
    """The limit is told once, the stored output ends there, and the attempt goes on."""
    spec = world.spec(FLOODS)
    attempt, seen = await begin(executor, spec)
    while not attempt.output_exceeded:
        await trio.sleep(0.001)
    assert not attempt.exited
    result = await attempt.terminate(BOUND_NS)
    assert seen.exceeded == 1
    assert result.output_bytes == spec.output_limit_bytes


async def ends_and_names_what_was_left_behind(world: World, executor: Executor) -> None:
    """A leader's exit is its exit; what it left behind is ended, announced and named."""
    attempt, seen = await begin(executor, world.spec(LEAKS))
    result = await attempt.wait()
    assert result.exit_code == 0
    assert len(result.leaked) == 1
    assert seen.terminating == [(TerminationReason.LEAK, "SIGTERM")]


async def leaves_what_may_be_left(world: World, executor: Executor) -> None:
    """With `leaks: ignore` it is named, and nothing is ended."""
    attempt, seen = await begin(executor, world.spec(LEAKS, leaks=LeakPolicy.IGNORE))
    result = await attempt.wait()
    assert result.exit_code == 0
    assert len(result.leaked) == 1
    assert seen.terminating == []
    await executor.close(shield_s=1)
    world.end(result.leaked)


async def keeps_an_exit_seen_before_the_end_was_asked_for(world: World, executor: Executor) -> None:
    """A leader that exited by itself keeps its code, even if what it left is ended by request."""
    attempt, _ = await begin(executor, world.spec(LEAKS))
    while not attempt.exited:
        await trio.sleep(0.001)
    result = await attempt.terminate(0)
    assert (result.exit_code, result.signal) == (0, "")


async def stands_still_while_paused(world: World, executor: Executor) -> None:
    """A paused attempt does not end; pausing and resuming twice is the same as once."""
    attempt, _ = await begin(executor, world.spec(SHORT))
    executor.pause()
    executor.pause()
    with trio.move_on_after(0.5) as scope:
        await attempt.wait()
    assert scope.cancelled_caught, "a paused attempt ended"
    executor.resume()
    executor.resume()
    result = await attempt.wait()
    assert result.exit_code == 0
    assert result.elapsed_ns >= result.active_ns + SECOND_NS // 2


async def closes_with_nothing_left(world: World, executor: Executor) -> None:
    """Closing ends what still runs: whoever waits for it gets its result."""
    attempt, _ = await begin(executor, world.spec(RUNS))
    with trio.fail_after(BOUND_S):
        assert await executor.close(shield_s=5) == ()
        result = await attempt.wait()
    assert result.exit_code is None


async def until_it_writes(attempt: Attempt) -> None:
    """Wait until the attempt has set itself up; it says so in its output."""
    with trio.fail_after(BOUND_S):
        while not attempt.output_bytes:
            await trio.sleep(0.001)


CLAUSES = (
    accepts_in_the_step_of_the_start,
    starts_nothing_when_cancelled,
    refuses_with_a_reason,
    ends_once,
    passes_with_its_output_known,
    survives_a_cancelled_wait,
    never_passes_what_was_ended,
    goes_on_ending_when_cancelled,
    kills_after_the_grace,
    shortens_the_grace,
    tells_of_too_much_output_once,
    ends_and_names_what_was_left_behind,
    leaves_what_may_be_left,
    keeps_an_exit_seen_before_the_end_was_asked_for,
    stands_still_while_paused,
    closes_with_nothing_left,
)

Clause = Callable[[World, Executor], Awaitable[None]]


def hold(world: World, clause: Clause) -> None:
    """Run one clause in its own Trio run; raises AssertionError when the executor breaks it."""

    async def main() -> None:
        async with world.executor() as executor:
            try:
                with trio.fail_after(2 * BOUND_S):
                    await clause(world, executor)
            except trio.TooSlowError:
                raise AssertionError("the attempt was lost: nobody was told of its end") from None
            finally:
                await executor.close(shield_s=5)

    trio.run(main, clock=world.clock())
