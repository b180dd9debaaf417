"""The run that a command is about: found, and rid of what a run that was killed has left behind."""

import os

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err
from vibeguard.core.problems import ConfigError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural, some
from vibeguard.system.front.leftovers import sweep_leftovers
from vibeguard.system.journal.live_runs import has_writer
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.rundir.refused import refused_since
from vibeguard.system.staged.scratch import sweep_scratch
from vibeguard.system.vouching.known import find_run, known_runs


def open_run(reference: str, common: GlobalOptions, *, at_work: bool = False) -> str:
    """The folder of the run that `reference` means. Raises RunNotFound.

    For `latest`, raises ConfigError with the problems of a start that was refused since: an older
    run must not pass for the answer (DESIGN section 2). `at_work` is for commands that concern a
    run while it goes on: where the newest one does, no refused start takes it out of their reach.
    """
    state_dir = state_dir_of_runs(common)
    tell_leftovers(state_dir)
    if reference == "latest":
        known = known_runs(state_dir)
        refusal = refused_since(state_dir, known)
        if refusal is not None and not (at_work and _is_live(state_dir, known[-1:])):
            raise ConfigError(refusal.problems)
    return find_run(state_dir, reference)


def _is_live(state_dir: str, newest: list[str]) -> bool:
    return any(has_writer(run_folder(state_dir, run_id)) for run_id in newest)


def tell_leftovers(state_dir: str) -> None:
    """Sweep what runs left behind of which every process was killed at once, and say so."""
    if not os.path.isdir(state_dir):
        return
    sweep_scratch(state_dir)
    swept = sweep_leftovers(state_dir)
    if swept:
        commands = sanitise(some([process.command for process in swept], 3))
        count = plural(len(swept), "process", "processes")
        write_err(f"vibeguard: swept {count} that a killed run had left behind: {commands}\n")
