"""Both machines of a pool's protocol on a broker that loses, repeats and delays as it is told.

No Trio, no server, no clock: time is a number, and every step is one call.
"""

import random
from collections.abc import Callable
from hashlib import sha256

from vibeguard.core.pool import client, messages, worker
from vibeguard.core.pool.client import Client
from vibeguard.core.pool.messages import FromClient, FromWorker, Job, Result, Source, Stage
from vibeguard.core.pool.worker import Worker

LEASE_S = 10.0
Packet = FromClient | FromWorker


class Machine:
    """A worker, and what it does with its claims: the shell of it, without processes."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.core = Worker(f"{name}-{world.next_number()}", name)
        self.running: dict[str, str] = {}  # claim -> token
        self.written: dict[str, bytes] = {}
        self.jobs: dict[str, Job] = {}
        self.stopped = False

    def take(self, job: Job) -> str:
        claim = f"claim{self.world.next_number()}"
        self.jobs[claim] = job
        self.core.take(job, claim, self.world.now)
        self.core.offer(claim, self.world.now)
        return claim

    def handle(self, effects: list[worker.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, worker.Start):
                token = self.jobs[effect.claim].token
                self.world.starts.append((token, effect.claim))
                self.running[effect.claim] = token
                self.written[effect.claim] = b""
                self.core.started(effect.claim)
            elif isinstance(effect, worker.End):
                self.finish(effect.claim, signal="SIGTERM" if effect.grace_ns else "SIGKILL")
            elif isinstance(effect, worker.Forget):
                self.running.pop(effect.claim, None)

    def write(self, claim: str, data: bytes) -> None:
        self.written[claim] += data
        self.core.grown(claim, len(self.written[claim]))

    def finish(self, claim: str, *, exit_code: int = 0, signal: str = "") -> None:
        if self.running.pop(claim, None) is None:
            return
        output = self.written[claim]
        self.core.ended(
            claim,
            Result(
                exit_code=None if signal else exit_code,
                signal=signal,
                output_bytes=len(output),
                output_sha256=sha256(output).hexdigest(),
            ),
            self.world.now,
        )

    def read(self, claim: str, stream: int, offset: int, size: int) -> bytes:
        return self.written[claim][offset : offset + size]


class World:
    """A run, some workers, a queue, and what is under way between them."""

    def __init__(
        self,
        *,
        workers: int = 2,
        run: Callable[..., Client] = Client,
        machine: type[Machine] = Machine,
    ) -> None:
        self.now = 1000.0
        self._number = 0
        self.client = run("run", lease_s=LEASE_S)
        self.machines = [machine(self, f"w{n}") for n in range(workers)]
        self.queue: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.packets: list[Packet] = []
        self.starts: list[tuple[str, str]] = []
        self.accepted: list[str] = []
        self.output: dict[str, bytes] = {}
        self.ended: dict[str, client.Ended] = {}
        self.wanted: set[str] = set()
        self.unhappy: list[str] = []

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def submit(self) -> str:
        token = f"token{self.next_number()}"
        self.jobs[token] = Job(
            protocol=messages.PROTOCOL,
            token=token,
            client="run",
            run_id="r",
            check=token,
            attempt=1,
            command="true",
            output_limit_bytes=0,
            source=Source("c", "t"),
            lease_ns=round(LEASE_S * 1e9),
        )
        self.client.submit(token, self.now)
        self.queue.append(token)
        self.wanted.add(token)
        self.output[token] = b""
        return token

    def withdraw(self, token: str) -> None:
        """The check was cancelled while it waited."""
        self.wanted.discard(token)
        self.hear(self.client.withdraw(token))

    def hear(self, effects: list[client.Effect]) -> None:
        for effect in effects:
            if isinstance(effect, client.Offered):
                assert effect.token not in self.accepted, "started twice"
                self.accepted.append(effect.token)
                self.client.decide(effect.token, go=True)
            elif isinstance(effect, client.Queued):
                if effect.token not in self.queue:
                    self.queue.append(effect.token)
            elif isinstance(effect, client.Received):
                if effect.stream == 0:
                    self.output[effect.token] += effect.data
            elif isinstance(effect, client.Ended):
                self._end(effect)
            elif isinstance(effect, client.Reply):
                self.packets.append(self.client.orders(effect.worker))

    def _end(self, effect: client.Ended) -> None:
        assert effect.token not in self.ended, "ended twice"
        self.ended[effect.token] = effect
        if effect.result is not None:
            digest = sha256(self.output[effect.token]).hexdigest()
            if digest != effect.result.output_sha256:
                self.unhappy.append(f"{effect.token}: another output than there was")
            return
        for machine in self.machines:
            if effect.token in machine.running.values() and not machine.stopped:
                told = f"{effect.token} was called lost and runs on"
                if "told to end" not in effect.why:
                    self.unhappy.append(told)

    def speak(self, *, ticks: bool = True) -> None:
        """Every machine does what is due and says what it has to say."""
        if ticks:
            self.hear(self.client.tick(self.now))
        for machine in self.machines:
            if machine.stopped:
                continue
            if ticks:
                machine.handle(machine.core.tick(self.now))
            for name in machine.core.speakers():
                self.packets.append(machine.core.message(name, self.now, machine.read))

    def deliver(self, position: int, *, keep: bool = False) -> None:
        """One packet arrives; kept, it will come again."""
        packet = self.packets[position] if keep else self.packets.pop(position)
        if isinstance(packet, FromWorker):
            self.hear(self.client.receive(packet, self.now))
            return
        for machine in self.machines:
            if machine.core.identity == packet.worker and not machine.stopped:
                machine.handle(machine.core.receive(packet, self.now))

    def settle(self, *, finish: bool = True) -> None:
        """The broker is well again: run on until everything has ended, in steps of a second."""
        for machine in self.machines:
            machine.stopped = False
        for _ in range(120):
            for token in list(self.queue):
                self.queue.remove(token)
                if token not in self.ended:
                    random.Random(self._number).choice(self.machines).take(self.jobs[token])
            for _ in range(8):
                self.speak()
                while self.packets:
                    self.deliver(0)
            if finish:
                for machine in self.machines:
                    for claim in list(machine.running):
                        machine.finish(claim)
            if self.wanted <= set(self.ended) and not any(m.running for m in self.machines):
                return
            self.now += 1.0
        raise AssertionError(f"hangs: {self.wanted - set(self.ended)}")

    def lost(self) -> list[str]:
        return [token for token, ended in self.ended.items() if ended.result is None]


STARTED = (Stage.RUNNING, Stage.EXITED, Stage.ENDED)
