"""The run that a command is about: found, and rid of what a run that was killed has left behind."""

import os

from vibeguard.commands.loading import state_dir_of_runs
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err
from vibeguard.core.problems import ConfigError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural, some
from vibeguard.system.front.leftovers import sweep_leftovers
from vibeguard.system.journal.live import has_writer
from vibeguard.system.rundir.ids import run_folder, run_ids
from vibeguard.system.rundir.references import resolve_run
from vibeguard.system.rundir.refused import refused_since


def open_run(reference: str, common: GlobalOptions, *, at_work: bool = False) -> str:
    """The folder of the run that `reference` means. Raises RunNotFound.

    For `latest`, raises ConfigError with the problems of a start that was refused since: an older
    run must not pass for the answer (DESIGN section 2). `at_work` is for commands that concern a
    run while it goes on: where the newest one does, no refused start takes it out of their reach.
    """
    state_dir = state_dir_of_runs(common)
    tell_leftovers(state_dir)
    if reference == "latest":
        refusal = refused_since(state_dir)
        if refusal is not None and not (at_work and _newest_is_live(state_dir)):
            raise ConfigError(refusal.problems)
    return resolve_run(state_dir, reference)


def _newest_is_live(state_dir: str) -> bool:
    ids = run_ids(state_dir)
    return bool(ids) and has_writer(run_folder(state_dir, ids[-1]))


def tell_leftovers(state_dir: str) -> None:
    """Sweep what runs left behind of which every process was killed at once, and say so."""
    if not os.path.isdir(state_dir):
        return
    swept = sweep_leftovers(state_dir)
    if swept:
        commands = sanitise(some([process.command for process in swept], 3))
        count = plural(len(swept), "process", "processes")
        write_err(f"vibeguard: swept {count} that a killed run had left behind: {commands}\n")
