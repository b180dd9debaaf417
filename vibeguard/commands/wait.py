"""`vibeguard wait`."""

import contextlib
import os
import sys

from vibeguard.commands.log_options import ReportOptions, WaitOptions
from vibeguard.commands.opening import follow_run, open_run
from vibeguard.commands.options import GlobalOptions, RunName
from vibeguard.commands.report import report
from vibeguard.core.fold.verdict import fails_the_run, has_failed, only_the_background_is_left
from vibeguard.core.formats.base import Ending, Format, FormatOptions
from vibeguard.core.model.state import State
from vibeguard.core.names import CheckState, ExitCode
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.clock import command_began_s
from vibeguard.system.front.following import Enough, Until, never
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.view import View, make_view


def wait(run: RunName = "latest", /, *, common: GlobalOptions, options: WaitOptions) -> int:
    """Wait for a run; end with its exit code, or 5 while it is pending."""
    began = command_began_s()
    deadline = None if options.max_wait is None else began + options.max_wait / SECOND_NS
    folder = open_run(run, common, at_work=True)
    output = Output()
    if options.notify:
        return _notify(folder, output, Until(_enough_to_notify, deadline), common)
    shown: FormatOptions = format_options(run_folder=folder, verbose=common.verbose)
    view = make_view("json" if common.json else "text", shown, output, live=False)
    return follow_run(folder, view, output, Until(_enough(options), deadline))


class _Unseen(View):
    """Shows nothing: what may be wrong with the log is told by the report that follows."""

    def finish(self, ending: Ending) -> None:
        """The end is told by an exit code alone."""


def _notify(folder: str, output: Output, until: Until, common: GlobalOptions) -> int:
    """0 and not one byte, or 2 and the report on stderr: what wakes a coding agent."""
    view = _Unseen(Format(FormatOptions()), output)
    code = follow_run(folder, view, output, until)
    believed = view.problem is None and code not in (ExitCode.CORRUPT, ExitCode.INCOMPLETE)
    if believed and not _background_has_failed(view.state):
        return 0
    with contextlib.redirect_stdout(sys.stderr):
        report(os.path.basename(folder), common=common, options=ReportOptions(format="agent"))
    return 2


def _enough_to_notify(state: State) -> bool:
    """Whether the foreground has failed, which is told to whoever waits for it, or the rest has."""
    return state.foreground_settled is not None and has_failed(state)


def _background_has_failed(state: State) -> bool:
    """Whether a check has failed after the foreground had settled without a failure."""
    settled_t = state.foreground_settled_t
    if settled_t is None or state.cancel is not None:
        return False
    failed = [each.settled_t for each in state.checks.values() if fails_the_run(each)]
    return bool(failed) and all(t is not None and t >= settled_t for t in failed)


def _enough(options: WaitOptions) -> Enough:
    """What is waited for. Raises UsageError for a check that the run does not have."""
    if options.check is not None:
        check = options.check
        return lambda state: _has_settled(state, check)
    if options.until == "check":
        raise UsageError("--until check needs a check", "name it: --check ID")
    if options.until == "foreground":
        return only_the_background_is_left
    return never


def _has_settled(state: State, check: str) -> bool:
    """Whether the check has; where it was the last one, the end of the run is waited for."""
    if state.planned is None:
        return False
    record = state.checks.get(check)
    if record is None:
        raise UsageError(f"this run has no check {check}", "see them: vibeguard status")
    return record.state is CheckState.SETTLED and state.settled < len(state.checks)
