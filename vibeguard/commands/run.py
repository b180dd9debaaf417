"""`vibeguard run`: load, plan, launch a supervisor, follow its log, end with its verdict.

What follows a run is imported once it has been launched: the supervisor is at work meanwhile, and
starts no command before all is there (docs/performance.md).
"""

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from vibeguard.commands.launching import may_join, prepare_launch
from vibeguard.commands.options import GlobalOptions, one_format
from vibeguard.commands.run_options import CheckName, Invocation, RunOptions
from vibeguard.commands.streams import write_out
from vibeguard.core.names import ExitCode
from vibeguard.system.channel import Launch
from vibeguard.system.front import early
from vibeguard.system.front.early import Supervisor
from vibeguard.system.front.gate import StartGate
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.rundir.refused import forget_refused

if TYPE_CHECKING:
    from vibeguard.system.front.guarding import Watching

# Another start in this folder is over by then, unless it was stopped.
GATE_PATIENCE_S = 2.0


def run(*ids: CheckName, common: GlobalOptions, options: RunOptions) -> int:
    """Run checks: the named ones, the selected ones, or all."""
    supervisor = early.prepared.get() or early.prepare(sys.argv[1:])
    invocation = Invocation(ids, common, options)
    as_json, stream = "json" if common.json else None, "jsonl" if options.stream else None
    form = one_format(options.format, as_json, stream)
    with ExitStack() as held:
        launch = prepare_launch(invocation, held)
        gate = StartGate(os.fsdecode(launch.state_dir))
        if may_join(options) and gate.close(GATE_PATIENCE_S):
            twin = _twin(launch, options)
            if twin:
                gate.open()
                return _join(supervisor, launch, twin, _watching(supervisor, invocation, form))
        supervisor.launch(launch)
        from vibeguard.system.front.guarding import Front  # noqa: PLC0415 - said above

        front = Front(supervisor, _watching(supervisor, invocation, form))
        return front.run(launch, recorded=gate.open)


def _watching(supervisor: Supervisor, invocation: Invocation, form: str) -> "Watching":
    from vibeguard.system.front.guarding import Watching  # noqa: PLC0415 - said above

    options = invocation.options
    return Watching(
        format=form,
        verbose=invocation.common.verbose,
        detach=options.detach,
        max_wait=options.max_wait,
        began_s=supervisor.began_s,
        print_seal=options.print_seal,
    )


def _twin(launch: Launch, options: RunOptions) -> str:
    """A run that goes on already and will do as well; empty where there is none."""
    from vibeguard.commands.joining import find_twin  # noqa: PLC0415 - seldom asked

    return find_twin(os.fsdecode(launch.state_dir), launch, supersede=options.supersede)


def _join(supervisor: Supervisor, launch: Launch, run_id: str, watching: "Watching") -> int:
    """Answer from a run that goes on already; the supervisor that was made ready is not needed."""
    from vibeguard.commands.joining import follow_twin  # noqa: PLC0415 - seldom needed

    state_dir = os.fsdecode(launch.state_dir)
    supervisor.discard()
    forget_refused(state_dir)
    if watching.detach and watching.format != "json":
        write_out(f"{run_id}\n")
        return ExitCode.PASSED
    return follow_twin(run_folder(state_dir, run_id), watching)
