"""Passes that are recorded and reused."""

from tests.simulation.mutants import CORE, REUSE, Mutant

MUTANTS = (
    Mutant(
        "a pass is recorded although its input has changed meanwhile",
        REUSE + "lookup.py",
        "if taken.unusable or Before(taken.key, taken.stillness, around) != before:",
        "if taken.unusable:",
        history=57,
    ),
    Mutant(
        "the run behind a record is not looked at",
        REUSE + "lookup.py",
        "        if not standing.problem(record):",
        "        if True:",
    ),
    Mutant(
        "a record holds for ever",
        CORE + "reuse/record.py",
        "return 0 <= now_ns - self.passed_ns <= limit",
        "return 0 <= now_ns - self.passed_ns",
        history=116,
    ),
    Mutant(
        "a record from the future holds",
        CORE + "reuse/record.py",
        "return 0 <= now_ns - self.passed_ns <= limit",
        "return now_ns - self.passed_ns <= limit",
    ),
    Mutant(
        "a record that was changed is believed",
        CORE + "reuse/record.py",
        'if newline != b"\\n" or digest != sha256(text).hexdigest().encode():',
        'if newline != b"\\n":',
    ),
    Mutant(
        "another check's record is believed",
        REUSE + "records.py",
        "return record if record and (record.check, record.key) == (check, key) else None",
        "return record",
    ),
    Mutant(
        "a pass on a retry is recorded",
        REUSE + "standing.py",
        "        and not settled.flaky\n",
        "",
        history=25,
    ),
    Mutant(
        "a pass that left something behind is recorded",
        REUSE + "standing.py",
        "        and not settled.leaked\n        and finished is not None\n"
        "        and not finished.leaked\n",
        "",
    ),
)
