"""Defects that were mended, put in again."""

from tests.simulation.mutants import CORE, EXECUTORS, SUPERVISOR, Mutant

MUTANTS = (
    Mutant(
        "an attempt that could not be killed has no status, and the fold refuses it",
        CORE + "fold/checks.py",
        "return event.end is not _EXITED or bool(event.unkillable)",
        "return event.end is not _EXITED",
        history=70,
    ),
    Mutant(
        "housekeeping looks through what has been given back",
        EXECUTORS + "local.py",
        "            if self._closed:  # while it slept",
        "            if False:  # while it slept",
        why="it takes a wake-up in the same microseconds: found once, by a defect of the simulator",
    ),
    Mutant(
        "what could not be killed is waited for twice",
        EXECUTORS + "local_attempt.py",
        "            self._shared.orphans.give_up(self._tree.alive())",
        "            pass",
    ),
    Mutant(
        "a pause that finds the log gone stops the clock",
        SUPERVISOR + "run.py",
        "            if self.recorder.failure is None:  # else everything",
        "            if True:  # else everything",
    ),
)
