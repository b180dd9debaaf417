"""Whoever watches a history while it happens: its log line by line, its signals, a follower."""

import json
from typing import Any

from tests.simulation.disk import Disk
from tests.simulation.facts import STANDING
from tests.simulation.history import History
from tests.simulation.kernel import Kernel
from tests.simulation.outcome import Outcome
from vibeguard.core.fold.fold import apply
from vibeguard.core.model.state import State
from vibeguard.core.names import LeakPolicy
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal.follow import Follower


class Watcher:
    """Notes in the outcome what does not fit at its moment.

    `running` are the checks that do, `finished_outputs` the names of outputs that are whole.
    """

    def __init__(self, history: History, kernel: Kernel, disk: Disk, outcome: Outcome) -> None:
        self.history, self.kernel, self.disk, self.outcome = history, kernel, disk, outcome
        self.running: set[str] = set()
        self.finished_outputs: set[str] = set()
        self._is_deleted = self._is_changed = False  # the log, which its writer has open
        self._cancelled_at = 0  # where the line of a cancel ends
        self._let_live = {c.id for c in history.plan.checks if c.leaks is LeakPolicy.IGNORE}
        self._followed = outcome.followed = State()
        disk.on_line = self.look_at_line
        kernel.on_signal = self.look_at_signal

    def open_follower(self, folder: str) -> Follower:
        """Somebody reads the log while it grows."""
        self.outcome.folder = folder
        self.outcome.follower = follower = Follower(folder)
        return follower

    def see_tampering(self, how: str) -> None:
        """Something was done to the log just now: whoever follows it has to be told."""
        self.follow(to_the_end=True)
        self._is_deleted |= how == "delete"
        self._is_changed |= how != "delete" and not self._is_deleted
        follower, outcome = self.outcome.follower, self.outcome
        if follower is not None and not follower.finished and not outcome.follower_problem:
            outcome.unnoticed = how

    def look_at_line(self, line: bytes) -> None:
        """A line is being written to the log: does the world agree?"""
        kernel = self.kernel
        self.outcome.written_after_tampering += self._is_changed
        if line.startswith(b'{"type":"run.cancel_requested"'):
            self._cancelled_at = len(self.disk.written) + len(line)
        elif line.startswith(b'{"type":"check.started"'):
            unsafe = not self.disk.durable and self.disk.trouble is None
            self.outcome.started_before_the_plan_was_safe |= unsafe
            self.running.add(json.loads(line)["check"])
        elif line.startswith(b'{"type":"run.paused"'):
            # Where the system lets nobody send a signal, or the line ends the log, what runs goes on.
            free = kernel.will_fail("kill") or self._is_changed
            kernel.paused_ns = None if free else kernel.now_ns
        elif line.startswith(b'{"type":"run.resumed"'):
            kernel.paused_ns = None
        elif line.startswith(b'{"type":"check.attempt_finished"'):
            event = json.loads(line)
            self.running.discard(event["check"])
            kernel.over.add(f"{event['check']}.{event['attempt']}")
            if event.get("output_path") and event["end"] == "exited":
                self.finished_outputs.add(event["output_path"])
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
            refused = any(fault.call == "kill" for fault in self.outcome.history.faults)
            for process in self.kernel.processes.values():
                theirs = (
                    process.alive and not process.remote and process.owner.split(".")[0] == check
                )
                let_be = process.stuck or (refused and process.owner in self.outcome.given_up)
                if theirs and process.is_traceable and not let_be:
                    self.outcome.settled_alive.append(
                        f"{process.owner} ({process.pid}) is alive when its check settles"
                    )

    def _look_at_what_is_lost(self, event: dict[str, Any]) -> None:
        """A worker was not heard of: by now its lease is over, and it has ended the attempt.

        Not where all machines stood still together: they go on together, too.
        """
        if self.outcome.has(*STANDING):
            return
        leader = self.kernel.leaders.get((event["check"], event["attempt"]))
        if leader is not None and leader.remote and leader.alive and not leader.stuck:
            self.outcome.settled_alive.append(f"{leader.owner} was called lost and runs on")

    def look_at_signal(self) -> None:
        """A process is told to end: by then a cancel has to be where no crash takes it back."""
        damaged = any(happening.what == "tamper" for _, happening in self.outcome.delivered)
        damaged = damaged or self.disk.trouble is not None
        if self.disk.durable < self._cancelled_at and not damaged:
            self.outcome.told_before_it_was_safe.append("a cancel was obeyed before it was safe")

    def follow(self, *, to_the_end: bool = False) -> None:
        """A reader looks at the log as it is at this moment; one that lags, at a piece of it."""
        follower, outcome = self.outcome.follower, self.outcome
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
