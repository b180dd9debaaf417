"""`vibeguard run`: load, plan, launch a supervisor, follow its log, end with its verdict."""

import os
import sys
from contextlib import ExitStack

from vibeguard.commands.joining import find_twin, follow_twin
from vibeguard.commands.launching import may_join, prepare_launch
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.run_options import CheckName, Invocation, RunOptions, run_format
from vibeguard.commands.streams import write_out
from vibeguard.core.names import ExitCode
from vibeguard.system.channel import Launch
from vibeguard.system.front import early
from vibeguard.system.front.early import Supervisor
from vibeguard.system.front.gate import StartGate
from vibeguard.system.front.guarding import Front, Watching
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.rundir.refused import forget_refused

# Another start in this folder is over by then, unless it was stopped.
GATE_PATIENCE_S = 2.0


def run(*ids: CheckName, common: GlobalOptions, options: RunOptions) -> int:
    """Run checks: the named ones, the selected ones, or all."""
    supervisor = early.prepared.get() or early.prepare(sys.argv[1:])
    form = run_format(common, options)
    with ExitStack() as held:
        with early.ended_by_signals():
            launch = prepare_launch(Invocation(ids, common, options), held)
        watching = Watching(
            format=form,
            verbose=common.verbose,
            detach=options.detach,
            max_wait=options.max_wait,
            began_s=supervisor.began_s,
            print_seal=options.print_seal,
        )
        return _start(supervisor, launch, options, watching)


def _start(supervisor: Supervisor, launch: Launch, options: RunOptions, watching: Watching) -> int:
    """Launch, or join a run that does the same, and follow it; the exit code."""
    state_dir = os.fsdecode(launch.state_dir)
    gate = StartGate(state_dir)
    if may_join(options) and gate.close(GATE_PATIENCE_S):
        twin = find_twin(state_dir, launch, supersede=options.supersede)
        if twin:
            gate.open()
            return _join(supervisor, state_dir, twin, watching)
    return Front(supervisor, watching).run(launch, recorded=gate.open)


def _join(supervisor: Supervisor, state_dir: str, run_id: str, watching: Watching) -> int:
    """Answer from a run that goes on already; the supervisor that was made ready is not needed."""
    supervisor.discard()
    forget_refused(state_dir)
    if watching.detach and watching.format != "json":
        write_out(f"{run_id}\n")
        return ExitCode.PASSED
    return follow_twin(run_folder(state_dir, run_id), watching)
