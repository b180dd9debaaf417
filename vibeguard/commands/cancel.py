"""`vibeguard cancel`."""

from typing import Annotated

from vibeguard.commands.opening import open_run
from vibeguard.commands.options import GlobalOptions, RunName
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.commands.streams import write_err
from vibeguard.core.names import CheckState, LogStatus
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.clock import wall_ns
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.control import request
from vibeguard.system.rundir.ids import place_of
from vibeguard.system.vouching.endings import ending_of


class CancelOptions(Options, frozen=True, kw_only=True):
    """`cancel`: the whole run, or one check of it."""

    check: Annotated[str | None, Parameter(metavar="ID", help="Cancel this check alone.")] = None


def cancel(run: RunName = "latest", /, *, common: GlobalOptions, options: CancelOptions) -> int:
    """Ask a run, or one check of it, to end; the run's own exit code says how it did."""
    folder = open_run(run, common, at_work=True)
    state, reading = open_state(folder)
    _, run_id = place_of(folder)
    # Where locks do not tell, the process that the log names does.
    if LogStatus.LIVE not in (reading.status, ending_of(reading, folder, state).log_status):
        write_err(f"vibeguard: run {run_id} is over: there is nothing to cancel\n")
        return 0
    payload: dict[str, str] = {}
    if options.check is not None:
        record = state.checks.get(options.check)
        if record is None:
            raise UsageError(
                f"run {run_id} has no check {sanitise(options.check)}",
                f"see them: vibeguard status {run_id}",
            )
        if record.state is CheckState.SETTLED:
            write_err(f"vibeguard: {sanitise(options.check)} has settled already\n")
            return 0
        payload["check"] = options.check
    request(folder, "cancel", payload, now_ns=wall_ns())
    what = sanitise(options.check) if options.check is not None else f"run {run_id}"
    write_err(f"vibeguard: asked to cancel {what}; follow it: vibeguard wait {run_id}\n")
    return 0
