"""Processes: whose they are, how they are ended, what they wrote."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a pid is signalled without a look at whose it is now",
        "        if not _is_there(identity):\n            return False\n",
        "",
        why="few histories have a process that ends in the very milliseconds",
        test="tests/unit/system/process/test_process_tree.py::test_a_number_that_was_given_again_is_left_alone",
    ),
    Mutant(
        "without a pidfd, too",
        "return not gone and _is_there(identity) and _send",
        "return not gone and _send",
        why="few histories have a process that ends in the very milliseconds, and none of those tried",
        test="tests/unit/system/process/test_process_tree.py::test_a_number_that_was_given_again_is_left_alone",
    ),
    Mutant(
        "a tree is stopped in one round",
        "FREEZE_ROUNDS = 100",
        "FREEZE_ROUNDS = 1",
        why="no history has an orphan that comes to us in the middle of a kill",
        test="tests/unit/system/process/test_process_tree.py::test_what_falls_to_us_while_a_tree_is_being_stopped_is_stopped_too",
    ),
    Mutant(
        "a tree is killed without being stopped",
        "for key, stat in freeze(roots).items() if",
        "for key, stat in with_descendants(roots()).items() if",
        history=363,
    ),
    Mutant(
        "a stopped process is not woken to obey SIGTERM",
        "            if process_tree.is_stopped(stat):\n",
        "            if False:\n",
        history=41,
    ),
    Mutant(
        "SIGKILL is repeated for a minute",
        "KILL_PATIENCE_S = 2.0",
        "KILL_PATIENCE_S = 60.0",
        history=95,
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
        "await self._sweep(trio.current_time() + shield_s)",
        "pass",
        history=129,
    ),
    Mutant(
        "an attempt that is not wanted any more goes on",
        "            attempt.request_end(0)\n",
        "            pass\n",
        why="on a simulated machine nothing can settle between a start and its record",
        test="tests/hostile/test_local.py::test_an_accepting_side_that_fails_leaves_no_process",
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
        why="the reactor is told of what is written before it is told of the exit",
        test="tests/unit/system/process/test_output.py::test_draining_takes_what_is_there_and_does_not_wait_for_the_end",
    ),
    Mutant(
        "the front kills without stopping first",
        "found = process_tree.freeze(roots)\n    any_hit",
        "found = process_tree.with_descendants(roots())\n    any_hit",
        history=372,
    ),
)
