"""Events of an attempt that say what was found: in its processes, and in its output."""

from vibeguard.core.judge import Judgement
from vibeguard.core.model.events import CheckExtracted, CheckHang
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.system.executors.base import Attempt


def hang(planned: PlannedCheck, number: int, attempt: Attempt, silent_ns: int) -> CheckHang:
    """What the processes were doing when a limit was reached."""
    return CheckHang(
        check=planned.id,
        attempt=number,
        processes=attempt.processes(),
        silent_ns=silent_ns,
        last_lines=attempt.last_lines(),
    )


def extracted(planned: PlannedCheck, number: int, judgement: Judgement) -> CheckExtracted:
    """What grok found in the output, and what the assertion made of it."""
    return CheckExtracted(
        check=planned.id,
        attempt=number,
        values=judgement.values,
        unmatched=judgement.unmatched,
        assertion=planned.assertion,
        assertion_result=judgement.assertion_result,
    )
