"""What both machines promise, one sentence a test; broken machines must break at least one."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.helpers.scripted_broker import LEASE_S, Machine, World
from vibeguard.core.pool import client, worker
from vibeguard.core.pool.asked import Step
from vibeguard.core.pool.client import UNDER_WAY_BYTES, Client
from vibeguard.core.pool.messages import (
    WINDOW_BYTES,
    Answer,
    FromClient,
    FromWorker,
    Order,
    Report,
    Stage,
)
from vibeguard.core.pool.worker import ENDING_S, OFFER_S, Worker

Make = Callable[..., World]


def under_way(world: World) -> tuple[str, Machine, str]:
    """One check that runs on the first worker."""
    token = world.submit()
    machine = world.machines[0]
    world.queue.remove(token)
    claim = machine.take(world.jobs[token])
    talk(world)
    assert claim in machine.running, "an offer was not followed by a start"
    return token, machine, claim


def talk(world: World, rounds: int = 4) -> None:
    for _ in range(rounds):
        world.speak(ticks=False)
        while world.packets:
            world.deliver(0)


def wait(world: World, seconds: float, *, talking: bool) -> None:
    end = world.now + seconds
    while world.now < end:
        world.now = min(end, world.now + 0.5)
        world.speak()
        if not talking:
            world.packets.clear()
        talk(world) if talking else None
        world.packets.clear()


def a_check_passes_with_its_output(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    machine.write(claim, b"hello")
    machine.finish(claim)
    talk(world)
    result = world.ended[token].result
    assert result is not None
    assert (result.exit_code, world.output[token], world.unhappy) == (0, b"hello", [])


def a_job_taken_twice_runs_once(make: Make) -> None:
    world = make()
    token = world.submit()
    for machine in world.machines:
        machine.take(world.jobs[token])
    talk(world)
    assert len(world.starts) == 1
    world.machines[0].finish(world.starts[0][1])
    talk(world)
    assert world.ended[token].result is not None


def a_second_offer_of_another_worker_starts_nothing(make: Make) -> None:
    world = make()
    token, _machine, claim = under_way(world)
    world.machines[1].take(world.jobs[token])
    talk(world)
    assert [start for _, start in world.starts] == [claim]
    assert world.machines[1].core.lease_ends() is None


def a_go_after_its_offer_starts_nothing(make: Make) -> None:
    world = make()
    token = world.submit()
    machine = world.machines[0]
    machine.take(world.jobs[token])
    world.speak(ticks=False)
    world.deliver(0)
    late, world.packets[:] = list(world.packets), []
    world.now += OFFER_S + 0.5
    world.packets[:] = late
    talk(world)
    assert world.starts == []
    assert world.ended[token].refused


def a_go_that_comes_twice_starts_once(make: Make) -> None:
    world = make()
    token = world.submit()
    machine = world.machines[0]
    claim = machine.take(world.jobs[token])
    world.speak(ticks=False)
    world.deliver(0)
    for _ in range(3):
        world.deliver(0, keep=True)
    machine.finish(claim)
    world.deliver(0)
    talk(world)
    assert [start for _, start in world.starts] == [claim]


def a_gap_in_the_output_is_sent_again(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    machine.write(claim, b"first ")
    world.speak(ticks=False)
    world.packets.clear()
    machine.write(claim, b"second")
    machine.finish(claim)
    for _ in range(8):
        world.now += 1
        world.speak()
        talk(world)
    assert world.output[token] == b"first second"
    assert world.unhappy == []


def output_that_comes_twice_counts_once(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    machine.write(claim, b"once")
    world.speak(ticks=False)
    world.deliver(0, keep=True)
    world.deliver(0)
    machine.finish(claim)
    talk(world)
    assert world.output[token] == b"once"


def no_more_than_the_window_is_under_way(make: Make) -> None:
    world = make()
    _, machine, claim = under_way(world)
    machine.write(claim, b"x" * (3 * WINDOW_BYTES))
    sent = 0
    for _ in range(200):
        world.speak(ticks=False)
        reports = [r for p in world.packets if isinstance(p, FromWorker) for r in p.reports]
        sent += sum(len(chunk.data) for report in reports for chunk in report.chunks)
        world.packets.clear()
    assert sent == WINDOW_BYTES


def many_that_write_share_what_may_be_under_way(make: Make) -> None:
    """However many there are: a broker does not bear a reader that is far behind."""
    world = make()
    claims = [(m, m.take(world.jobs[world.submit()])) for m in world.machines for _ in range(16)]
    talk(world)
    for _ in range(3):  # until all have heard of one another
        wait(world, 1, talking=True)
    sent = 0
    for machine, claim in claims:
        machine.write(claim, b"x" * (2 * UNDER_WAY_BYTES // len(claims)))
    for _ in range(200):
        world.speak(ticks=False)
        reports = [r for p in world.packets if isinstance(p, FromWorker) for r in p.reports]
        sent += sum(len(chunk.data) for report in reports for chunk in report.chunks)
        world.packets.clear()
    assert sent == UNDER_WAY_BYTES


def a_narrow_window_goes_on_with_what_arrives(make: Make) -> None:
    """Without a beat: what has come makes room in time."""
    world = make()
    machine = world.machines[0]
    claims = [machine.take(world.jobs[world.submit()]) for _ in range(16)]
    talk(world)
    for claim in claims:
        machine.write(claim, b"x" * (2 * UNDER_WAY_BYTES // 16))
    talk(world, rounds=100)
    assert {len(output) for output in world.output.values()} == {2 * UNDER_WAY_BYTES // 16}


def all_that_one_message_says_is_answered_once(make: Make) -> None:
    """And last: what was decided on the way is in the answer."""
    world = make()
    machine = world.machines[0]
    for _ in range(8):
        machine.take(world.jobs[world.submit()])
    message = machine.core.message("run", world.now, machine.read)
    effects = world.client.receive(message, world.now)
    assert [type(effect) for effect in effects] == [client.Offered] * 8 + [client.Reply]
    world.hear(effects)
    while world.packets:
        world.deliver(0)
    assert len(world.starts) == 8


def a_tree_is_gone_before_its_check_is_called_lost(make: Make) -> None:
    world = make()
    token, machine, _ = under_way(world)
    wait(world, LEASE_S + 4, talking=False)
    assert world.ended[token].result is None
    assert world.unhappy == []
    assert machine.running == {}


def it_is_gone_also_when_only_one_direction_is_cut(make: Make) -> None:
    """The run is heard on, but what it does not hear of must not live longer for that."""
    world = make()
    token, machine, _ = under_way(world)
    for _ in range(40):
        world.now += 0.5
        for one in world.machines:
            one.handle(one.core.tick(world.now))
            for name in one.core.speakers():
                one.core.message(name, world.now, one.read)
        worker_name = machine.core.identity
        if token not in world.ended:
            world.packets.append(world.client.orders(worker_name))
        world.hear(world.client.tick(world.now))
        while world.packets:
            world.deliver(0)
    assert world.ended[token].result is None
    assert world.unhappy == []


def a_tree_is_ended_while_its_lease_lasts(make: Make) -> None:
    """Not when it is over: to end a tree takes a while."""
    world = make()
    _, machine, _ = under_way(world)
    lease_ends = machine.core.lease_ends()
    assert lease_ends is not None
    world.now = lease_ends - ENDING_S
    machine.handle(machine.core.tick(world.now))
    assert machine.running == {}


def an_old_message_keeps_no_lease(make: Make) -> None:
    """What was recorded and is played again does not keep a tree alive."""
    world = make()
    token, machine, _ = under_way(world)
    recorded = world.client.orders(machine.core.identity)
    for _ in range(30):
        world.now += 0.5
        world.packets[:] = [recorded]
        world.deliver(0)
        world.speak()
        world.packets.clear()
    assert token in world.ended
    assert machine.running == {}


def a_short_cut_changes_nothing(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    wait(world, 8.0, talking=False)
    wait(world, 4.0, talking=True)
    assert claim in machine.running
    machine.finish(claim)
    talk(world)
    assert world.ended[token].result is not None


def a_late_result_is_dropped(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    machine.finish(claim)
    world.speak(ticks=False)
    late, world.packets[:] = list(world.packets), []
    for _ in range(30):
        world.now += 0.5
        world.hear(world.client.tick(world.now))
    assert world.ended[token].result is None
    world.packets[:] = late
    talk(world)
    assert world.ended[token].result is None
    assert world.client.late_results == 1


def what_the_worker_ended_by_itself_has_no_result(make: Make) -> None:
    world = make()
    token, machine, _ = under_way(world)
    machine.handle(machine.core.give_up("it was told to stop", world.now))
    talk(world)
    ended = world.ended[token]
    assert (ended.result, ended.why, ended.refused) == (None, "it was told to stop", False)


def a_silent_taker_gives_the_job_back(make: Make) -> None:
    world = make()
    token = world.submit()
    machine = world.machines[0]
    world.queue.remove(token)
    machine.take(world.jobs[token])
    machine.core._held[next(iter(machine.jobs))].stage = Stage.PREPARING
    world.speak(ticks=False)
    world.deliver(0)
    wait(world, LEASE_S + 4, talking=False)
    assert token in world.queue
    assert token not in world.ended


def a_forgotten_job_is_submitted_again(make: Make) -> None:
    world = make()
    token = world.submit()
    world.queue.clear()
    wait(world, 3, talking=True)
    assert token in world.queue


def a_cancelled_wait_starts_nothing(make: Make) -> None:
    world = make()
    token = world.submit()
    claim = world.machines[0].take(world.jobs[token])
    world.withdraw(token)
    talk(world)
    assert world.starts == []
    assert claim not in world.machines[0].core._held


def an_end_that_is_not_confirmed_is_lost_after_the_grace(make: Make) -> None:
    world = make()
    token, machine, _ = under_way(world)
    world.hear(world.client.terminate(token, 10**9, world.now))
    world.packets.clear()
    machine.stopped = True
    wait(world, 3.5, talking=False)
    assert "may still be running" in world.ended[token].why
    assert "w0" in world.ended[token].why


def a_shorter_grace_is_passed_on(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    seen: list[worker.Effect] = []
    handle = machine.handle
    machine.handle = seen.extend  # type: ignore[method-assign]
    world.hear(world.client.terminate(token, 3600 * 10**9, world.now))
    talk(world)
    world.hear(world.client.terminate(token, 0, world.now))
    talk(world)
    machine.handle = handle  # type: ignore[method-assign]
    assert seen == [worker.End(claim, 3600 * 10**9), worker.End(claim, 0)]


def a_pause_reaches_the_worker_and_keeps_the_lease(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    world.hear(world.client.pause(paused=True))
    wait(world, 2 * LEASE_S, talking=True)
    assert machine.core._held[claim].paused
    assert token not in world.ended


def two_runs_on_one_worker_know_nothing_of_each_other(make: Make) -> None:
    world = make()
    _, machine, claim = under_way(world)
    forged = FromClient(
        client="other",
        worker=machine.core.identity,
        number=99,
        heard=0,
        orders=(Order(claim=claim, answer=Answer.NO, over=True),),
    )
    machine.handle(machine.core.receive(forged, world.now))
    assert claim in machine.running


def more_than_the_worker_counted_is_lost(make: Make) -> None:
    world = make()
    token, machine, claim = under_way(world)
    machine.write(claim, b"hello")
    world.speak(ticks=False)
    world.deliver(0)
    machine.written[claim] = b"hell"
    machine.finish(claim)
    talk(world)
    assert world.ended[token].result is None


SENTENCES = [
    a_check_passes_with_its_output,
    a_job_taken_twice_runs_once,
    a_second_offer_of_another_worker_starts_nothing,
    a_go_after_its_offer_starts_nothing,
    a_go_that_comes_twice_starts_once,
    a_gap_in_the_output_is_sent_again,
    output_that_comes_twice_counts_once,
    no_more_than_the_window_is_under_way,
    many_that_write_share_what_may_be_under_way,
    a_narrow_window_goes_on_with_what_arrives,
    all_that_one_message_says_is_answered_once,
    a_tree_is_gone_before_its_check_is_called_lost,
    it_is_gone_also_when_only_one_direction_is_cut,
    a_tree_is_ended_while_its_lease_lasts,
    an_old_message_keeps_no_lease,
    a_short_cut_changes_nothing,
    a_late_result_is_dropped,
    what_the_worker_ended_by_itself_has_no_result,
    a_silent_taker_gives_the_job_back,
    a_forgotten_job_is_submitted_again,
    a_cancelled_wait_starts_nothing,
    an_end_that_is_not_confirmed_is_lost_after_the_grace,
    a_shorter_grace_is_passed_on,
    a_pause_reaches_the_worker_and_keeps_the_lease,
    two_runs_on_one_worker_know_nothing_of_each_other,
    more_than_the_worker_counted_is_lost,
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.__name__)
def test_the_protocol(sentence: Callable[[Make], None]) -> None:
    sentence(World)


class AcceptsEveryOffer(Client):
    """Says Go to whoever offers: a second worker too."""

    def _take(self, worker: str, report: Report) -> list[client.Effect]:
        attempt = self._attempts.get(report.token)
        if attempt is not None and attempt.claim and report.stage is Stage.OFFERED:
            attempt.claim, attempt.worker = report.claim, worker
        return super()._take(worker, report)


class IgnoresGaps(Client):
    """Appends whatever comes."""

    def _take_running(self, attempt: Any, report: Report) -> list[client.Effect]:
        moved, have = [], list(attempt.received)
        for chunk in report.chunks:
            moved.append(replace(chunk, offset=have[chunk.stream]))
            have[chunk.stream] += len(chunk.data)
        return super()._take_running(attempt, replace(report, chunks=tuple(moved)))


class TakesLateResults(Client):
    """Believes a result after it has called the attempt lost."""

    def _end(self, attempt: Any, ended: client.Ended) -> list[client.Effect]:
        effects = super()._end(attempt, ended)
        if ended.result is None:
            self._attempts[attempt.token] = attempt
            attempt.step, attempt.end_by = Step.GOING, None
            self._links[attempt.worker].heard_at = float("inf")
        return effects


class BelievesAnyNumber(Client):
    """Takes a message that it has had."""

    def receive(self, message: FromWorker, now: float) -> list[client.Effect]:
        if message.worker in self._links:
            self._links[message.worker].heard = message.number - 1
        for attempt in self._attempts.values():
            attempt.received = [0, 0]
        return super().receive(message, now)


class NeverSubmitsAgain(Client):
    """Trusts the broker with its queue."""

    def _due(self, attempt: Any, now: float) -> list[client.Effect]:
        return [] if attempt.step is Step.QUEUED else super()._due(attempt, now)


class StartsAtEveryGo(Worker):
    """Starts again when Go comes again."""

    def receive(self, message: FromClient, now: float) -> list[worker.Effect]:
        for held in self._held.values():
            if held.stage is Stage.RUNNING:
                held.stage = Stage.OFFERED
        for link in self._links.values():
            link.heard = 0
        return super().receive(message, now)


class OffersForEver(Worker):
    """Knows no end of an offer."""

    def tick(self, now: float) -> list[worker.Effect]:
        for held in self._held.values():
            held.offered_at = now
        return super().tick(now)

    def receive(self, message: FromClient, now: float) -> list[worker.Effect]:
        for held in self._held.values():
            held.offered_at = now
        return super().receive(message, now)


class RenewsByArrival(Worker):
    """Counts its lease from when something came, whatever its sender had heard."""

    def receive(self, message: FromClient, now: float) -> list[worker.Effect]:
        if message.client in self._links:
            self._links[message.client].basis = now
        return super().receive(message, now)


class BeginsWhenTheLeaseIsOver(Worker):
    """Ends a tree when it has to be gone."""

    def tick(self, now: float) -> list[worker.Effect]:
        return super().tick(now - ENDING_S)


class KnowsNoLease(Worker):
    """Lets a tree run on when its run is gone."""

    def tick(self, now: float) -> list[worker.Effect]:
        for link in self._links.values():
            link.basis = now
        return super().tick(now)


class ReportsItsOwnKillsAsResults(Worker):
    """A tree that it killed by itself looks like one that a signal ended."""

    def ended(self, claim: str, result: Any, now: float) -> None:
        self._held[claim].why = ""
        super().ended(claim, result, now)


class KnowsNoWindow(Worker):
    """Sends all that there is."""

    def message(self, client_name: str, now: float, read: Any) -> FromWorker:
        for held in self._held.values():
            held.received[0] = max(held.received[0], held.sent[0])
        return super().message(client_name, now, read)


class TellsEverybodyTheSameWindow(Client):
    """As if each attempt were the only one."""

    def _window(self) -> int:
        return WINDOW_BYTES


class AcknowledgesTheWidestWindow(Client):
    """Waits for as much to come as the narrow windows never let through."""

    def _take_running(self, attempt: Any, report: Report) -> list[client.Effect]:
        attempt.window = WINDOW_BYTES
        return super()._take_running(attempt, report)


def world_with(machine: type) -> Make:
    """A world with this machine at its end."""
    if issubclass(machine, Client):
        return lambda: World(run=machine)

    class Broken(Machine):
        def __init__(self, world: World, name: str) -> None:
            super().__init__(world, name)
            self.core = machine(self.core.identity, name)

    return lambda: World(machine=Broken)


@pytest.mark.parametrize(
    "mutant",
    [
        AcceptsEveryOffer,
        IgnoresGaps,
        TakesLateResults,
        BelievesAnyNumber,
        NeverSubmitsAgain,
        StartsAtEveryGo,
        OffersForEver,
        RenewsByArrival,
        BeginsWhenTheLeaseIsOver,
        KnowsNoLease,
        ReportsItsOwnKillsAsResults,
        KnowsNoWindow,
        TellsEverybodyTheSameWindow,
        AcknowledgesTheWidestWindow,
    ],
)
def test_a_broken_machine_is_found_out(mutant: type) -> None:
    broken = []
    for sentence in SENTENCES:
        try:
            sentence(world_with(mutant))
        except (AssertionError, ValueError, KeyError):
            broken.append(sentence.__name__)
    assert broken != []
