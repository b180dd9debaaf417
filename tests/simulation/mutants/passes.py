"""Passes that are recorded and reused."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a pass is recorded although its input has changed meanwhile",
        "if taken.unusable or Before(taken.key, taken.stillness, around, before.read_from) != before:",
        "if taken.unusable:",
        history=57,
    ),
    Mutant(
        "the run behind a record is not looked at",
        " or standing.problem(record):",
        ":",
        history=160,
    ),
    Mutant(
        "a record holds for ever",
        "return 0 <= now_ns - self.passed_ns <= limit",
        "return 0 <= now_ns - self.passed_ns",
        history=116,
    ),
    Mutant(
        "a record from the future holds",
        "return 0 <= now_ns - self.passed_ns <= limit",
        "return now_ns - self.passed_ns <= limit",
        history=730,
    ),
    Mutant(
        "a record that was changed is believed",
        "if digest != sha256(text).hexdigest().encode():",
        "if not digest:",
        history=229,
    ),
    Mutant(
        "another check's record is believed",
        "return record if record and (record.check, record.key) == (check, key) else None",
        "return record",
        history=416,
    ),
    Mutant(
        "a pass on a retry is recorded",
        "        and not settled.flaky\n",
        "",
        history=25,
    ),
    Mutant(
        "a pass that left something behind is recorded",
        "        and not settled.leaked\n        and finished is not None\n"
        "        and not finished.leaked\n",
        "",
        history=603,
    ),
)
