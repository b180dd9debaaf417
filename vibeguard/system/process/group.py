"""The processes of one attempt where the system does not list processes: its process group.

Weaker than a tree: what leaves the group is neither found nor ended (docs/processes.md).
"""

import os
import signal
from contextlib import suppress

from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.system.process import process_tree
from vibeguard.system.process.attempt_tree import AttemptTree
from vibeguard.system.process.proc import Identity


class AttemptGroup(AttemptTree):
    """Ends, stops and finds by group what `AttemptTree` does by process."""

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
