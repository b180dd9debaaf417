"""What must hold of every history, whatever happened in it.

They look at the log as anybody could read it, at what the simulated processes really did, and at
the moments at which things happened. None asks the scheduler, the supervisor or the fold's State
for anything but what is to be compared.
"""

from collections.abc import Callable

from tests.simulation.facts import Facts, Findings
from tests.simulation.oracles import endings, files, limits, rulings, starts, verdicts
from tests.simulation.outcome import Outcome

Oracle = Callable[[Outcome, list[Facts]], Findings]
ORACLES: tuple[Oracle, ...] = (
    *endings.ORACLES,
    *verdicts.ORACLES,
    *files.ORACLES,
    *starts.ORACLES,
    *limits.ORACLES,
    *rulings.ORACLES,
)


def findings(outcome: Outcome) -> list[str]:
    """Everything that is wrong with a history; empty when all is well."""
    if outcome.defect:
        return [f"a defect: {outcome.defect}"]
    log = outcome.events
    return [
        f"{oracle.__name__}: {finding}" for oracle in ORACLES for finding in oracle(outcome, log)
    ]
