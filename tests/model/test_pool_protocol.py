"""Run and workers over a broker that loses, repeats and delays: nothing starts twice, nothing hangs.

The machines are pure; time is a number. A rule is one step of the world.
"""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.helpers.examples import examples
from tests.helpers.scripted_broker import World


class Protocol(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule()
    def a_check_is_submitted(self) -> None:
        if len(self.world.jobs) < 6:
            self.world.submit()

    @precondition(lambda self: self.world.queue)
    @rule(data=st.data(), again=st.booleans())
    def a_worker_takes_a_job(self, data: Any, again: bool) -> None:
        """The broker may give the same job out again."""
        token = data.draw(st.sampled_from(self.world.queue))
        if not again:
            self.world.queue.remove(token)
        machine = data.draw(st.sampled_from(self.world.machines))
        if not machine.stopped:
            machine.take(self.world.jobs[token])

    @rule()
    def the_broker_forgets_its_queue(self) -> None:
        self.world.queue.clear()

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 5.5, 11.0, 14.0]))
    def time_passes(self, seconds: float) -> None:
        """Everybody looks at the clock at least once a second, but what is stopped."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.now = min(end, self.world.now + 1.0)
            self.world.speak()

    @rule()
    def everybody_speaks(self) -> None:
        self.world.speak()

    @precondition(lambda self: self.world.packets)
    @rule(data=st.data(), keep=st.booleans())
    def a_message_arrives(self, data: Any, keep: bool) -> None:
        """In any order; kept, it will come again."""
        last = len(self.world.packets) - 1
        self.world.deliver(data.draw(st.integers(0, last)), keep=keep)

    @rule()
    def all_messages_arrive(self) -> None:
        for _ in range(len(self.world.packets)):
            self.world.deliver(0)

    @rule(data=st.data())
    def messages_are_lost(self, data: Any) -> None:
        if self.world.packets:
            del self.world.packets[data.draw(st.integers(0, len(self.world.packets) - 1)) :]

    @rule(data=st.data(), text=st.binary(min_size=1, max_size=20))
    def a_check_writes(self, data: Any, text: bytes) -> None:
        for machine in self.world.machines:
            for claim in machine.running:
                machine.write(claim, text)

    @rule(data=st.data(), code=st.integers(0, 3))
    def a_check_exits(self, data: Any, code: int) -> None:
        machine = data.draw(st.sampled_from(self.world.machines))
        if machine.running and not machine.stopped:
            machine.finish(data.draw(st.sampled_from(sorted(machine.running))), exit_code=code)

    @rule(data=st.data(), grace=st.sampled_from([0, 10**9]))
    def a_check_is_told_to_end(self, data: Any, grace: int) -> None:
        if self.world.accepted:
            token = data.draw(st.sampled_from(self.world.accepted))
            self.world.hear(self.world.client.terminate(token, grace, self.world.now))

    @rule(data=st.data())
    def a_check_that_waits_is_cancelled(self, data: Any) -> None:
        waiting = sorted(self.world.wanted - set(self.world.accepted))
        if waiting:
            self.world.withdraw(data.draw(st.sampled_from(waiting)))

    @rule(data=st.data(), stopped=st.booleans())
    def a_worker_is_stopped_or_goes_on(self, data: Any, stopped: bool) -> None:
        data.draw(st.sampled_from(self.world.machines)).stopped = stopped

    @invariant()
    def nothing_starts_twice_or_unasked(self) -> None:
        tokens = [token for token, _ in self.world.starts]
        assert len(tokens) == len(set(tokens)), "an attempt ran twice"
        assert set(tokens) <= set(self.world.accepted), "an attempt ran that nobody accepted"

    @invariant()
    def nothing_is_told_wrongly(self) -> None:
        assert self.world.unhappy == []

    def teardown(self) -> None:
        self.world.settle()
        self.nothing_starts_twice_or_unasked()
        self.nothing_is_told_wrongly()
        for token, ended in self.world.ended.items():
            if ended.result is not None:
                assert token in {started for started, _ in self.world.starts}


TestProtocol = pytest.mark.slow(Protocol.TestCase)
Protocol.TestCase.settings = settings(max_examples=examples(0.6), stateful_step_count=30)
