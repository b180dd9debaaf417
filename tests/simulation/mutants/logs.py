"""The log, those who read it, and the verdict that it amounts to."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a short write is taken for a whole one",
        "            if written != len(line):",
        "            if written > len(line):",
        history=106,
    ),
    Mutant(
        "foreign bytes in the log are not noticed",
        "        if found:\n            self._refuse_altered(found)",
        "        if found:\n            return",
        history=149,
    ),
    Mutant(
        "bytes of the log that were replaced are noticed at its end only",
        "found = self._changed_since()",
        "found = []",
        why="no history replaces bytes while the run goes on",
        test="tests/unit/system/journal/test_writer.py::"
        "test_what_was_done_to_the_log_is_found_at_the_next_write",
    ),
    Mutant(
        "the seal is not synchronised",
        "        self._write(encode_seal(event, self._digest))\n        self.sync()",
        "        self._write(encode_seal(event, self._digest))",
        history=0,
    ),
    Mutant(
        "a disk that is full cannot be written to with the reserve",
        "if error.errno not in _FULL or not self._reserve.give_up():",
        "if True:",
        history=22,
    ),
    Mutant(
        "a log is complete when its last check has settled",
        "    elif decoder.sealed is not None:",
        "    elif decoder.lines > 6:",
        history=0,
    ),
    Mutant(
        "a seal of other bytes is believed",
        "if digest.hexdigest() != event.sha256:",
        "if False:",
        why="no history forges a seal",
        test="tests/unit/core/eventlog/test_decode.py::test_a_seal_of_other_bytes_is_damage",
    ),
    Mutant(
        "errors do not fail a run",
        "record.outcome is Outcome.PASSED:\n        return False",
        "record.outcome in (Outcome.PASSED, Outcome.ERROR):\n        return False",
        history=70,
    ),
    Mutant(
        "every skip is one that the config asked for",
        "if settled is not None and (settled.waived or settled.quarantined):",
        "if settled is not None and (record.outcome is Outcome.SKIPPED or settled.quarantined):",
        history=18,
    ),
    Mutant(
        "a cancel decides over a log that could not be stored",
        "    if present is None or cancel.reason is CancelReason.LOG_FAILURE:\n"
        "        return present is None or present.reason is not CancelReason.LOG_FAILURE\n",
        "    if present is None:\n        return True\n",
        history=1749,
    ),
    Mutant(
        "a follower does not notice that its log was cut",
        "        if status.st_size < self._read_bytes:",
        "        if False:",
        history=154,
    ),
    Mutant(
        "a follower does not notice that its log was deleted",
        '            raise self._corrupt("the log was deleted while it was followed") from None',
        "            return",
        history=162,
    ),
    Mutant(
        "a follower reads on behind the place that it has reached",
        "        self._read_bytes += len(chunk)",
        "        self._read_bytes += len(chunk) + 1",
        history=2,
    ),
    Mutant(
        "a check that was cancelled fails no run",
        "record.outcome is Outcome.PASSED:\n        return False",
        "record.outcome in (Outcome.PASSED, Outcome.CANCELLED):\n        return False",
        history=124,
    ),
    Mutant(
        "a run in which nothing ran passes",
        "    if not any(map(was_executed, state.checks.values())):",
        "    if False:",
        history=650,
    ),
    Mutant(
        "a warning fails the run",
        "    return record.planned.severity is Severity.ERROR",
        "    return True",
        history=11,
    ),
    Mutant(
        "a run has passed before its seal",
        "    if state.finished is not None and state.sealed is not None:",
        "    if state.finished is not None:",
        history=4,
    ),
)
