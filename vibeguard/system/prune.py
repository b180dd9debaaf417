"""Removing old runs: by count, size and age; never a live one; cheap enough for after every run."""

import contextlib
import os
from typing import Final

from vibeguard.system.journal.creation import LOG_NAME, OUTPUT, UNBORN
from vibeguard.system.journal.live_runs import known_writer
from vibeguard.system.journal.reader import read_log
from vibeguard.system.removal import remove_tree
from vibeguard.system.rundir.files import read_regular, replace_file
from vibeguard.system.rundir.ids import DYING, dying_folder, run_folder, run_ids, started_ns
from vibeguard.system.rundir.latest import update_latest
from vibeguard.system.rundir.order import note_pruned
from vibeguard.system.rundir.told import forget_counts
from vibeguard.system.vouching.inquiry import tell_all
from vibeguard.system.vouching.known import runs_going_on
from vibeguard.system.vouching.statement import Forget

# How a run folder remembers its own size once it no longer changes.
SIZE_NAME: Final = "bytes"
# A folder that was never given its name belongs to a start that died; no start takes this long.
_UNBORN_AGE_NS: Final = 3600 * 1_000_000_000


def prune(
    state_dir: str,
    *,
    keep_runs: int,
    keep_bytes: int,
    keep_age_ns: int,
    now_ns: int,
    dry_run: bool = False,
) -> list[str]:
    """Remove runs beyond any of the three limits, oldest first; the ids of those removed.

    With `dry_run` nothing goes: the ids are of those that would. A live run stays whatever the
    limits say. A run that records of passes rest on is not too many: it goes by size and age alone.
    The size of the newest run alone is no reason to remove it. `now_ns` is the wall clock. Raises
    OSError if runs/ cannot be read or `latest` cannot be written.
    """
    beyond = []
    total = 0
    found = run_ids(state_dir)
    relied_on = _relied_on(state_dir, now_ns, decides=len(found) > keep_runs, dry_run=dry_run)
    for rank, run_id in enumerate(reversed(found)):
        total += _size_of(run_folder(state_dir, run_id))
        too_many = rank >= keep_runs and run_id not in relied_on
        too_old = now_ns - started_ns(run_id) > keep_age_ns
        too_large = total > keep_bytes and rank > 0
        if too_many or too_old or too_large:
            beyond.append(run_id)
    going_on = runs_going_on(state_dir) if beyond else frozenset()
    doomed = [
        run_id
        for run_id in beyond
        if run_id not in going_on and not is_live(run_folder(state_dir, run_id))
    ]
    if dry_run:
        return doomed
    if doomed:
        # Before anything goes: a run that ends meanwhile looks whether what `latest` names exists.
        update_latest(state_dir, leaving_out=frozenset(doomed))
    removed = [run_id for run_id in doomed if _take_out(state_dir, run_id)]
    if removed:
        tell_all(state_dir, Forget(tuple(removed)))
    note_pruned(state_dir, removed)
    _sweep(state_dir, now_ns)
    if doomed != removed:
        update_latest(state_dir)
    return removed


def _relied_on(state_dir: str, now_ns: int, *, decides: bool, dry_run: bool) -> frozenset[str]:
    """The runs whose passes may still be reused, if that decides anything; old records go.

    Every record is read for it, and somebody may wait: so it is not done each time.
    """
    if not os.path.isdir(os.path.join(state_dir, "reuse")):
        return frozenset()
    from vibeguard.system.reuse.records import Records  # noqa: PLC0415 - seldom needed

    records = Records(state_dir)
    if not decides and not records.are_untidy():
        return frozenset()
    return records.tidy(now_ns, dry_run=dry_run)


def is_live(folder: str) -> bool:
    """Whether a writer is at work. Where locks do not tell, a log without a seal counts as live."""
    alive = known_writer(folder)
    return read_log(folder, lambda _: None).seal is None if alive is None else alive


def remember_size(folder: str, size: int) -> None:
    """Note the bytes of a run's log and outputs, once they no longer change. Raises OSError."""
    replace_file(os.path.join(folder, SIZE_NAME), str(size).encode())


def _size_of(folder: str) -> int:
    """The bytes of a run's log and outputs; remembered, since a run has any number of files."""
    remembered = os.path.join(folder, SIZE_NAME)
    with contextlib.suppress(OSError, ValueError):
        return int(read_regular(remembered, 32))
    size = 0
    with contextlib.suppress(OSError):
        size = os.stat(os.path.join(folder, LOG_NAME)).st_size
        with os.scandir(os.path.join(folder, OUTPUT)) as outputs:
            size += sum(entry.stat(follow_symlinks=False).st_size for entry in outputs)
        if not is_live(folder):
            remember_size(folder, size)
    return size


def _take_out(state_dir: str, run_id: str) -> bool:
    """Rename a run away; False if somebody else was quicker or it may not be moved."""
    try:
        # Renamed first: a reader finds the whole run, or none; another prune cannot take it again
        # (ADR 0047).
        os.rename(run_folder(state_dir, run_id), dying_folder(state_dir, run_id))
    except OSError:
        return False
    return True


def _sweep(state_dir: str, now_ns: int) -> None:
    """Remove what was taken out, what never came to be, and what agents were told of such runs.

    What resists goes the next time.
    """
    kept = run_ids(state_dir)
    forget_counts(state_dir, started_ns(kept[0]) if kept else now_ns)
    doomed = []
    with os.scandir(os.path.join(state_dir, "runs")) as entries:
        for entry in entries:
            unborn = entry.name.startswith(UNBORN) and _age_ns(entry, now_ns) > _UNBORN_AGE_NS
            if unborn or entry.name.startswith(DYING):
                doomed.append(entry.path)
    for path in doomed:  # a check can put anything in a run's place
        remove_tree(path)


def _age_ns(entry: "os.DirEntry[str]", now_ns: int) -> int:
    try:
        return now_ns - entry.stat(follow_symlinks=False).st_mtime_ns
    except FileNotFoundError:
        return 0
