"""What happens to a run from outside: signals, orders, requests, crashes, other runs."""

import fcntl
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from random import Random
from typing import Any

from tests.simulation.disk import Disk
from tests.simulation.history import INPUT, Happening
from tests.simulation.outcome import Death
from tests.simulation.processes import SECOND_NS
from tests.simulation.seams import simulated
from tests.simulation.watcher import Watcher
from vibeguard.system.channel import Interrupt, Kill, Pause, Resume, send
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.process.sweep import kill_descendants
from vibeguard.system.rundir.control import request

SWEEP_BOUND_S = 1.0


class Outside:
    """Carries out what happens. `start_another` begins a second run, and ends it, at this moment."""

    def __init__(self, watcher: Watcher, root: str, start_another: Callable[[], None]) -> None:
        self.history, self.kernel = watcher.history, watcher.kernel
        self.disk, self.outcome = watcher.disk, watcher.outcome
        self.over = False
        self._watcher = watcher
        self._start_another = start_another
        self._root = root
        self._state_dir = os.path.join(root, ".vibeguard")
        self._start_ns = self.kernel.now_ns
        self._orders = -1
        self._others_lock: int | None = None

    def open_orders(self) -> int:
        """Where the run reads the orders of its front."""
        orders, self._orders = os.pipe()
        return orders

    def happen(self, happening: Happening) -> None:
        if self.over:
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
                self.close_orders()
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
                self._start_another()
                if detail == "supersedes":
                    self.happen(Happening("cancel"))
            case "edit":
                self.outcome.edited_ns.append(now_ns - self._start_ns)
                with open(os.path.join(self._root, INPUT), "a", encoding="ascii") as file:
                    file.write("more\n")
        self.kernel.woken = True

    def _order(self, order: Any) -> None:
        if self._orders >= 0:
            send(self._orders, order)
            self.kernel.woken = True

    def close_orders(self) -> None:
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
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            now_s = (self.kernel.now_ns - self._start_ns) / SECOND_NS
            self.outcome.group_taken.append((now_s, now_s + seconds))
            self._others_lock = descriptor
            self.kernel.later(round(seconds * SECOND_NS), "call", self.release_group)

    def release_group(self) -> None:
        """The other run has ended; at the latest when ours has: a second one asks anew."""
        if self._others_lock is not None:
            os.close(self._others_lock)
            self._others_lock = None

    def _tamper(self, how: str) -> None:
        path = os.path.join(self.outcome.folder, LOG_NAME)
        if how == "output":
            self._alter_output()
            return
        self._watcher.follow(to_the_end=True)
        with suppress(FileNotFoundError):
            if how == "append":
                with open(path, "ab") as file:
                    file.write(b"{}\n")
            elif how == "cut":
                os.truncate(path, os.path.getsize(path) // 2)
            else:
                os.unlink(path)
        self._watcher.see_tampering(how)

    def _alter_output(self) -> None:
        """Somebody writes into what a check has left that is over; not when all is over."""
        finished = sorted(self._watcher.finished_outputs)
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
        self.kernel.violations += kernel.violations[len(self.kernel.violations) :]
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
