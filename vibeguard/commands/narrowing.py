"""What leaves checks out beside ids and tags: an earlier run (`--failed`)."""

import os
from collections.abc import Collection

from msgspec import Struct

from vibeguard.commands.opening import open_run
from vibeguard.commands.options import GlobalOptions, RunOptions
from vibeguard.core.model.config import Config
from vibeguard.core.names import LogStatus, Outcome, Verdict
from vibeguard.core.problems import LogCorrupt, UsageError
from vibeguard.core.wording.units import some
from vibeguard.system.journal.endings import ending_of
from vibeguard.system.journal.reader import open_state


class Narrowing(Struct, frozen=True):
    """The ids that are left, by what in words, and lines on what should be known of it."""

    checks: Collection[str]
    by: str
    notes: tuple[str, ...] = ()


def narrowing(config: Config, common: GlobalOptions, options: RunOptions) -> Narrowing | None:
    """What the flags leave of the checks; None where they leave all.

    Raises UsageError for flags that exclude each other, and for what there is nothing to take from.
    """
    if options.failed is None:
        return None
    return _unpassed(options.failed or "latest", config, common)


def _unpassed(reference: str, config: Config, common: GlobalOptions) -> Narrowing:
    """The checks that did not pass in a run; what that run left out is not among them."""
    folder = open_run(reference, common)
    run = os.path.basename(folder)
    state, reading = open_state(folder)
    ending = ending_of(reading, folder)
    if ending.log_status is LogStatus.CORRUPT:
        raise LogCorrupt(f"run {run} cannot be taken from: {ending.problem}")
    if state.finished is not None and state.finished.verdict is Verdict.PASSED:
        raise UsageError(f"run {run} passed: nothing of it is left to run", "leave out --failed")
    left = [name for name, record in state.checks.items() if record.outcome is not Outcome.PASSED]
    known = {check.id for check in config.checks}
    gone = [name for name in left if name not in known]
    notes = (f"not in the config any more: {some(gone, 5)}",) if gone else ()
    checks = frozenset(left) & known
    if not checks:
        what = f"none of the checks that did not pass in run {run} is in the config any more"
        raise UsageError(what, "leave out --failed")
    return Narrowing(checks, f"what did not pass in run {run}", notes)
