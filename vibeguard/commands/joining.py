"""No pile-up: a live run of the same checks on the same tree is joined instead of started again.

This concerns runs that outlive their commands (`--detach`, `--max-wait`) and starts with
`--supersede`; what somebody else's terminal watches is left alone (docs/adr/0071).
"""

import os
from contextlib import suppress

from msgspec.structs import replace

from vibeguard.commands.opening import follow_run
from vibeguard.commands.streams import write_err
from vibeguard.core.fold.verdict import has_failed
from vibeguard.core.model.state import State
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.core.problems import VibeGuardError
from vibeguard.core.report.evidence import has_planned
from vibeguard.core.reuse.checked import is_still_on
from vibeguard.system.channel import Launch
from vibeguard.system.clock import monotonic_s, sleep_s, wall_ns
from vibeguard.system.front.following import Until
from vibeguard.system.front.guarding import Watching
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.view import make_view
from vibeguard.system.journal.live_runs import has_writer, live_runs
from vibeguard.system.journal.reader import open_state
from vibeguard.system.process.orphans import is_part_of
from vibeguard.system.rundir.control import request
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.vouching.known import known_runs

# How long a new run waits for one that it supersedes, so that the two do not disturb each other.
SUPERSEDED_S = 1.0
SUPERSEDED_POLL_S = 0.02


def find_twin(state_dir: str, launch: Launch, *, supersede: bool) -> str:
    """The id of a live run to join instead of launching; "" to launch.

    With `supersede`, runs of the same checks on another tree are cancelled, and so is one on the
    same tree that has failed already: who asks again wants to see it run again. A start that is to
    copy its outputs joins none.
    """
    known = frozenset(known_runs(state_dir))
    for run in live_runs(state_dir):
        if run not in known:
            continue  # inside a check, or nobody vouches for it
        folder = run_folder(state_dir, run)
        state, reading = open_state(folder)
        if reading.status is not LogStatus.LIVE or not _of_same_checks(state, launch):
            continue
        same = is_still_on(state, launch.version_control)
        if same and launch.log_dir:
            continue  # only the run itself copies its outputs
        if same and not (supersede and has_failed(state)):
            write_err(f"vibeguard: joined run {run}, which is checking this tree already\n")
            return run
        if supersede:
            _cancel(folder, run, "has failed already" if same else "is checking another tree")
        else:
            write_err(
                f"vibeguard: run {run} of another tree goes on beside this one; "
                "--supersede would have cancelled it\n"
            )
    return ""


def follow_twin(folder: str, watching: Watching) -> int:
    """Follow the run in `folder` as if this command had started it; the same exit codes.

    With `detach` only show how it stands.
    """
    output = Output()
    shown = format_options(run_folder=folder, verbose=watching.verbose)
    view = make_view(watching.format, shown, output, live=True)
    hint = f"vibeguard wait {os.path.basename(folder)}"
    if watching.detach:
        until = Until(lambda _: True, None, hint, exit_code=ExitCode.PASSED)
        return follow_run(folder, view, output, until)
    until = Until(watching.has_seen_enough, watching.deadline, hint, watching.seal_to)
    return follow_run(folder, view, output, until)


def _of_same_checks(state: State, launch: Launch) -> bool:
    """Whether a run that outlives its command does what `launch` is going to do.

    A run that this command is a part of is none: it would wait for itself.
    """
    started, planned = state.started, state.planned
    if started is None or planned is None or not started.detached or state.cancel is not None:
        return False
    if is_part_of(started.run_id):
        return False
    theirs = replace(planned.settings, jitter_seed=0)
    return (
        has_planned(state, launch.config_sha256, launch.plan.checks)
        and planned.selection_sha256 == launch.selection_sha256
        and started.cwd == launch.recorded_cwd
        and theirs == replace(launch.plan.settings, jitter_seed=0)
    )


def _cancel(folder: str, run: str, why: str) -> None:
    """Ask the run to end, and give it a moment to do so."""
    write_err(f"vibeguard: cancelling run {run}, which {why}\n")
    with suppress(VibeGuardError):  # it has ended meanwhile, or been removed
        request(folder, "cancel", {}, now_ns=wall_ns())
    give_up = monotonic_s() + SUPERSEDED_S
    while has_writer(folder) and monotonic_s() < give_up:
        sleep_s(SUPERSEDED_POLL_S)
