"""Processes: whose they are, how they are ended, what they wrote."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a pid is signalled without a look at whose it is now",
        "        if not _is_there(identity):\n            return False\n",
        "",
        history=12,
    ),
    Mutant(
        "without a pidfd, too",
        "return not gone and _is_there(identity) and _send",
        "return not gone and _send",
    ),
    Mutant(
        "a tree is stopped in one round",
        "FREEZE_ROUNDS = 100",
        "FREEZE_ROUNDS = 1",
        why="the kill looks again until nothing is left, and no program of a history forks for ever",
    ),
    Mutant(
        "a tree is killed without being stopped",
        "for key, stat in freeze(roots).items() if",
        "for key, stat in with_descendants(roots()).items() if",
        why="the same",
    ),
    Mutant(
        "a stopped process is not woken to obey SIGTERM",
        "            if process_tree.is_stopped(stat):\n"
        "                process_tree.send(identity, signal.SIGCONT)\n        self._paused.clear()",
        "        self._paused.clear()",
        why="the grace passes and SIGKILL ends it: only who reads the survivors sees it",
    ),
    Mutant(
        "SIGKILL is repeated for a minute",
        "KILL_PATIENCE_S = 2.0",
        "KILL_PATIENCE_S = 60.0",
        history=40,
    ),
    Mutant(
        "nothing is killed after the grace",
        "            self.survivors = self._tree.survivors()\n        await self._kill()",
        "            self.survivors = self._tree.survivors()\n            return\n"
        "        await self._kill()",
        history=63,
    ),
    Mutant(
        "a leader's exit is taken for the end of its tree",
        "elif self._tree.is_gone():",
        "elif self._tree.leader_gone:",
        history=13,
    ),
    Mutant(
        "what belongs to nobody is not swept at the end",
        "swept = await self._sweep(trio.current_time() + shield_s)",
        "swept = ()",
        history=129,
    ),
    Mutant(
        "an attempt that is not wanted any more goes on",
        "            attempt.request_end(0)\n",
        "            pass\n",
        why="a start has no checkpoint before `accepted`: on this machine nothing can settle in "
        "between",
    ),
    Mutant(
        "an orphan's mark is not looked at",
        "lambda claim: claim.mark == mark,",
        "lambda claim: False,",
        history=313,
    ),
    Mutant(
        "there are never any orphans",
        "return self._leaders.issuperset(self._children.read())",
        "return True",
        history=13,
    ),
    Mutant(
        "what a command wrote last is not read",
        "    remaining = waiting_bytes(pipe)\n",
        "    remaining = 0\n",
    ),
    Mutant(
        "the front kills without stopping first",
        "found = process_tree.freeze(roots)\n    any_hit",
        "found = process_tree.with_descendants(roots())\n    any_hit",
        why="the sweep looks again until nothing is left, so that what forks away is found then",
    ),
)
