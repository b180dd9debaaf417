"""The log, those who read it, and the verdict that it amounts to."""

from tests.simulation.mutants import CORE, JOURNAL, Mutant

MUTANTS = (
    Mutant(
        "a short write is taken for a whole one",
        JOURNAL + "writer.py",
        "            if written != len(line):",
        "            if written > len(line):",
    ),
    Mutant(
        "foreign bytes in the log are not noticed",
        JOURNAL + "writer.py",
        "if os.lseek(self._folder.log_fd, 0, os.SEEK_CUR) != self.bytes:",
        "if False:",
        why="the log is read back before its seal, and then they are found",
    ),
    Mutant(
        "the seal is not synchronised",
        JOURNAL + "writer.py",
        "        self._write(encode_seal(event, self._digest))\n        self.sync()",
        "        self._write(encode_seal(event, self._digest))",
        history=0,
    ),
    Mutant(
        "a disk that is full cannot be written to with the reserve",
        JOURNAL + "writer.py",
        "if error.errno not in _FULL or not self._reserve.give_up():",
        "if True:",
    ),
    Mutant(
        "a log is complete when its last check has settled",
        JOURNAL + "reader.py",
        "    elif decoder.sealed is not None:",
        "    elif decoder.lines > 6:",
        history=0,
    ),
    Mutant(
        "a seal of other bytes is believed",
        CORE + "eventlog/decode.py",
        "if digest.hexdigest() != event.sha256:",
        "if False:",
        why="no history forges a seal",
    ),
    Mutant(
        "errors do not fail a run",
        CORE + "fold/verdict.py",
        "record.outcome is Outcome.PASSED:\n        return False",
        "record.outcome in (Outcome.PASSED, Outcome.ERROR):\n        return False",
        history=43,
    ),
    Mutant(
        "every skip is one that the config asked for",
        CORE + "fold/verdict.py",
        "if settled is not None and (settled.waived or settled.quarantined):",
        "if settled is not None and (record.outcome is Outcome.SKIPPED or settled.quarantined):",
        history=18,
    ),
    Mutant(
        "a cancel decides over a log that could not be stored",
        CORE + "fold/verdict.py",
        "    if present is None or cancel.reason is CancelReason.LOG_FAILURE:\n"
        "        return present is None or present.reason is not CancelReason.LOG_FAILURE\n",
        "    if present is None:\n        return True\n",
    ),
    Mutant(
        "a follower does not notice that its log was cut",
        JOURNAL + "follow.py",
        "        if status.st_size < self._read_bytes:",
        "        if False:",
    ),
    Mutant(
        "a follower does not notice that its log was deleted",
        JOURNAL + "follow.py",
        '            raise self._corrupt("the log was deleted while it was followed") from None',
        "            return",
    ),
    Mutant(
        "a follower reads on behind the place that it has reached",
        JOURNAL + "follow.py",
        "        self._read_bytes += len(chunk)",
        "        self._read_bytes += len(chunk) + 1",
        history=2,
    ),
    Mutant(
        "a check that was cancelled fails no run",
        CORE + "fold/verdict.py",
        "record.outcome is Outcome.PASSED:\n        return False",
        "record.outcome in (Outcome.PASSED, Outcome.CANCELLED):\n        return False",
    ),
    Mutant(
        "a run in which nothing ran passes",
        CORE + "fold/verdict.py",
        "    if not any(map(was_executed, state.checks.values())):",
        "    if False:",
    ),
    Mutant(
        "a warning fails the run",
        CORE + "fold/verdict.py",
        "    return record.planned.severity is Severity.ERROR",
        "    return True",
        history=11,
    ),
    Mutant(
        "a run has passed before its seal",
        CORE + "fold/verdict.py",
        "    if state.finished is not None and state.sealed is not None:",
        "    if state.finished is not None:",
        history=4,
    ),
)
