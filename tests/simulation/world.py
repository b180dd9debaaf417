"""Runs one history: the real session on a virtual clock, over the simulated kernel and disk."""

import fcntl as real_fcntl
import gc
import json
import math
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from hashlib import sha256
from random import Random
from typing import Any

import trio

from tests.simulation.beside import in_a_fork, is_seen, second_of
from tests.simulation.disk import Disk
from tests.simulation.history import INPUT, Happening, History
from tests.simulation.kernel import Kernel
from tests.simulation.machine import SECOND_NS
from tests.simulation.meddling import meddle
from tests.simulation.outcome import Death, Look, Outcome
from tests.simulation.pool import Broker, lines_to, remote_of
from tests.simulation.seams import simulated, small_pieces, task_order
from tests.simulation.virtual import Reactor, Steps, VirtualClock
from vibeguard.core.fold.fold import apply, new_state
from vibeguard.core.names import ExitCode, LeakPolicy
from vibeguard.core.problems import LogCorrupt, LogWriteError
from vibeguard.system.channel import (
    Interrupt,
    Kill,
    Launch,
    OrderReader,
    Pause,
    Resume,
    send,
)
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.follow import Follower
from vibeguard.system.process.sweep import kill_descendants
from vibeguard.system.rundir.control import request
from vibeguard.system.supervisor.forked import CutShort
from vibeguard.system.supervisor.host import Host
from vibeguard.system.supervisor.remote import Remote
from vibeguard.system.supervisor.run_log import Clocks, RunLog
from vibeguard.system.supervisor.session import Session

WALL_NS = 1_800_000_000 * SECOND_NS
SWEEP_BOUND_S = 1.0


def _forget_tasks() -> None:
    """What a loop that broke off has left must not go on in a later history."""
    kept, sys.unraisablehook = sys.unraisablehook, lambda _: None
    gc.collect()
    sys.unraisablehook = kept


def _too_late(*_: Any) -> None:
    """A signal before the first check or after the last one, as the process of a supervisor has it."""


