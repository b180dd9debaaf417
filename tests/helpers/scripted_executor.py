"""An executor that starts nothing: every attempt follows a script, in the time of Trio's clock.

It is the double of the scheduler's tests (`trio.testing.MockClock`) and obeys the same contract as
the real executors: `tests/unit/system/executors/test_contract.py` runs against both.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import trio
from msgspec import Struct

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import AttemptEnd, LeakPolicy, TerminationReason
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.executors.base import Accepted, AttemptResult, AttemptSpec, Callbacks
from vibeguard.system.process.start_refused import StartRefused


class Script(Struct, frozen=True):
    """What one attempt does. Times are seconds of Trio's clock, pauses left out.

    `duration_s` counts from the start to the leader's exit; infinity never ends by itself.
    `refuse` is the reason for a refused start, `refuse_transient` marks it as pressure that may
    pass. `start_delay_s` is how long `start` takes before it accepts or refuses, whoever cancels it
    meanwhile if it is `start_shielded`. `lost` ends the
    attempt as lost instead of finished, `refused` as refused by the worker that was told to start
    it. `output` is written at the start, `later_output` at its times after it. `ignores_term_s` is how long the processes outlive SIGTERM (SIGKILL always
    works, except on `unkillable`). `leaked` are the processes that the leader leaves behind.
    """

    duration_s: float = 0.0
    exit_code: int = 0
    signal: str = ""
    refuse: str = ""
    refuse_transient: bool = False
    refuse_ours: bool = False
    start_delay_s: float = 0.0
    start_shielded: bool = False
    lost: bool = False
    refused: bool = False
    error: str = ""
    output: bytes = b""
    later_output: tuple[tuple[float, bytes], ...] = ()
    output_error: str = ""
    ignores_term_s: float = 0.0
    leaked: tuple[ProcessReport, ...] = ()
    unkillable: tuple[ProcessReport, ...] = ()
    worker: str = ""


Scripts = Mapping[str, Sequence[Script]] | Callable[[AttemptSpec], Script]


class ScriptedAttempt:
    """One scripted attempt. It has no task of its own: whoever waits moves it along."""

    def __init__(
        self,
        spec: AttemptSpec,
        script: Script,
        callbacks: Callbacks,
        *,
        paused: bool,
    ) -> None:
        self.spec = spec
        self.script = script
        self._callbacks = callbacks
        self._started = trio.current_time()
        self._paused_since = self._started if paused else None
        self._paused_s = 0.0
        self._pending = sorted([(0.0, script.output), *script.later_output], key=lambda at: at[0])
        self._output = b""
        self._last_output = self._started
        self._exceeded = False
        self._exit_at = script.duration_s
        self._leader_exited = False
        self._over_at = script.duration_s
        self._ended_by_term = False
        self._killed = False
        self._terminated_at: float | None = None
        self._result: AttemptResult | None = None
        self._changed = trio.Event()

    @property
    def output_bytes(self) -> int:
        """How much the attempt has written so far."""
        self._advance()
        return len(self._output)

    @property
    def last_output(self) -> float:
        """Trio time of the last output, or of the start."""
        self._advance()
        return self._last_output

    @property
    def output_exceeded(self) -> bool:
        """Whether the output has passed its limit."""
        self._advance()
        return self._exceeded

    @property
    def struck(self) -> TerminationReason | None:
        """No limit but those of the run's own clock."""
        return None

    @property
    def exited(self) -> bool:
        """Whether the script's command has exited."""
        self._advance()
        return self._leader_exited

    async def wait(self) -> AttemptResult:
        """Wait until the attempt is over. Cancelling leaves it running."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while (result := self._advance()) is None:
            with trio.move_on_at(self._next_time()):
                await self._changed.wait()
        return result

    async def terminate(self, grace_ns: int) -> AttemptResult:
        """SIGTERM, `grace_ns`, SIGKILL, in the script's world; a later call can shorten it."""
        if self._advance() is None:
            self._request_end(grace_ns)
            self._wake()
        return await self.wait()

    def processes(self) -> tuple[ProcessReport, ...]:
        """One process: the command itself."""
        if self._advance() is not None:
            return ()
        return (ProcessReport(pid=0, command=self.spec.command[:200], state="blocked"),)

    def last_lines(self) -> tuple[str, ...]:
        """The last few lines of output so far."""
        self._advance()
        return tuple(self._output.decode(errors="replace").splitlines()[-10:])

    def pause(self) -> None:
        """Stop the script's clock."""
        self._advance()
        if self._paused_since is None:
            self._paused_since = trio.current_time()
            self._wake()

    def resume(self) -> None:
        """Let the script's clock go on."""
        if self._paused_since is not None:
            self._paused_s += trio.current_time() - self._paused_since
            self._paused_since = None
            self._wake()

    def _active(self) -> float:
        """Seconds since the start, without pauses."""
        now = trio.current_time() if self._paused_since is None else self._paused_since
        return now - self._started - self._paused_s

    def _next_time(self) -> float:
        """The Trio time at which something happens next."""
        if self._paused_since is not None:
            return float("inf")
        due = self._over_at if self._leader_exited else self._exit_at
        if self._pending:
            due = min(due, self._pending[0][0])
        return self._time_of(due)

    def _time_of(self, due: float) -> float:
        """The Trio time of a moment of the script, as things stand."""
        return self._started + self._paused_s + due

    def _has_come(self, due: float) -> bool:
        now = trio.current_time() if self._paused_since is None else self._paused_since
        return now >= self._time_of(due)  # the same sum as a deadline's: no rounding between them

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def _request_end(self, grace_ns: int) -> None:
        """Move the end of the attempt to where SIGTERM, or SIGKILL after the grace, puts it."""
        if self._terminated_at is None:
            self.resume()
            self._terminated_at = self._active()
        by_term = self._terminated_at + self.script.ignores_term_s
        by_kill = max(self._active(), self._terminated_at + grace_ns / SECOND_NS)
        end = min(by_term, by_kill)
        if self._leader_exited:
            self._over_at = min(self._over_at, end)
        elif end < self._exit_at:
            self._exit_at = end
            self._ended_by_term = True
            self._killed = by_kill < by_term

    def _advance(self) -> AttemptResult | None:
        """Do all that is due by now; return the result once the attempt is over."""
        if self._result is not None:
            return self._result
        while self._pending and self._has_come(min(self._pending[0][0], self._exit_at)):
            at, data = self._pending.pop(0)
            if at <= self._exit_at:
                self._write(at, data)
        if not self._leader_exited and self._has_come(self._exit_at):
            self._exit_leader()
        if self._leader_exited and self._has_come(self._over_at):
            if self._sweeps_leak():
                self._callbacks.terminating(TerminationReason.LEAK, "SIGTERM")
            self._result = self._make_result()
        return self._result

    def _write(self, at: float, data: bytes) -> None:
        if not data:
            return
        room = self.spec.output_limit_bytes - len(self._output)
        self._output += data[:room]
        self._last_output = self._time_of(at)
        if len(data) > room and not self._exceeded:
            self._exceeded = True
            self._callbacks.output_exceeded()

    def _exit_leader(self) -> None:
        """The leader is gone: what it left behind gets the leak grace, if the policy ends it."""
        self._leader_exited = True
        self._over_at = self._exit_at
        if self.script.unkillable and self._ended_by_term:
            self._over_at += 2.0
        elif self._sweeps_leak():
            self._over_at += self.spec.leak_grace_ns / SECOND_NS

    def _sweeps_leak(self) -> bool:
        """Whether the executor itself ends what a leader that exited left behind."""
        left_behind = bool(self.script.leaked) and self._terminated_at is None
        return left_behind and not self.script.lost and self.spec.leaks is not LeakPolicy.IGNORE

    def _make_result(self) -> AttemptResult:
        script = self.script
        refused = AttemptEnd.REFUSED if script.refused else AttemptEnd.EXITED
        common = AttemptResult(
            end=AttemptEnd.LOST if script.lost else refused,
            elapsed_ns=round((self._over_at + self._paused_s) * SECOND_NS),
            active_ns=round(self._over_at * SECOND_NS),
            output_bytes=len(self._output),
            output_sha256=hashlib.sha256(self._output).hexdigest(),
            output_error=script.output_error,
            error=script.error,
        )
        if common.end is not AttemptEnd.EXITED:
            return common
        return _with_exit(common, self)


