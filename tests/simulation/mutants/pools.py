"""Both ends of the protocol between a run and its workers."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a worker starts as often as it hears Go",
        "        if order.answer is Answer.GO and held.stage is Stage.OFFERED:",
        "        if order.answer is Answer.GO:",
        history=4,
    ),
    Mutant(
        "a worker starts without Go",
        "        if order.answer is Answer.GO and held.stage is Stage.OFFERED:",
        "        if held.stage is Stage.OFFERED:",
        history=170,
    ),
    Mutant(
        "a worker is called lost at once",
        "silent_at = self._links[attempt.worker].heard_at + self._lease_s + BEYOND_LEASE_S",
        "silent_at = self._links[attempt.worker].heard_at + 0.1",
        history=4,
    ),
    Mutant(
        "a worker outlives its lease",
        "elif held.stage in _STARTED and now >= link.lease_ends - ENDING_S:",
        "elif held.stage in _STARTED and now >= link.lease_ends + 8 * link.lease_s:",
        history=275,
    ),
    Mutant(
        "a worker that is silent is waited for",
        "silent_at = self._links[attempt.worker].heard_at + self._lease_s + BEYOND_LEASE_S",
        "silent_at = self._links[attempt.worker].heard_at + 1000",
        history=170,
    ),
    Mutant(
        "workers take more than the run may send",
        "        return used == 0 or used + record.slots <= self._state.slots[pool]",
        "        return pool is Pool.WORKERS or used == 0 or used + record.slots <= self._state.slots[pool]",
        history=15,
    ),
    Mutant(
        "what is wanted no more goes on at the worker",
        "            if report.stage is Stage.ENDED:\n                self.late_results += 1\n"
        "            return self._close(worker, report.claim)",
        "            return []",
        why="its lease ends it all the same",
        test="tests/unit/core/pool/test_protocol.py::test_the_protocol[a_late_result_is_dropped]",
    ),
    Mutant(
        "an end that is not confirmed is waited for",
        "        return silent_at if attempt.end_by is None else min(silent_at, attempt.end_by)",
        "        return silent_at",
        why="the task of the check waits no longer than its clean-up bound",
        test="tests/unit/core/pool/test_protocol.py::test_the_protocol[an_end_that_is_not_confirmed_is_lost_after_the_grace]",
    ),
    Mutant(
        "a job that the broker forgot is not sent again",
        "            return attempt.submitted_at + RESUBMIT_S",
        "            return attempt.submitted_at + 1000",
        why="a job that nobody took in time is refused, as it should be",
        test="tests/unit/core/pool/test_protocol.py::test_the_protocol[a_forgotten_job_is_submitted_again]",
    ),
    Mutant(
        "output that comes twice is stored twice",
        'data = chunk.data[have - chunk.offset :] if chunk.offset <= have else b""',
        "data = chunk.data",
        why="only whole messages come twice, and those have a number",
        test="tests/unit/core/pool/test_protocol.py::test_the_protocol[a_gap_in_the_output_is_sent_again]",
    ),
    Mutant(
        "an old message counts like a new one",
        "        if message.number <= link.heard:\n            return []\n",
        "",
        history=47,
    ),
    Mutant(
        "a pause does not reach the workers",
        "        self._paused = paused\n        going",
        "        going",
        history=13266,
    ),
)
