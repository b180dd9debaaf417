"""Runs one history: the real session on a virtual clock, over the simulated kernel and disk."""

import math
import os
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from random import Random
from typing import Any

import trio

from tests.simulation.beside import in_a_fork, is_seen, second_of
from tests.simulation.disk import Disk
from tests.simulation.history import HANDED, INPUT, History
from tests.simulation.kernel import Kernel
from tests.simulation.meddling import meddle
from tests.simulation.outcome import Look, Outcome
from tests.simulation.outside import Outside
from tests.simulation.pool import Broker, lines_to, remote_of
from tests.simulation.processes import SECOND_NS
from tests.simulation.reports import put
from tests.simulation.seams import simulated, small_pieces, task_order
from tests.simulation.virtual import Reactor, Steps, VirtualClock
from tests.simulation.watchdog import Hangs, errors_of_threads, forget_tasks, watchdog
from tests.simulation.watcher import Watcher
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import LogWriteError
from vibeguard.system.channel import Launch, OrderReader
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.supervisor.host import CutShort, Host
from vibeguard.system.supervisor.remote import Remote
from vibeguard.system.supervisor.run_log import Clocks, RunLog
from vibeguard.system.supervisor.session import Session

WALL_NS = 1_800_000_000 * SECOND_NS


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
        self.kernel.folder = root
        self.disk = Disk(history.trouble)
        self.outcome = Outcome(history, self.kernel, self.disk, first=first)
        self._later_ns = later_ns
        self.disk.now_ns = lambda: self.kernel.now_ns
        self._watcher = Watcher(history, self.kernel, self.disk, self.outcome)
        self._outside = Outside(self._watcher, root, self._run_beside)
        self._rng = rng
        self._root = root
        self._state_dir = os.path.join(root, ".vibeguard")
        self._start_ns = self.kernel.now_ns
        self._steps = Steps()
        trouble = history.pool
        self._broker = Broker(self.kernel, trouble, rng) if trouble is not None else None
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
                simulated(
                    self.kernel,
                    self.disk,
                    self._rng,
                    wall_ns=WALL_NS + self._later_ns,
                    root=self._root,
                )
            )
            stack.enter_context(task_order(self.history.seed))
            if self._broker is not None:
                stack.enter_context(lines_to(self._broker))
            if self.history.lags:
                stack.enter_context(small_pieces())
            of_threads = stack.enter_context(errors_of_threads())
            stack.callback(self.disk.release)
            stack.callback(self._outside.release_group)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                stack.callback(signal.signal, number, signal.signal(number, _too_late))
            os.makedirs(os.path.join(self._state_dir, "runs"), 0o700, exist_ok=True)
            orders = self._outside.open_orders()
            stack.callback(os.close, orders)
            stack.callback(self._outside.close_orders)
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
                forget_tasks()
            outcome.defect += "".join(of_threads)
            self._look_at_the_end()
        return outcome

    def _supervise(self, orders: int, reports: int, stack: ExitStack) -> None:
        launch = launch_of(self.history, self._root, {b"PATH": b"/bin"})
        log = RunLog(launch, clocks=self._clocks())
        stack.callback(log.close)
        session = Session(
            log, OrderReader(orders), reports, remote=self._remote(), host=self._host()
        )
        stack.callback(self._watcher.open_follower(log.folder).close)
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
        self, spare: Callable[[int], None], work: Callable[[], bytes], timeout_s: float
    ) -> bytes:
        del spare
        try:
            self.kernel.fail("fork")
        except OSError:
            self.outcome.cut_ns.append(self.kernel.now_ns - self._start_ns)
            raise
        lasts_s = self._rng.choice([0.002, 0.05, 1]) * self._rng.random()
        why = f"it took longer than {timeout_s:g} s" if lasts_s > timeout_s else ""
        try:
            await trio.sleep(min(lasts_s, timeout_s))
        except trio.Cancelled:
            why = "the run was cancelled meanwhile"
        if why:
            self.outcome.cut_ns.append(self.kernel.now_ns - self._start_ns)
            self.kernel.reached["judging is cut short"] += 1
            raise CutShort(why)
        return work()

    # What happens from outside.

    def _set_up(self) -> None:
        self.kernel.call = lambda happen: happen()
        for each in self.history.happenings:
            happen = partial(self._outside.happen, each)
            if each.at_step is not None:
                self._steps.due.setdefault(each.at_step, []).append(happen)
            else:
                self.kernel.later(round(each.at_s * SECOND_NS), "call", happen)
        for at_s in self.history.reads_s:
            self.kernel.later(round(at_s * SECOND_NS), "call", self._watcher.follow)
        self.kernel.later(0, "call", self._instrument)
        if self._broker is not None:
            self._broker.open()

    def _instrument(self) -> None:
        trio.lowlevel.add_instrument(self._steps)

    def _run_beside(self) -> None:
        """Another run starts here, and ends, before this one has its next turn."""
        groups = {c.id: c.group for c in self.history.plan.checks}
        held = any(groups[check] for check in self._watcher.running)
        later_ns = self.kernel.now_ns - self._start_ns + SECOND_NS // 1000

        def run() -> list[str]:
            found = is_seen(self.outcome.folder)
            world = World(second_of(self.history), self._root, self._look, later_ns=later_ns)
            if held:
                world.outcome.group_taken.append((-1.0, math.inf))
            return found + self._look(world.run())

        self.outcome.beside += in_a_fork(run)

    def _look_at_the_end(self) -> None:
        outcome = self.outcome
        self._outside.over = True
        outcome.elapsed_s = (self.kernel.now_ns - self._start_ns) / SECOND_NS
        self._watcher.follow(to_the_end=True)
        with suppress(OSError), open(os.path.join(outcome.folder, LOG_NAME), "rb") as file:
            outcome.log = file.read()
        self.kernel.reached.update(self.disk.reached)
        self.kernel.reached[f"exit {outcome.exit_code}"] += 1
        for event in outcome.events:
            self._count(event)
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
        files={check.id: HANDED for check in history.plan.checks if check.pass_files},
    )


def run_history(history: History, look: Look) -> list[Any]:
    """What `look` makes of each run of the history, while its folder is there; that it hangs.

    Its name is as long in every process. Keys of checks call it `FOLDER`; only messages name it.
    """
    base = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
    root = os.path.join(base, f"vibeguard-simulation-{os.getpid():08}")
    shutil.rmtree(root, ignore_errors=True)
    os.mkdir(root, 0o700)
    try:
        with watchdog():
            return _run_in(root, history, look)
    except Hangs as hang:  # outside of any run of it, which would have noted it
        return [f"a defect: {''.join(traceback.format_exception(hang))}"]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _run_in(root: str, history: History, look: Look) -> list[Any]:
    with open(os.path.join(root, INPUT), "w", encoding="ascii") as file:
        file.write("as it was")
    for name, what in history.lying.items():
        put(root, name, what)
    outcome = World(history, root, look).run()
    found = look(outcome)
    if history.again is None:
        return found
    meddle(history.again.between, outcome, root)
    later_ns = round((outcome.elapsed_s + history.again.later_s) * SECOND_NS)
    again = World(history, root, look, first=outcome, later_ns=later_ns)
    return found + look(again.run())
