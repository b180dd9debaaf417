"""Defects that were mended, put in again."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a check is looked up before what it need not wait for has passed",
        "return check in self.unasked and not self.requirements.is_one_pending(check)",
        "return check in self.unasked",
        why="what it need not wait for has nearly always passed by then",
        test="tests/unit/core/scheduling/test_scheduler.py::test_what_is_looked_up_no_more_than_once_may_start_beside_what_it_requires",
    ),
    Mutant(
        "a run that lost an output leaves passes",
        "return state.cancel is not None and state.cancel.reason is CancelReason.LOG_FAILURE",
        "return False",
        history=81375,
    ),
    Mutant(
        "what is killed in a pause waits for the end of that",
        "        self.resume()\n        self._grace_ns = 0\n",
        "        self._grace_ns = 0\n",
        history=58661,
    ),
    Mutant(
        "a check starts in a pause",
        "self._index.slots.offer() if self.state.paused_since is None else None",
        "self._index.slots.offer()",
        history=2625,
    ),
    Mutant(
        "an attempt that could not be killed has no status, and the fold refuses it",
        "return event.end is not _EXITED or bool(event.unkillable)",
        "return event.end is not _EXITED",
        history=70,
    ),
    Mutant(
        "housekeeping looks through what has been given back",
        "            if self._closed:  # while it slept",
        "            if False:  # while it slept",
        why="it takes a wake-up in the same microseconds",
        test="tests/hostile/test_local.py::test_housekeeping_that_sleeps_past_the_end_looks_through_nothing",
    ),
    Mutant(
        "what could not be killed is waited for twice",
        "            self._shared.orphans.give_up(self._tree.alive())",
        "            pass",
        history=92,
    ),
    Mutant(
        "a pause that finds the log gone stops the clock",
        "            if self.recorder.failure is None:  # else everything",
        "            if True:  # else everything",
        history=5173,
    ),
    Mutant(
        "the last sweep ends while one that has died waits to be reaped",
        "is_over = not any_hit and not process_tree.has_dead_child_of_ours(unowned)",
        "is_over = not any_hit",
        why="what dies is reaped by the look of the next microseconds",
        test="tests/hostile/test_local.py::test_what_dies_while_the_end_is_looked_for_is_reaped_with_all_it_leaves",
    ),
    Mutant(
        "a check that was cancelled while it was being started runs",
        "        if self.check.state is CheckState.SETTLED:\n"
        '            raise StartRefused("the check was cancelled while it was being started")\n',
        "",
        why="no start of a history goes on when it is cancelled",
        test="tests/design/test_s4_scheduling.py::test_a_check_cancelled_while_its_start_waits_stays_cancelled",
    ),
    Mutant(
        "a quarantine holds for what has passed when it was run again",
        "return QuarantineState.APPLIES if listed and failing(gathered) else",
        "return QuarantineState.APPLIES if listed and gathered.failed else",
        history=77180,
    ),
    Mutant(
        "whose an orphan was is asked when it has died since it was seen",
        "            if stat.is_dead or (owner is None and not proc.is_alive(stat.identity)):\n",
        "            if stat.is_dead:\n",
        history=41438,
    ),
)
