"""`.vibeguard/order`: which runs of a state folder were really started, and so their order.

A name in runs/ proves nothing: anybody can make a folder with any stamp. The record is only ever
appended to, a line a fact: `ID -` for a start, `ID - nested` for one inside a check, `ID SEAL` once
it is sealed, `ID pruned` when it was removed. While a supervisor lives its memory counts, and at
its end it puts back what a check has changed here (system/vouching).
"""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from vibeguard.system.rundir.files import append_lines, read_regular, replace_file
from vibeguard.system.rundir.ids import is_run_id, run_ids

NAME: Final = "order"
_LARGEST_BYTES: Final = 16 << 20
_LONGEST_LINE: Final = 160
_NESTED: Final = "nested"
_PRUNED: Final = "pruned"
_OPEN: Final = "-"
_SEAL: Final = re.compile("[0-9a-f]{64}")


class OrderedRun(Struct, frozen=True):
    """A run as the record knows it; without a `seal` it goes on, or died.

    A `nested` one was started inside a check: it is never `latest`.
    """

    run_id: str
    seal: str = ""
    nested: bool = False


def read_order(state_dir: str) -> list[OrderedRun]:
    """The runs that were started and not pruned, oldest first. Raises OSError.

    Where there is no record yet (a folder of an older version), every run there is, by its id.
    """
    try:
        record = read_regular(os.path.join(state_dir, NAME), _LARGEST_BYTES)
    except FileNotFoundError:
        return [OrderedRun(run_id) for run_id in run_ids(state_dir)]
    return _fold(record.decode("ascii", "replace").splitlines())


def outermost(runs: Iterable[OrderedRun]) -> list[str]:
    """The ids of those that were started outside of every check, oldest first.

    The ids of runs that were really started sort by their starts; runs that start at the same time
    may be recorded, and told of, in any order.
    """
    return sorted(run.run_id for run in runs if not run.nested)


def note_started(state_dir: str, run_id: str, *, nested: bool = False) -> None:
    """Add a run that has just been given its folder. Raises OSError."""
    line = _line(OrderedRun(run_id, nested=nested))
    # Of two runs that begin the record at once, both write these.
    append_lines(os.path.join(state_dir, NAME), line, first=_unrecorded(state_dir, run_id))


def _unrecorded(state_dir: str, but: str) -> Iterator[bytes]:
    """The lines of the runs of a folder that has no record yet."""
    for run_id in run_ids(state_dir):
        if run_id != but:
            yield _line(OrderedRun(run_id))


def note_sealed(state_dir: str, run: OrderedRun) -> None:
    """Add the seal of a run. Raises OSError."""
    append_lines(os.path.join(state_dir, NAME), _line(run))


def note_pruned(state_dir: str, removed: Iterable[str]) -> None:
    """Add that runs were removed. Raises OSError."""
    lines = "".join(f"{run_id} {_PRUNED}\n" for run_id in removed)
    if lines:
        append_lines(os.path.join(state_dir, NAME), lines.encode())


def write_order(state_dir: str, runs: Iterable[OrderedRun]) -> None:
    """Put the record in one step, in the place of whatever is there. Raises OSError."""
    path, lines = os.path.join(state_dir, NAME), b"".join(map(_line, runs))
    try:
        replace_file(path, lines)
    except IsADirectoryError:  # a check's doing
        os.rename(path, f"{path}.{os.urandom(4).hex()}")
        replace_file(path, lines)


def _line(run: OrderedRun) -> bytes:
    return f"{run.run_id} {run.seal or _OPEN}{' ' + _NESTED if run.nested else ''}\n".encode()


def _fold(lines: Iterable[str]) -> list[OrderedRun]:
    """The runs by their first lines, with the facts of the last; other lines are skipped."""
    runs: dict[str, OrderedRun] = {}
    for line in lines:
        run_id, _, facts = line[:_LONGEST_LINE].partition(" ")
        seal, _, more = facts.partition(" ")
        if not is_run_id(run_id) or not (seal in (_OPEN, _PRUNED) or _SEAL.fullmatch(seal)):
            continue  # such as half a seal, cut by a full disk
        if seal == _PRUNED:
            runs.pop(run_id, None)
            continue
        known = runs.get(run_id)
        nested = more == _NESTED or (known is not None and known.nested)
        runs[run_id] = OrderedRun(run_id, "" if seal == _OPEN else seal, nested)
    return list(runs.values())
