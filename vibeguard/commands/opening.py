"""The run that a command is about: found, and rid of what a run that was killed has left behind."""

import os
from typing import TYPE_CHECKING

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import ConfigError, LogCorrupt, Problem, UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural, some
from vibeguard.system.front.leftovers import sweep_leftovers
from vibeguard.system.journal.live_runs import has_writer
from vibeguard.system.rundir.ids import place_of, run_folder
from vibeguard.system.rundir.refused import refused_since
from vibeguard.system.staged.scratch import sweep_scratch
from vibeguard.system.vouching.known import RunNotFound, find_run, known_runs, was_removed

if TYPE_CHECKING:
    from vibeguard.system.front.following import Shown, Until
    from vibeguard.system.front.outlets import Output


def open_run(reference: str, common: GlobalOptions, *, at_work: bool = False) -> str:
    """The folder of the run that `reference` means. Raises RunNotFound.

    For `latest`, raises ConfigError with the problems of a start that was refused since, or may
    have been: an older run must not pass for the answer (DESIGN section 2). `at_work` is for
    commands that concern a run while it goes on: where the newest one does, no refused start takes
    it out of their reach.
    """
    state_dir = state_dir_of_runs(common)
    tell_leftovers(state_dir)
    if reference == "latest":
        known = known_runs(state_dir)
        refusal = refused_since(state_dir, known)
        problems = _no_mark_possible(state_dir, known[-1:])
        if refusal:
            problems = _of_another_command(refusal.problems, known[-1:])
        if problems and not (at_work and _is_live(state_dir, known[-1:])):
            raise ConfigError(problems)
    return find_run(state_dir, reference)


def _of_another_command(problems: tuple[Problem, ...], newest: list[str]) -> tuple[Problem, ...]:
    """The problems of a start, and whose they are: who reads them has typed something else."""
    what = "that is why the newest start has no run"
    do = "mend it, and run it again"
    if newest:
        do = f"to see the run before it, name it: {newest[0]}"
    return (*problems, Problem(what, do))


def _no_mark_possible(state_dir: str, newest: list[str]) -> tuple[Problem, ...]:
    """Where nothing can be written, every start fails, and none can leave a mark that it did."""
    if not newest or os.access(state_dir, os.W_OK):
        return ()
    what = f"nothing can be written in {state_dir}: a start that failed since could leave no mark"
    return (Problem(what, f"name the run: {newest[0]} is the newest that is recorded"),)


def _is_live(state_dir: str, newest: list[str]) -> bool:
    return any(has_writer(run_folder(state_dir, run_id)) for run_id in newest)


def follow_run(folder: str, shown: "Shown", output: "Output", until: "Until") -> int:
    """Follow the run and return its exit code; what it leaves if it is killed is swept."""
    from vibeguard.system.front.following import follow  # noqa: PLC0415 - no report needs it
    from vibeguard.system.journal.follow import Follower  # noqa: PLC0415 - the same
    from vibeguard.system.process.orphans import is_part_of  # noqa: PLC0415 - the same

    run_id = os.path.basename(folder)
    if until.deadline is None and is_part_of(run_id) and has_writer(folder):
        what = (
            f"this is part of a check of run {run_id}, which waits for it: both might wait for ever"
        )
        raise UsageError(what, "give --max-wait; a run that is begun here ends with its own code")
    try:
        follower = Follower(folder)
    except LogCorrupt as problem:
        if not was_removed(folder):
            raise
        what = f"run {run_id} was removed (pruned) just now"
        raise RunNotFound(what, "see what there is: vibeguard runs") from problem
    code = follow(follower, shown, output, until)
    if code == ExitCode.INCOMPLETE:
        tell_leftovers(place_of(folder)[0])
    return code


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
