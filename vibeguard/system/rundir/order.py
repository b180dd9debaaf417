"""`.vibeguard/order`: which runs of a state folder were really started, and so their order.

A name in runs/ proves nothing: anybody can make a folder with any stamp. The record is appended to,
a line a fact: `ID -` for a start, `ID - nested` for one inside a check, `ID SEAL` once sealed,
`ID pruned` when it was removed; what it says of removed runs is left out once that is most of it.
While a supervisor lives its memory counts, and at its end it puts back what a check has changed
here (system/vouching).
"""

import contextlib
import errno
import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from vibeguard.system.rundir.files import (
    append_lines,
    lies_at,
    open_regular,
    read_regular,
    replace_file,
)
from vibeguard.system.rundir.ids import is_run_id, run_ids

NAME: Final = "order"
_LARGEST_BYTES: Final = 16 << 20
_LONGEST_LINE: Final = 160
_LONG_BYTES: Final = 16 << 10  # of a hundred runs; every command reads it
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
    path = os.path.join(state_dir, NAME)
    try:
        record = read_regular(path, _LARGEST_BYTES + 1)
    except FileNotFoundError:
        return [OrderedRun(run_id) for run_id in run_ids(state_dir)]
    if len(record) > _LARGEST_BYTES:  # without its end an old run would be the latest
        raise OSError(errno.EINVAL, f"larger than {_LARGEST_BYTES >> 20} MiB", path)
    return _runs_in(record)


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
        path = os.path.join(state_dir, NAME)
        append_lines(path, lines.encode())
        _shorten(path)


def _shorten(path: str) -> None:
    """Leave out of a long record what it says of removed runs. Raises OSError.

    Others append meanwhile: who finds that the record was replaced does it again (`append_lines`),
    and what was added before it was is put behind. Of two at once one does it.
    """
    with open(open_regular(path), "rb", buffering=0) as record:
        if not _may_replace(path, record.fileno()):
            return
        size = os.fstat(record.fileno()).st_size
        whole = record.read(size) if _LONG_BYTES < size < _LARGEST_BYTES else b""
        short = b"".join(map(_line, _runs_in(whole)))
        if len(short) * 2 > len(whole) or not whole.endswith(b"\n"):
            return
        replace_file(path, short)
        late = record.read(_LONG_BYTES)
    if late:
        append_lines(path, late)


def _may_replace(path: str, descriptor: int) -> bool:
    """Whether nobody else shortens it, nor has since it was opened: what came then is elsewhere."""
    with contextlib.suppress(OSError):  # somebody does, or nothing can be locked here
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lies_at(path, descriptor)
    return False


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


def _runs_in(record: bytes) -> list[OrderedRun]:
    """The runs by their first lines, with the facts of the last; other lines are skipped."""
    runs: dict[str, OrderedRun] = {}
    for line in record.decode("ascii", "replace").splitlines():
        run_id, _, facts = line[:_LONGEST_LINE].partition(" ")
        seal, _, more = facts.partition(" ")
        if not is_run_id(run_id) or not (seal in (_OPEN, _PRUNED) or _SEAL.fullmatch(seal)):
            continue  # such as half a seal, cut by a full disk
        if seal == _PRUNED:
            runs.pop(run_id, None)
            continue
        known = runs.get(run_id, OrderedRun(run_id))
        seal = known.seal if seal == _OPEN else seal  # a start may be told again after the end
        runs[run_id] = OrderedRun(run_id, seal, known.nested or more == _NESTED)
    return list(runs.values())
