"""The processes of one attempt where the system does not list processes: its process group.

Weaker than a tree: what leaves the group is neither found nor ended (docs/processes.md).
"""

import os
import signal
from contextlib import suppress

from vibeguard.core.model.events import ProcessReport
from vibeguard.system.process.attempt_tree import AttemptTree
from vibeguard.system.process.proc import Identity


class AttemptGroup(AttemptTree):
    """Ends, stops and finds by group what `AttemptTree` does by process."""

    _is_paused = False

    def is_gone(self) -> bool:
        """Whether the group is empty; a member that nobody has reaped counts as one."""
        if not self.leader_gone:
            return False
        self._reap_adopted()
        return not self._signal_group(0)

    def terminate(self) -> None:
        """SIGTERM, and SIGCONT for whatever is stopped."""
        self._signal_group(signal.SIGTERM)
        self._signal_group(signal.SIGCONT)
        self._is_paused = False

    def kill(self) -> None:
        """SIGKILL to the group."""
        if self._signal_group(signal.SIGKILL):
            self.swept.add(Identity(self.claim.leader, 0))

    def pause(self) -> None:
        """SIGSTOP to the group."""
        if not self._is_paused:
            self._is_paused = self._signal_group(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to the group, if `pause` stopped it."""
        if self._is_paused:
            self._signal_group(signal.SIGCONT)
            self._is_paused = False

    def reports(self) -> tuple[ProcessReport, ...]:
        """One line for all of them."""
        if not self._signal_group(0):
            return ()
        return (ProcessReport(pid=self.claim.leader, command="[its process group]"),)

    def full_reports(self) -> tuple[ProcessReport, ...]:
        """There is no more to say."""
        return self.reports()

    def _reap_adopted(self) -> None:
        """Where orphans come to us although we cannot list them, their zombies are ours to reap."""
        with suppress(ChildProcessError):
            while os.waitpid(-self.claim.leader, os.WNOHANG)[0]:
                pass

    def _signal_group(self, number: int) -> bool:
        """Whether there was anything to signal."""
        with suppress(ProcessLookupError, PermissionError):  # the latter: only zombies, on macOS
            os.killpg(self.claim.leader, number)
            return True
        return False
