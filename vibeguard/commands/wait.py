"""`vibeguard wait`."""

from vibeguard.commands.opening import open_run
from vibeguard.commands.options import WAIT_DEFAULTS, GlobalOptions, RunName, WaitOptions
from vibeguard.core.fold.verdict import only_the_background_is_left
from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.model.state import State
from vibeguard.core.names import CheckState
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.clock import command_began_s
from vibeguard.system.front.following import Enough, Until, follow
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.view import format_options, make_view
from vibeguard.system.journal.follow import Follower


def wait(
    run: RunName = "latest",
    /,
    *,
    common: GlobalOptions,
    options: WaitOptions = WAIT_DEFAULTS,
) -> int:
    """Wait for a run; end with its exit code, or 5 while it is pending."""
    began = command_began_s()
    deadline = None if options.max_wait is None else began + options.max_wait / SECOND_NS
    folder = open_run(run, common, at_work=True)
    output = Output()
    shown: FormatOptions = format_options(run_folder=folder, verbose=common.verbose)
    view = make_view("json" if common.json else "text", shown, output, live=False)
    return follow(Follower(folder), view, output, Until(_enough(options), deadline))


def _enough(options: WaitOptions) -> Enough:
    """What is waited for. Raises UsageError for a check that the run does not have."""
    if options.check is not None:
        check = options.check
        return lambda state: _has_settled(state, check)
    if options.until == "check":
        raise UsageError("--until check needs a check", "name it: --check ID")
    if options.until == "foreground":
        return only_the_background_is_left
    return lambda _: False


def _has_settled(state: State, check: str) -> bool:
    """Whether the check has; where it was the last one, the end of the run is waited for."""
    if state.planned is None:
        return False
    record = state.checks.get(check)
    if record is None:
        raise UsageError(f"this run has no check {check}", "see them: vibeguard status")
    return record.state is CheckState.SETTLED and state.settled < len(state.checks)
