"""The processes of one attempt: its leader, what descends from it, and the orphans it owns."""

import os
import signal
from contextlib import suppress

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.process import hang, process_tree
from vibeguard.system.process.orphans import LOOKS, Claim, Orphans
from vibeguard.system.process.proc import Identity
from vibeguard.system.process.process_tree import Members


class AttemptTree:
    """Finds, signals, stops and ends the processes of one attempt.

    `swept` are the processes that were sent SIGKILL, `refused` those that could not be sent
    SIGTERM.
    """

    def __init__(self, claim: Claim, orphans: Orphans) -> None:
        self.claim = claim
        self.leader_gone = False
        self.swept: set[Identity] = set()
        self.refused: set[Identity] = set()
        self._orphans = orphans
        self._paused: list[Identity] = []

    def members(self) -> Members:
        """All processes of the attempt that can be seen."""
        return self._note_sessions(process_tree.with_descendants(self._roots()))

    def alive(self) -> Members:
        """The members that have not ended.

        Orphans that have all ended since they were found may have handed a child to us meanwhile:
        one looks again. What dies and forks for ever counts as alive.
        """
        members: Members = {}
        for _ in range(LOOKS):
            members = self.members()
            living = {key: stat for key, stat in members.items() if not stat.is_dead}
            if living or all(key.pid == self.claim.leader for key in members):
                return living
        return members

    def is_gone(self) -> bool:
        """Proof that nothing is left; next to no work when there are no orphans of anybody."""
        if not self.leader_gone:
            return False
        return self._orphans.nothing_new() or not self._orphans.of(self.claim)

    def terminate(self) -> None:
        """SIGTERM to every process, and SIGCONT to the stopped ones, so that they can obey."""
        for identity, stat in self.alive().items():
            if not process_tree.send(identity, signal.SIGTERM):
                self.refused.add(identity)
            if process_tree.is_stopped(stat):
                process_tree.send(identity, signal.SIGCONT)
        self._paused.clear()

    def kill(self) -> None:
        """Stop every process, look again until nothing is new, SIGKILL all of them."""
        self.swept.update(self._note_sessions(process_tree.kill(self._roots)))

    def pause(self) -> None:
        """Stop every process that is not stopped yet."""
        if not self._paused:
            stopped = self._note_sessions(process_tree.freeze(self._roots))
            self._paused = [
                key for key, stat in stopped.items() if not process_tree.is_stopped(stat)
            ]

    def resume(self) -> None:
        """Let those go on that `pause` stopped; what had stopped itself stays stopped."""
        for identity in self._paused:
            process_tree.send(identity, signal.SIGCONT)
        self._paused.clear()

    def reports(self) -> tuple[ProcessReport, ...]:
        """Which processes there are."""
        return tuple(hang.brief_report(stat) for stat in self.alive().values())

    def survivors(self) -> tuple[ProcessReport, ...]:
        """Processes that live on although they were told to end, or that began after that."""
        alive = self.alive().items()
        return tuple(hang.brief_report(stat) for key, stat in alive if key not in self.refused)

    def count_swept(self) -> int:
        """How many processes SIGKILL has ended: what got it and lives on is not among them."""
        return len(self.swept.difference(self.alive())) if self.swept else 0

    def full_reports(self) -> tuple[ProcessReport, ...]:
        """What each of them is doing."""
        return tuple(hang.full_report(stat) for stat in self.members().values())

    def _roots(self) -> list[int]:
        """The processes that all of it descends from: the leader, and the orphans."""
        roots = [stat.pid for stat in self._orphans.of(self.claim)]
        return roots if self.leader_gone else [self.claim.leader, *roots]

    def _note_sessions(self, members: Members) -> Members:
        """Remember the sessions seen: an orphan may be known by one later."""
        for stat in members.values():
            self.claim.saw(stat)
        return members


class AttemptGroup(AttemptTree):
    """The same by its process group, where the system does not list processes.

    Weaker than a tree: what leaves the group is neither found nor ended (docs/processes.md).
    """

    _is_paused = False
    _told: set[Identity] | None = None

    def is_gone(self) -> bool:
        """Whether the group is empty, and no orphan of it left to us.

        An orphan that has become our child only after SIGTERM was sent gets it now.
        """
        if not self.leader_gone:
            return False
        self._reap_adopted()
        if self._told is not None:
            self._tell_orphans(self._told)
        return not self._signal_group(0) and super().is_gone()

    def terminate(self) -> None:
        """SIGTERM, and SIGCONT for whatever is stopped."""
        self._signal_group(signal.SIGTERM)
        self._signal_group(signal.SIGCONT)
        self._told = set()
        self._tell_orphans(self._told)
        self._is_paused = False

    def kill(self) -> None:
        """SIGKILL to the group and to its orphans; those that this makes get it the next time."""
        if self._signal_group(signal.SIGKILL):
            self.swept.add(Identity(self.claim.leader, 0))
        self.swept.update(self._signal_orphans(signal.SIGKILL))

    def pause(self) -> None:
        """SIGSTOP to the group."""
        if not self._is_paused:
            self._is_paused = self._signal_group(signal.SIGSTOP)
            self._signal_orphans(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to the group, if `pause` stopped it."""
        if self._is_paused:
            self._signal_group(signal.SIGCONT)
            self._signal_orphans(signal.SIGCONT)
            self._is_paused = False

    def reports(self) -> tuple[ProcessReport, ...]:
        """One line for the group, one for each orphan."""
        orphans = self._orphans.of(self.claim)
        outside = [stat for stat in orphans if stat.group != self.claim.leader]
        group = (ProcessReport(pid=self.claim.leader, command="[its process group]"),)
        return (
            *(group if self._signal_group(0) else ()),
            *(ProcessReport(pid=stat.pid, command=f"[{stat.name}]") for stat in outside),
        )

    def survivors(self) -> tuple[ProcessReport, ...]:
        """All that lives on: nothing tells which process of a group got a signal."""
        return self.reports()

    def full_reports(self) -> tuple[ProcessReport, ...]:
        """There is no more to say."""
        return self.reports()

    def _tell_orphans(self, told: set[Identity]) -> None:
        for stat in self._orphans.of(self.claim):
            if stat.identity not in told and process_tree.send(stat.identity, signal.SIGTERM):
                process_tree.send(stat.identity, signal.SIGCONT)
                told.add(stat.identity)

    def _signal_orphans(self, number: int) -> set[Identity]:
        """The orphans that got the signal."""
        orphans = {stat.identity for stat in self._orphans.of(self.claim)}
        return {identity for identity in orphans if process_tree.send(identity, number)}

    def _reap_adopted(self) -> None:
        """Where orphans come to us although we cannot list them, their zombies are ours to reap."""
        with suppress(ChildProcessError):
            while os.waitpid(-self.claim.leader, os.WNOHANG)[0]:
                pass

    def _signal_group(self, number: int) -> bool:
        """Whether there was anything to signal: without a group of its own, the leader alone.

        A group of which nothing may be signalled (a setuid program) is there, and got nothing.
        """
        try:
            os.killpg(self.claim.leader, number)
        except PermissionError:
            return number == 0
        except ProcessLookupError:
            pass
        else:
            return True
        return not self.leader_gone and process_tree.send(Identity(self.claim.leader, 0), number)
