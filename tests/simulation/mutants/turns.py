"""Whose turn it is: slots, groups, fail-fast."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "fail-fast waits for what runs",
        "if not self.settings.fail_fast or self._index.failed_first is None:",
        "if True:",
        history=24,
    ),
    Mutant(
        "fail-fast strikes for a warning",
        "        if fails_the_run(record) and record.outcome",
        "        if record.outcome",
        history=48,
    ),
    Mutant(
        "weight counts for nothing",
        "return used == 0 or used + record.slots <= self._state.slots[pool]",
        "return used < self._state.slots[pool]",
        history=35,
    ),
    Mutant(
        "another run's group is taken",
        "    except BlockingIOError:\n        os.close(fd)\n        return None",
        "    except BlockingIOError:\n        return fd",
        history=660,
    ),
    Mutant(
        "a group is kept until the run ends",
        "        descriptor = self._held.pop(group, None)\n",
        "        descriptor = None\n",
        history=25,
    ),
    Mutant(
        "what was skipped counts as passed",
        "        if record.outcome is Outcome.PASSED:\n            self._passed(record)",
        "        if record.outcome in (Outcome.PASSED, Outcome.SKIPPED):\n"
        "            self._passed(record)",
        history=14,
    ),
    Mutant(
        "slots that were offered are never given back",
        "            self._held_slots[record.pool] -= slots\n            self._groups",
        "            self._groups",
        history=5,
    ),
    Mutant(
        "the background takes the foreground's slots",
        "        return used == 0 or used + record.slots <= self._state.slots[pool]",
        "        return used == 0 or used + record.slots <= self._state.slots[Pool.FOREGROUND]",
        history=1,
    ),
    Mutant(
        "the foreground has settled before it has",
        "        if state.unsettled_foreground or state.foreground_settled is not None:",
        "        if state.foreground_settled is not None:",
        history=0,
    ),
    Mutant(
        "what would rather wait does not let others go first",
        "        return self.is_one_pending(check) and self._first_left > 0",
        "        return False",
        history=14,
    ),
)
