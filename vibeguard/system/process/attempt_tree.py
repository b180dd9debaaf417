"""The processes of one attempt: its leader, what descends from it, and the orphans it owns."""

import signal

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