def _with_exit(result: AttemptResult, attempt: ScriptedAttempt) -> AttemptResult:
    """The result of an attempt that finished: code or signal, and what its processes left."""
    script = attempt.script
    terminated = attempt._ended_by_term
    signal = script.signal
    if terminated:
        signal = "SIGKILL" if attempt._killed else "SIGTERM"
    started = attempt._terminated_at
    survivor = ProcessReport(pid=0, command=attempt.spec.command[:200])
    return AttemptResult(
        end=result.end,
        exit_code=None if signal else script.exit_code,
        signal=signal,
        elapsed_ns=result.elapsed_ns,
        active_ns=result.active_ns,
        output_bytes=result.output_bytes,
        output_sha256=result.output_sha256,
        output_error=result.output_error,
        error=result.error,
        survivors=(survivor,) if signal == "SIGKILL" and terminated else (),
        swept=1 if signal == "SIGKILL" and terminated else 0,
        leaked=() if terminated else script.leaked,
        unkillable=script.unkillable if terminated else (),
        termination_ns=0 if started is None else result.active_ns - round(started * SECOND_NS),
    )


class ScriptedExecutor:
    """An executor whose attempts follow `scripts`.

    A mapping gives each check its scripts, one per attempt, the last one for all further attempts;
    a check that is not in it passes at once. A callable makes the script from the spec.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._paused = False
        self.attempts: list[ScriptedAttempt] = []

    async def start(self, spec: AttemptSpec, callbacks: Callbacks) -> ScriptedAttempt:
        """Start an attempt, or raise `StartRefused`, as its script says."""
        script = self._script_for(spec)
        if script.start_delay_s:
            with trio.CancelScope(shield=script.start_shielded):
                await trio.sleep(script.start_delay_s)
        else:
            await trio.lowlevel.checkpoint_if_cancelled()
        if script.refuse:
            raise StartRefused(
                script.refuse, transient=script.refuse_transient, ours=script.refuse_ours
            )
        attempt = ScriptedAttempt(spec, script, callbacks, paused=self._paused)
        callbacks.accepted(Accepted(worker=script.worker, pid=None))
        self.attempts.append(attempt)
        return attempt

    def pause(self) -> None:
        """Stop every attempt's clock."""
        self._paused = True
        for attempt in self.attempts:
            attempt.pause()

    def resume(self) -> None:
        """Let every attempt's clock go on."""
        self._paused = False
        for attempt in self.attempts:
            attempt.resume()

    async def close(self, *, shield_s: float) -> tuple[ProcessReport, ...]:
        """End whatever has not ended."""
        with trio.move_on_after(shield_s, shield=True):
            for attempt in self.attempts:
                await attempt.terminate(0)
        return ()

    def _script_for(self, spec: AttemptSpec) -> Script:
        if callable(self._scripts):
            return self._scripts(spec)
        scripts = self._scripts.get(spec.check, ())
        if not scripts:
            return Script()
        return scripts[min(spec.attempt, len(scripts)) - 1]
