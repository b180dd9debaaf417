"""`vibeguard status`."""

import os

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.opening import tell_leftovers
from vibeguard.commands.options import GlobalOptions, RunName
from vibeguard.commands.streams import write_answer
from vibeguard.core.model.state import State
from vibeguard.core.model.status import Forecast
from vibeguard.core.names import LogStatus
from vibeguard.core.report.status import build_status, status_lines
from vibeguard.core.scheduling.forecast import forecast
from vibeguard.system.clock import monotonic_ns
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.live_runs import live_runs
from vibeguard.system.process.proc import boot_id
from vibeguard.system.rundir.ids import place_of
from vibeguard.system.rundir.notes import untold
from vibeguard.system.rundir.refused import refused_since
from vibeguard.system.vouching.endings import read_run
from vibeguard.system.vouching.known import find_run, known_runs


def status(run: RunName = "latest", /, *, common: GlobalOptions) -> int:
    """Say what is running, since when, what is left and how long it may take; exit 0."""
    state_dir = state_dir_of_runs(common)
    tell_leftovers(state_dir)
    folder = find_run(state_dir, run)
    _, run_id = place_of(folder)
    state, ending = read_run(folder)
    now_t = _now_t(state)
    live = ending.log_status is LogStatus.LIVE
    others = tuple(name for name in live_runs(state_dir) if name != run_id)
    answer = build_status(
        state,
        now_t,
        forecast(state, now_t) if live else Forecast(),
        ending=ending,
        run_id=run_id,
        path=os.path.join(folder, LOG_NAME),
        live_runs=others,
        untold=untold(folder),
    )
    lines = status_lines(answer)
    if run == "latest" and refused_since(state_dir, known_runs(state_dir)) is not None:
        lines.append("a later start was refused, and nothing ran: vibeguard report says why")
    write_answer(answer, lines, as_json=common.json)
    return 0


def _now_t(state: State) -> int:
    """Nanoseconds since the run's start; where that was another boot's, up to its last event."""
    started = state.started
    if started is None or not started.monotonic_ns or started.boot_id != boot_id():
        return state.last_t
    return max(monotonic_ns() - started.monotonic_ns, state.last_t)
