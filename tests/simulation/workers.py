"""A worker of the simulated pool: the real machine of the protocol, and simulated processes."""

import json
import signal
from hashlib import sha256
from typing import Any

from tests.simulation.processes import SECOND_NS, Pipe, Process
from vibeguard.core.names import TerminationReason
from vibeguard.core.pool import worker as machine
from vibeguard.core.pool.messages import Job, Result, Stage, Struck, decode_from_client, encode
from vibeguard.core.pool.worker import Worker

LOOK_S = 0.02


class Work:
    """One claim: a job, and the process that does it once the run has said Go."""

    def __init__(self, job: Job, claim: str) -> None:
        self.job, self.claim = job, claim
        self.leader: Process | None = None
        self.output = b""
        self.pipe = Pipe(0)
        self.started_s = self.last_output_s = 0.0
        self.paused_at_s: float | None = None
        self.paused_s = 0.0
        self.kill_at_s: float | None = None


class SimulatedWorker:
    """Takes jobs, does them, tells of them; dies when it is told to."""

    def __init__(self, broker: Any, name: str, *, slots: int) -> None:
        self._broker = broker
        self._kernel = broker.kernel
        self._slots = slots
        self._works: dict[str, Work] = {}
        self._taken = 0
        self.core = Worker(f"{name}-identity", name)
        self.dead = False

    def look(self) -> None:
        """Do what is due, say what there is to say, look again soon."""
        if self.dead:
            return
        now = self._broker.now_s
        self._handle(self.core.tick(now))
        self._take()
        for work in list(self._works.values()):
            self._look_at(work, now)
        for client in self.core.speakers():
            message = encode(self.core.message(client, now, self._read))
            self._broker.carry(message, self.core.name, self._broker.line.arrive)
        self._broker.later(LOOK_S, self.look)

    def receive(self, payload: bytes) -> None:
        """A message of the run."""
        if not self.dead:
            self._handle(self.core.receive(decode_from_client(payload), self._broker.now_s))

    def die(self) -> None:
        """The machine goes, with all that runs on it."""
        self.dead = True
        self._kernel.reached["pool: a worker dies"] += 1
        for work in self._works.values():
            self._signal(work, signal.SIGKILL)

    def _take(self) -> None:
        if self._broker.is_cut(self.core.name) or len(self._works) >= self._slots:
            return
        job = self._broker.claim()
        if job is None:
            return
        self._taken += 1
        claim = f"{self.core.name}.{self._taken}"
        self._kernel.reached["pool: a job is claimed"] += 1
        self._works[claim] = Work(job, claim)
        self.core.take(job, claim, self._broker.now_s)
        self._broker.later(self._broker.rng.random() * 0.2, lambda: self._offer(claim))

    def _offer(self, claim: str) -> None:
        if self._broker.rng.random() < self._broker.trouble.unfit:
            self._kernel.reached["pool: a worker is unfit"] += 1
            self.core.over(claim, Stage.UNFIT, "no room for the files", self._broker.now_s)
        else:
            self.core.offer(claim, self._broker.now_s)

    def _handle(self, effects: list[machine.Effect]) -> None:
        now = self._broker.now_s
        for effect in effects:
            work = self._works.get(effect.claim)
            if work is None:
                continue
            match effect:
                case machine.Start():
                    self._start(work)
                case machine.End(_, grace_ns):
                    self._signal(work, signal.SIGTERM)
                    self._signal(work, signal.SIGCONT)
                    kill_at_s = now + grace_ns / SECOND_NS
                    work.kill_at_s = min(kill_at_s, work.kill_at_s or kill_at_s)
                case machine.Pause(_, paused):
                    self._pause(work, paused=paused)
                case machine.Forget():
                    self._signal(work, signal.SIGKILL)
                    del self._works[work.claim]

    def _start(self, work: Work) -> None:
        kernel, job = self._kernel, work.job
        owner = f"{job.check}.{job.attempt}"
        kernel.reached["pool: Go"] += 1
        try:
            leader = kernel.add_remote(owner)
        except OSError:
            self.core.over(work.claim, Stage.REFUSED, "no process is to be had", self._broker.now_s)
            return
        programs = json.loads(job.command)
        leader.program = programs[min(job.attempt, len(programs)) - 1]
        leader.pipe = work.pipe
        work.pipe.writers += 1
        work.leader = leader
        work.started_s = work.last_output_s = self._broker.now_s
        kernel.lead(job.check, job.attempt, leader)
        self.core.started(work.claim)

    def _look_at(self, work: Work, now: float) -> None:
        leader, job = work.leader, work.job
        if leader is None:
            return
        if work.pipe.content:
            work.output += bytes(work.pipe.content)
            work.pipe.content.clear()
            work.last_output_s = now
            self.core.grown(work.claim, min(len(work.output), job.output_limit_bytes))
            if len(work.output) > job.output_limit_bytes:
                self.core.note(work.claim, exceeded=True)
        if work.kill_at_s is not None and now >= work.kill_at_s:
            self._signal(work, signal.SIGKILL)
        if not leader.alive:
            self.core.note(work.claim, exited=True)
            self.core.ended(work.claim, self._result(work), now)
        elif work.paused_at_s is None:
            self._strike(work, now)

    def _strike(self, work: Work, now: float) -> None:
        """A limit has been reached by this machine's clock."""
        job, ran_s = work.job, now - work.started_s - work.paused_s
        silent_ns = round((now - work.last_output_s) * SECOND_NS)
        reason = None
        if ran_s >= job.timeout_ns / SECOND_NS:
            reason = TerminationReason.TIMEOUT
        elif job.idle_timeout_ns is not None and silent_ns >= job.idle_timeout_ns:
            reason = TerminationReason.IDLE
        if reason is not None:
            self.core.note(work.claim, struck=Struck(reason=reason, silent_ns=silent_ns))

    def _pause(self, work: Work, *, paused: bool) -> None:
        now = self._broker.now_s
        if paused:
            work.paused_at_s = now
        elif work.paused_at_s is not None:
            work.paused_s += now - work.paused_at_s
            work.last_output_s, work.paused_at_s = now, None
        self._signal(work, signal.SIGSTOP if paused else signal.SIGCONT)

    def _result(self, work: Work) -> Result:
        leader = work.leader
        status = leader.status if leader is not None else 0
        output = work.output[: work.job.output_limit_bytes]
        lasted_ns = round((self._broker.now_s - work.started_s) * SECOND_NS)
        return Result(
            exit_code=None if status & 0x7F else status >> 8,
            signal=signal.Signals(status & 0x7F).name if status & 0x7F else "",
            elapsed_ns=lasted_ns,
            active_ns=lasted_ns - round(work.paused_s * SECOND_NS),
            output_bytes=len(output),
            output_sha256=sha256(output).hexdigest(),
            parcel_sha256=sha256(b"").hexdigest(),
        )

    def _read(self, claim: str, stream: int, offset: int, size: int) -> bytes:
        return self._works[claim].output[offset : offset + size] if stream == 0 else b""

    def _signal(self, work: Work, number: int) -> None:
        if work.leader is not None:
            self._kernel.signal_remote(work.leader, number)
