"""`vibeguard prune`."""

import os
from typing import Annotated

from msgspec import Struct

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.loading import has_config, load
from vibeguard.commands.opening import tell_leftovers
from vibeguard.commands.options import Count, Duration, GlobalOptions, read_size
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.commands.streams import write_document, write_err, write_out
from vibeguard.core.model.settings import Settings
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.units import plural
from vibeguard.system.clock import wall_ns
from vibeguard.system.journal.live_runs import has_writer
from vibeguard.system.prune import prune as remove_old_runs
from vibeguard.system.rundir.ids import is_run_id, run_folder


class PruneOptions(Options, frozen=True, kw_only=True):
    """`prune`: what to keep (None: as the config's settings say)."""

    keep_runs: Annotated[Count, Parameter(help="Keep at most this many runs.")] = None
    keep_size: Annotated[
        int | None,
        Parameter(
            converter=read_size, metavar="SIZE", help="Keep at most this much (500MiB, 1GiB)."
        ),
    ] = None
    keep_age: Annotated[Duration, Parameter(help="Keep runs younger than this (720h).")] = None
    dry_run: Annotated[bool, Parameter(help="Say what would go, and keep it.")] = False


class Pruned(Struct, frozen=True):
    """`prune --json`: the runs that went, or would go, newest first."""

    removed: tuple[str, ...]
    dry_run: bool


def prune(*, common: GlobalOptions, options: PruneOptions) -> int:
    """Remove runs beyond the limits of the flags, else of the config, else of the defaults.

    A live run always stays.
    """
    state_dir = state_dir_of_runs(common)
    tell_leftovers(state_dir)
    settings = load(common).config.settings if has_config(common) else Settings()
    removed: list[str] = []
    if os.path.isdir(os.path.join(state_dir, "runs")):
        removed = _remove(state_dir, options, settings)
    if common.json:
        write_document(Pruned(tuple(removed), options.dry_run))
        return 0
    write_out("".join(f"{run_id}\n" for run_id in removed))
    verb = "would go" if options.dry_run else "removed"
    write_err(f"{plural(len(removed), 'run')} {verb}.\n")
    return 0


def _remove(state_dir: str, options: PruneOptions, settings: Settings) -> list[str]:
    """The ids of the runs that went. Raises UsageError where nothing can be removed."""
    around = os.environ.get("VIBEGUARD_RUN", "")
    if is_run_id(around) and has_writer(run_folder(state_dir, around)) and not options.dry_run:
        what = (
            f"this is inside a check of run {around}, which takes a run that vanishes for tampering"
        )
        raise UsageError(
            what, "prune once that run is over; it does so by itself, as its settings say"
        )
    try:
        return remove_old_runs(
            state_dir,
            keep_runs=settings.keep_runs if options.keep_runs is None else options.keep_runs,
            keep_bytes=settings.keep_bytes if options.keep_size is None else options.keep_size,
            keep_age_ns=settings.keep_age_ns if options.keep_age is None else options.keep_age,
            now_ns=wall_ns(),
            dry_run=options.dry_run,
        )
    except OSError as error:
        place = error.filename2 or error.filename or state_dir
        raise UsageError(
            f"runs cannot be removed: {error.strerror} ({place})", "make the folder writable"
        ) from error