class World:
    """One history as it happens."""

    def __init__(
        self,
        history: History,
        root: str,
        look: Look,
        *,
        first: Outcome | None = None,
        later_ns: int = 0,
    ) -> None:
        """`first` is the run before this one; `later_ns` is how far the wall clock has gone on."""
        self._look = look
        again = "again" if first else ""
        rng = Random(f"world {history.seed} {again}")
        self.history = history
        self.kernel = Kernel(rng, most_pids=history.most_pids, slow=history.slow)
        self.kernel.hesitates = history.hesitates
        self.disk = Disk(history.trouble)
        self.outcome = Outcome(history, self.kernel, self.disk, first=first)
        self._later_ns = later_ns
        self.disk.on_line = self._look_at_line
        self.disk.now_ns = lambda: self.kernel.now_ns
        self.kernel.on_signal = self._look_at_signal
        self._cancelled_at = 0  # where the line of a cancel ends
        self._let_live = {c.id for c in history.plan.checks if c.leaks is LeakPolicy.IGNORE}
        self._rng = rng
        self._root = root
        self._state_dir = os.path.join(root, ".vibeguard")
        self._start_ns = self.kernel.now_ns
        self._orders = -1
        self._others_lock: int | None = None
        self._steps = Steps()
        self._over = False
        self._running: set[str] = set()
        self._finished_outputs: set[str] = set()
        self._follower: Follower | None = None
        trouble = history.pool
        self._broker = Broker(self.kernel, trouble, rng) if trouble is not None else None
        self._followed = new_state()
        for fault in history.faults:
            begin, end = (
                self._start_ns + round(s * SECOND_NS) for s in (fault.from_s, fault.until_s)
            )
            self.kernel.faults.setdefault(fault.call, []).append((fault.number, begin, end))

    def run(self) -> Outcome:
        """Run it; everything that is known at its end."""
        outcome = self.outcome
        with ExitStack() as stack:
            stack.enter_context(
                simulated(self.kernel, self.disk, self._rng, wall_ns=WALL_NS + self._later_ns)
            )
            stack.enter_context(task_order(self.history.seed))
            if self._broker is not None:
                stack.enter_context(lines_to(self._broker))
            if self.history.lags:
                stack.enter_context(small_pieces())
            stack.callback(self.disk.release)
            stack.callback(self._release_group)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                stack.callback(signal.signal, number, signal.signal(number, _too_late))
            os.makedirs(os.path.join(self._state_dir, "runs"), 0o700, exist_ok=True)
            orders, self._orders = os.pipe()
            stack.callback(os.close, orders)
            stack.callback(self._close_orders)
            reports, outcome_end = os.pipe()
            stack.callback(os.close, reports)
            stack.callback(os.close, outcome_end)
            try:
                self._supervise(orders, outcome_end, stack)
            except LogWriteError as error:
                outcome.exit_code, outcome.failure = ExitCode.CORRUPT, error.what
            except BaseException as error:  # a defect, or a simulation that is stuck
                outcome.exit_code = ExitCode.INCOMPLETE
                outcome.defect = "".join(traceback.format_exception(error))
                del error
                _forget_tasks()
            self._look_at_the_end()
        return outcome

    def _supervise(self, orders: int, reports: int, stack: ExitStack) -> None:
        launch = launch_of(self.history, self._root, {b"PATH": b"/bin"})
        log = RunLog.begin(launch, clocks=self._clocks())
        stack.callback(log.close)
        session = Session(
            log, OrderReader(orders), reports, remote=self._remote(), host=self._host()
        )
        self.outcome.folder = log.folder
        self._follower = self.outcome.follower = Follower(log.folder)
        stack.callback(self._follower.close)
        self._set_up()
        self.outcome.sealed = sealed = session.run()
        self.outcome.exit_code = ExitCode.CORRUPT if sealed.differences else sealed.exit_code

    def _clocks(self) -> Clocks:
        return Clocks(
            monotonic_ns=lambda: self.kernel.now_ns,
            wall_ns=lambda: WALL_NS + self.kernel.now_ns + self._later_ns,
            wall_time=lambda: "2027-01-15T08:00:00.000000Z",
        )

    def _remote(self) -> Remote | None:
        settings = self.history.plan.settings.pool
        return None if settings is None else remote_of(settings, self._root)

    def _host(self) -> Host:
        return Host(
            clock=partial(VirtualClock, self.kernel, self._steps),
            sleep_outside=self._sleep_outside,
            open_executor=partial(
                open_local_executor, reactor=lambda nursery: Reactor(nursery, self.kernel)
            ),
            in_fork=self._in_fork,
        )

    async def _sleep_outside(self, seconds: float) -> None:
        over = trio.Event()
        self.kernel.later(round(seconds * SECOND_NS), "call", partial(self._wake, over))
        await over.wait()

    def _wake(self, over: trio.Event) -> None:
        over.set()
        self.kernel.woken = True

    async def _in_fork(
        self, work: Callable[[], bytes], *, timeout_s: float, spare: Callable[[int], None]
    ) -> bytes:
        self.kernel.fail("fork")
        lasts_s = self._rng.choice([0.002, 0.05, 1]) * self._rng.random()
        try:
            await trio.sleep(min(lasts_s, timeout_s))
        except trio.Cancelled:
            raise CutShort("the run was cancelled meanwhile") from None
        if lasts_s > timeout_s:
            raise CutShort(f"it took longer than {timeout_s:g} s")
        return work()

    # What happens from outside.

    def _set_up(self) -> None:
        self.kernel.call = lambda happen: happen()
        for each in self.history.happenings:
            happen = partial(self._happen, each)
            if each.at_step is not None:
                self._steps.due.setdefault(each.at_step, []).append(happen)
            else:
                self.kernel.later(round(each.at_s * SECOND_NS), "call", happen)
        for at_s in self.history.reads_s:
            self.kernel.later(round(at_s * SECOND_NS), "call", self._follow)
        self.kernel.later(0, "call", self._instrument)
        if self._broker is not None:
            self._broker.open()

    def _instrument(self) -> None:
        trio.lowlevel.add_instrument(self._steps)

    def _happen(self, happening: Happening) -> None:
        if self._over:
            return  # only the leases of workers go on
        self.kernel.reached[happening.kind] += 1
        self.outcome.delivered.append((self.kernel.now_ns - self._start_ns, happening))
        detail, folder = happening.detail, self.outcome.folder
        now_ns = self.kernel.now_ns
        match happening.what:
            case "signal":
                signal.raise_signal(signal.Signals[detail])
            case "order":
                self._order(Interrupt(detail))
            case "kill":
                self._order(Kill())
            case "front lost":
                self._close_orders()
            case "cancel":
                request(folder, "cancel", {}, now_ns=now_ns)
            case "cancel check":
                request(folder, "cancel", {"check": detail}, now_ns=now_ns)
            case "rubbish":
                self._leave_rubbish(folder)
            case "pause":
                self._order(Pause())
                self.kernel.later(round(float(detail) * SECOND_NS), "call", self._order_resume)
            case "suspend":
                self.kernel.suspend(round(float(detail) * SECOND_NS))
            case "stall":
                self.kernel.now_ns += round(float(detail) * SECOND_NS)
            case "stranger":
                self.kernel.stranger()
            case "group taken":
                self._take_group(float(detail))
            case "tamper":
                self._tamper(detail)
            case "crash":
                self._die()
            case "second run":
                self._run_beside(folder, supersedes=detail == "supersedes")
            case "edit":
                self.outcome.edited_ns.append(now_ns - self._start_ns)
                with open(os.path.join(self._root, INPUT), "a", encoding="ascii") as file:
                    file.write("more\n")
        self.kernel.woken = True

    def _order(self, order: Any) -> None:
        if self._orders >= 0:
            send(self._orders, order)
            self.kernel.woken = True

    def _close_orders(self) -> None:
        if self._orders >= 0:
            os.close(self._orders)
            self._orders = -1

    def _leave_rubbish(self, folder: str) -> None:
        """What is no request lies in the control folder."""
        for name, data in (("1.json", b"{"), ("2.json", b'{"kind":"dance"}'), ("x", b"cancel")):
            with open(os.path.join(folder, "control", name), "wb") as file:
                file.write(data)
        os.makedirs(os.path.join(folder, "control", "3.json"), exist_ok=True)

    def _order_resume(self) -> None:
        """From now on anything may run: it does a moment before the log says so."""
        self.kernel.paused_ns = None
        self._order(Resume())

    def _take_group(self, seconds: float) -> None:
        """Another run has the lock of a group for a while."""
        groups = os.path.join(self._state_dir, "groups")
        os.makedirs(groups, 0o700, exist_ok=True)
        path = os.path.join(groups, sha256(b"g").hexdigest()[:32])
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            real_fcntl.flock(descriptor, real_fcntl.LOCK_EX | real_fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            now_s = (self.kernel.now_ns - self._start_ns) / SECOND_NS
            self.outcome.group_taken.append((now_s, now_s + seconds))
            self._others_lock = descriptor
            self.kernel.later(round(seconds * SECOND_NS), "call", self._release_group)

    def _release_group(self) -> None:
        """The other run has ended; at the latest when ours has: a second one asks anew."""
        if self._others_lock is not None:
            os.close(self._others_lock)
            self._others_lock = None

    def _run_beside(self, folder: str, *, supersedes: bool) -> None:
        """Another run starts here, and ends, before this one has its next turn."""
        groups = {c.id: c.group for c in self.history.plan.checks}
        held = any(groups[check] for check in self._running)
        later_ns = self.kernel.now_ns - self._start_ns + SECOND_NS // 1000

        def run() -> list[str]:
            found = is_seen(folder)
            world = World(second_of(self.history), self._root, self._look, later_ns=later_ns)
            if held:
                world.outcome.group_taken.append((-1.0, math.inf))
            return found + self._look(world.run())

        self.outcome.beside += in_a_fork(run)
        if supersedes:
            self._happen(Happening("cancel"))

    def _tamper(self, how: str) -> None:
        path = os.path.join(self.outcome.folder, LOG_NAME)
        if how == "output":
            self._alter_output()
            return
        self._follow(to_the_end=True)
        with suppress(FileNotFoundError):
            if how == "append":
                with open(path, "ab") as file:
                    file.write(b"{}\n")
            elif how == "cut":
                os.truncate(path, os.path.getsize(path) // 2)
            else:
                os.unlink(path)
        self._follow(to_the_end=True)
        follower, outcome = self._follower, self.outcome
        if follower is not None and not follower.finished and not outcome.follower_problem:
            outcome.unnoticed = how

    def _alter_output(self) -> None:
        """Somebody writes into what a check has left that is over; not when all is over."""
        finished = sorted(self._finished_outputs)
        if not finished or self.outcome.sealed is not None:
            return
        self.outcome.altered_output = finished[0]
        with open(os.path.join(self.outcome.folder, finished[0]), "ab") as file:
            file.write(b"and more\n")

    def _die(self) -> None:
        """Look at the world in which the supervisor is killed now: the front ends what it left."""
        kernel = self.kernel.snapshot()
        written, durable = bytes(self.disk.written), self.disk.durable
        kernel.die()
        self.kernel.reached["what was written is lost"] += durable < len(written)
        began_ns, refused = kernel.now_ns, kernel.reached["kill fails with EPERM"]
        with simulated(kernel, Disk(None), Random(self.history.seed)):
            kill_descendants(SWEEP_BOUND_S)
        alive = [f"{p.owner} ({p.pid})" for p in kernel.alive_of("") if not p.stuck]
        self.outcome.deaths.append(
            Death(
                written,
                durable,
                alive,
                kernel.reached["kill fails with EPERM"] > refused,
                (kernel.now_ns - began_ns) / SECOND_NS,
            )
        )

    def _look_at_line(self, line: bytes) -> None:
        """A line is being written to the log: does the world agree?"""
        kernel = self.kernel
        if line.startswith(b'{"type":"run.cancel_requested"'):
            self._cancelled_at = len(self.disk.written) + len(line)
        elif line.startswith(b'{"type":"check.started"'):
            unsafe = not self.disk.durable and self.disk.trouble is None
            self.outcome.started_before_the_plan_was_safe |= unsafe
            self._running.add(json.loads(line)["check"])
        elif line.startswith(b'{"type":"run.paused"'):
            kernel.paused_ns = kernel.now_ns
        elif line.startswith(b'{"type":"run.resumed"'):
            kernel.paused_ns = None
        elif line.startswith(b'{"type":"check.attempt_finished"'):
            event = json.loads(line)
            self._running.discard(event["check"])
            kernel.over.add(f"{event['check']}.{event['attempt']}")
            if event.get("output_path") and event["end"] == "exited":
                self._finished_outputs.add(event["output_path"])
            if event["end"] == "lost" and "told to end" not in event.get("error", ""):
                self._look_at_what_is_lost(event)
            if event.get("unkillable"):
                self.outcome.given_up.add(f"{event['check']}.{event['attempt']}")
        elif line.startswith(b'{"type":"check.settled"'):
            check = json.loads(line)["check"]
            self.outcome.not_given_up = [
                process.owner
                for process in kernel.alive_of("")
                if process.stuck
                and not (process.is_found and process.owner in self.outcome.given_up)
            ]
            if check in self._let_live:
                return
            for process in self.kernel.processes.values():
                theirs = (
                    process.alive and not process.remote and process.owner.split(".")[0] == check
                )
                if theirs and process.is_traceable and not process.stuck:
                    self.outcome.settled_alive.append(
                        f"{process.owner} ({process.pid}) is alive when its check settles"
                    )

    def _look_at_what_is_lost(self, event: dict[str, Any]) -> None:
        """A worker was not heard of: by now its lease is over, and it has ended the attempt."""
        leader = self.kernel.leaders.get((event["check"], event["attempt"]))
        if leader is not None and leader.remote and leader.alive and not leader.stuck:
            self.outcome.settled_alive.append(f"{leader.owner} was called lost and runs on")

    def _look_at_signal(self) -> None:
        """A process is told to end: by then a cancel has to be where no crash takes it back."""
        damaged = any(happening.what == "tamper" for _, happening in self.outcome.delivered)
        damaged = damaged or self.disk.trouble is not None
        if self.disk.durable < self._cancelled_at and not damaged:
            self.outcome.told_before_it_was_safe.append("a cancel was obeyed before it was safe")

    def _follow(self, *, to_the_end: bool = False) -> None:
        """A reader looks at the log as it is at this moment; one that lags, at a piece of it."""
        follower, outcome = self._follower, self.outcome
        if follower is None or outcome.follower_problem:
            return
        try:
            while events := follower.read():
                for event in events:
                    apply(self._followed, event)
                if self.history.lags and not to_the_end:
                    self.kernel.reached["a reader lags"] += 1
                    return
        except LogCorrupt as problem:
            outcome.follower_problem = problem.what

    def _look_at_the_end(self) -> None:
        outcome = self.outcome
        self._over = True
        outcome.elapsed_s = (self.kernel.now_ns - self._start_ns) / SECOND_NS
        self._follow(to_the_end=True)
        outcome.followed = self._followed
        with suppress(OSError), open(os.path.join(outcome.folder, LOG_NAME), "rb") as file:
            outcome.log = file.read()
        self.kernel.reached.update(self.disk.reached)
        self.kernel.reached[f"exit {outcome.exit_code}"] += 1
        for line in outcome.log.split(b"\n"):
            with suppress(ValueError):
                self._count(json.loads(line))
        if self._broker is not None:
            outcome.remote_alive = self._broker.outlive_the_lease()
        outcome.alive_at_end = [f"{p.owner} ({p.pid})" for p in self.kernel.alive_of("")]

    def _count(self, event: dict[str, Any]) -> None:
        """What the log has of this kind, with why and how."""
        words = (event.get(key, "") for key in ("type", "outcome", "reason", "end"))
        kind = " ".join(word for word in words if isinstance(word, str) and word)
        if kind.startswith(("run.weakened", "run.degraded")):  # their reasons are sentences
            kind = event["type"]
        self.kernel.reached[f"log: {kind}"] += 1


def launch_of(history: History, root: str, environment: dict[bytes, bytes]) -> Launch:
    """The start of a run in the folder `root`."""
    folder = root.encode()
    return Launch(
        plan=history.plan,
        argv=("vibeguard", "run"),
        environment=environment,
        variables={},
        folder=folder,
        config_folder=folder,
        state_dir=os.path.join(folder, b".vibeguard"),
        config_path="vibeguard.yaml",
        config_sha256="0" * 64,
        selection_sha256="0" * 64,
        stands_for=b"/work",
    )


def run_history(history: History, look: Look) -> list[Any]:
    """What `look` makes of each run of the history, while its folder is there."""
    base = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    root = os.path.join(base, f"vibeguard-simulation-{os.getpid()}")
    shutil.rmtree(root, ignore_errors=True)
    os.mkdir(root, 0o700)
    try:
        with open(os.path.join(root, INPUT), "w", encoding="ascii") as file:
            file.write("as it was")
        outcome = World(history, root, look).run()
        found = look(outcome)
        if history.again is not None:
            meddle(history.again.between, outcome, root)
            later_ns = round((outcome.elapsed_s + history.again.later_s) * SECOND_NS)
            again = World(history, root, look, first=outcome, later_ns=later_ns)
            return found + look(again.run())
        return found
    finally:
        shutil.rmtree(root, ignore_errors=True)
