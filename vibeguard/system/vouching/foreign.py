"""At the end of a run, when no check lives: what is in runs/ that its supervisor does not know."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.live_runs import has_writer
from vibeguard.system.rundir.files import FileIdentity, identity_of, make_folder
from vibeguard.system.rundir.ids import run_folder, run_ids
from vibeguard.system.rundir.notes import differences_of
from vibeguard.system.rundir.order import OrderedRun, read_order, write_order
from vibeguard.system.vouching.seal import bears_seal, seal_at_end

ASIDE: Final = "foreign"
Runs = Callable[[], Sequence[OrderedRun]]


class Folders:
    """The run folders of a state folder: as they were before the first check, and as they are."""

    def __init__(self, state_dir: str) -> None:
        """Take in what is there now. Raises OSError."""
        self._state_dir = state_dir
        self._descriptor = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._before = _Place(state_dir).identities()
        self._beside: frozenset[str] = frozenset()

    def have(self, run_id: str) -> bool:
        """Whether the run has a folder at this moment."""
        return os.path.lexists(run_folder(self._state_dir, run_id))

    def note_beside(self, runs: Iterable[str]) -> frozenset[str]:
        """Which of these runs, of which no supervisor tells, are being written all the same.

        Their supervisors cannot be asked (another network namespace, no sockets), and will not tell
        how they end. No check of this run had begun by then: what their logs end with is their own.
        """
        self._beside = frozenset(
            run_id for run_id in runs if has_writer(run_folder(self._state_dir, run_id))
        )
        return self._beside

    def with_seal(self, run: OrderedRun) -> OrderedRun:
        """The run with the seal of its log, where the record has none (an older version's run)."""
        if run.seal or run.run_id not in self._before:
            return run
        return replace(run, seal=seal_at_end(run_folder(self._state_dir, run.run_id)))

    def compare(self, runs: Runs, *, own: str) -> list[str]:
        """A sentence for each folder that was added or changed, and one for a changed record.

        `runs` gives those that may be there, as they are known when it is called: others end
        meanwhile. What is foreign is moved aside. The folder of `own` is left out: its writer knows
        every byte of it.
        """

        def known() -> list[OrderedRun]:
            return [self._as_it_ended(run) for run in runs()]

        places = [_Place(self._state_dir)]
        if not self._is_in_its_place():  # readers may look where it has its name now, too
            places.append(_Place(f"/proc/self/fd/{self._descriptor}"))
        return [found for place in places for found in place.compare(known, self._before, own)]

    def close(self) -> None:
        """Look no more; once is enough."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _as_it_ended(self, run: OrderedRun) -> OrderedRun:
        return self.with_seal(run) if run.run_id in self._beside else run

    def _is_in_its_place(self) -> bool:
        with contextlib.suppress(OSError):
            return os.path.samestat(os.lstat(self._state_dir), os.fstat(self._descriptor))
        return False


class _Place:
    """Where a state folder, or what was put there instead of it, can be looked at."""

    def __init__(self, state_dir: str) -> None:
        self._state_dir = state_dir

    def identities(self) -> dict[str, FileIdentity | None]:
        """Which log each run has. Raises OSError."""
        return {run_id: self._identity(run_id) for run_id in run_ids(self._state_dir)}

    def compare(self, runs: Runs, before: Mapping[str, FileIdentity | None], own: str) -> list[str]:
        """As `Folders.compare`, with what the logs were at the start."""
        there, found = self._there()
        if own and own not in there:  # nobody can say what else was there
            found = found or [f"runs/{own} was taken away"]
        known = _by_id(runs)
        for run_id in there:
            what = "" if run_id == own else self._foreign(run_id, known.get(run_id), before)
            if what:  # it may have ended since that was known: it tells so before it goes
                what = self._foreign(run_id, _by_id(runs).get(run_id), before)
            if what:
                found.append(f"{what}{self._move_aside(run_id)}")
        if self._order_differs(runs) or found:
            found += self._restore_order(runs)
        return found

    def _foreign(
        self, run_id: str, run: OrderedRun | None, before: Mapping[str, FileIdentity | None]
    ) -> str:
        """What is wrong with a folder; empty if nothing is."""
        folder = self._folder(run_id)
        if run_id not in before:
            # One of another namespace cannot be asked, but no check is left to hold its lock.
            strange = run is None and not has_writer(folder)
            return f"runs/{run_id} came from nobody who may add a run" if strange else ""
        if self._identity(run_id) == before[run_id] or has_writer(folder):
            return ""
        if run is None:
            return ""
        # It has no end, or its own supervisor does not vouch for it: nobody believes it.
        if not run.seal and (differences_of(folder) or not seal_at_end(folder)):
            return ""
        kept = run.seal != "" and bears_seal(folder, run.seal)
        return "" if kept else f"the log of run {run_id} was changed"

    def _order_differs(self, runs: Runs) -> bool:
        """Whether the record says less than is known, or something else.

        Others write it meanwhile: a start is recorded before it is told, and a seal after.
        """
        known_before = _by_id(runs)
        try:
            recorded = {run.run_id: run for run in read_order(self._state_dir)}
        except OSError:
            return True
        known = _by_id(runs)
        fewer = any(run_id in known and run_id not in recorded for run_id in known_before)
        return fewer or any(
            _contradicts(run, known[run_id]) for run_id, run in recorded.items() if run_id in known
        )

    def _restore_order(self, runs: Runs) -> list[str]:
        known = _by_id(runs)
        others = [
            OrderedRun(run_id)
            for run_id in self._there()[0]
            if run_id not in known and has_writer(self._folder(run_id))
        ]
        differed = self._order_differs(runs)
        with contextlib.suppress(OSError):
            write_order(self._state_dir, [*runs(), *others])
        return ["the record of which runs there are was changed"] if differed else []

    def _there(self) -> tuple[list[str], list[str]]:
        """The ids in runs/; and a sentence where nobody can say what lies there."""
        try:
            return run_ids(self._state_dir), []
        except OSError as error:
            return [], [f"runs/ cannot be looked into ({error.strerror})"]

    def _move_aside(self, run_id: str) -> str:
        """Out of runs/, where nobody takes it for a run; never removed: it may be evidence."""
        # Evidence is kept: whose it is cannot be told, and a run of ours must not be lost (ADR
        # 0076).
        aside = os.path.join(self._state_dir, ASIDE)
        name = f"{run_id}.{os.urandom(4).hex()}"
        try:
            with contextlib.suppress(FileExistsError):
                make_folder(aside)
            os.rename(self._folder(run_id), os.path.join(aside, name))
        except OSError as error:
            return f", and cannot be moved aside ({error.strerror})"
        return f"; it was moved to {ASIDE}/{name}"

    def _folder(self, run_id: str) -> str:
        return run_folder(self._state_dir, run_id)

    def _identity(self, run_id: str) -> FileIdentity | None:
        with contextlib.suppress(OSError):
            return identity_of(os.lstat(os.path.join(self._folder(run_id), LOG_NAME)))
        return None


def _by_id(runs: Runs) -> dict[str, OrderedRun]:
    return {run.run_id: run for run in runs()}


def _contradicts(recorded: OrderedRun, known: OrderedRun) -> bool:
    # Of a run that a check has begun nobody here knows the seal: its own supervisor records it.
    begun_inside = known.nested and not known.seal
    sealed = recorded.seal not in ("", known.seal) and not begun_inside
    return sealed or recorded.nested != known.nested
