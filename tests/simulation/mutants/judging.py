"""What judges a check beside its exit code: reports, the tree, the time that it takes."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "a report that stood there before is believed",
        "if before is not None and state_of(descriptor) == before:",
        "if False:",
        history=1311,
    ),
    Mutant(
        "what is expected of results is not looked at",
        "    unmet = _unmet(check.expect, evidence.gathered)\n",
        '    unmet = ""\n',
        history=111,
    ),
    Mutant(
        "a failed test beside exit code 0 passes",
        "    count = failing(evidence.gathered)\n    if count:",
        "    count = failing(evidence.gathered)\n    if count < 0:",
        history=7,
    ),
    Mutant(
        "what was judged for too long is a pass",
        "    if command.outcome is Outcome.PASSED:\n        return Judgement(Outcome.ERROR, reason, detail)\n",
        "    if command.outcome is Outcome.PASSED:\n        return command\n",
        history=132,
    ),
    Mutant(
        "a check that must leave the tree alone may change it",
        "        if before is None or judgement.outcome is Outcome.ERROR:\n",
        "        if True:\n",
        history=93,
    ),
    Mutant(
        "a check that must leave the tree alone runs beside others",
        "return planned.on_change is OnChange.FAIL and planned.pool is not Pool.WORKERS",
        "return False",
        history=7,
    ),
    Mutant(
        "what has changed the tree is tried again",
        "judgement.outcome in (Outcome.FAILED, Outcome.TIMEOUT) and not judgement.changed_files",
        "judgement.outcome in (Outcome.FAILED, Outcome.TIMEOUT)",
        history=784,
    ),
    Mutant(
        "a failure in quarantine fails the run",
        "if settled is not None and (settled.waived or settled.quarantined):",
        "if settled is not None and settled.waived:",
        history=2338,
    ),
    Mutant(
        "a quarantine that is over holds",
        "if quarantine.until and evidence.today > quarantine.until:",
        "if False:",
        history=114,
    ),
    Mutant(
        "what its results speak against is not tried again",
        "    return bool(results.failing) or planned.expect is not None\n",
        "    return False\n",
        history=111,
    ),
    Mutant(
        "a check is not handed its files",
        'files = tuple((listed or b"").split(b"\\0")[:-1]) if planned.pass_files else ()',
        "files = ()",
        history=5,
    ),
)
