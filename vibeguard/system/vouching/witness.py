"""The supervisor's side: what it knows of its folder's runs, and the thread that tells it.

A thread, because it has to answer also while the supervisor judges, or reads its log back.
"""

import contextlib
import os
import signal
import socket
import threading
from typing import Final

from msgspec.structs import replace

from vibeguard.core.problems import UNDECODABLE
from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.process import proc
from vibeguard.system.process.start_refused import PRESSURE
from vibeguard.system.rundir.order import OrderedRun, note_sealed, read_order
from vibeguard.system.vouching.exchange import peer_of, receive_request, send
from vibeguard.system.vouching.foreign import Folders
from vibeguard.system.vouching.inquiry import statements_of, tell_all
from vibeguard.system.vouching.known import AGREEMENT_S, POLL_S
from vibeguard.system.vouching.memory import OUTSIDE, Memory
from vibeguard.system.vouching.place import keys_of, new_name
from vibeguard.system.vouching.statement import Ask, Forget, Request, Statement, Tell

_QUEUE: Final = 128
_PATIENCE_S: Final = 0.5
_PRESSURE_PAUSE_S: Final = 0.05
_LONGEST_ANCESTRY: Final = 1000


class Witness:
    """What one supervisor vouches for. Made by `open_witness`, before the first check."""

    def __init__(self, state_dir: str, listener: socket.socket | None, folders: Folders) -> None:
        self.name = _name_of(listener)  # of the socket; empty where this system has none
        self._state_dir = state_dir
        self._memory = Memory()
        self._listener = listener
        self._folders = folders
        self._self = _identity(os.getpid())
        # Whoever descends from these came out of a check: front or guardian adopt its orphans.
        self._family = frozenset({os.getpid(), os.getppid()})
        self._run = OrderedRun("")
        self._unseen: set[str] = set()
        self._thread: threading.Thread | None = None

    def learn(self) -> None:
        """Answer from now on, and take in which runs there are and how they ended. Raises OSError.

        Where other supervisors live their word counts, and not what lies in the folder: it may be
        the work of a check of theirs. What they tell while they are asked is not lost, and of those
        that start at the same time none waits for another.
        """
        self._answer()
        others = self._others()
        if others:
            # What not all of them say is nobody's word: one of them may be a check that plays
            # supervisor (ADR 0075).
            agreed = set.intersection(*(set(other.runs) for other in others))
            runs, live = [run for run in others[0].runs if run in agreed], dict(others[0].live)
        else:
            runs, live = [self._folders.with_seal(run) for run in read_order(self._state_dir)], {}
        # Who prunes takes the folders away before looking whom to tell: a run without one may have
        # been forgotten by all that were there then.
        runs = [run for run in runs if self._folders.have(run.run_id)]
        beside = self._folders.note_beside(
            run.run_id for run in runs if not run.seal and run.run_id not in live
        )
        self._memory.start(runs, {**live, **dict.fromkeys(beside, (OUTSIDE, 0))})

    def _others(self) -> list[Statement]:
        """What the others say, once they agree which runs have ended, or had time enough for it.

        One that has just sealed told those that it found: of who starts it did not know, and one
        of the others may not have listened yet.
        """
        give_up = monotonic_s() + AGREEMENT_S
        while True:
            said = statements_of(self._state_dir, but=self.name)
            others = [each for each in said if each is not None and not each.starting]
            ended = [{run for run in one.runs if run.seal and not run.nested} for one in others]
            if all(one == ended[0] for one in ended) or monotonic_s() >= give_up:
                return others
            sleep_s(POLL_S)

    def _answer(self) -> None:
        """Start to answer, in a thread that ends with this process."""
        if self._listener is None:
            return
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:  # no signal is for the thread
            thread = threading.Thread(target=self._serve, args=(self._listener,), daemon=True)
            thread.start()
            self._thread = thread
        except RuntimeError:
            return  # none can be had: readers wait in vain, and believe nothing
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def begin(self, run_id: str, *, nested: bool) -> None:
        """The run of this supervisor has its folder."""
        self._run = OrderedRun(run_id, nested=nested)
        self._memory.begin(self._run, self._self)
        tell_all(self._state_dir, Tell(self._run), but=self.name)

    def seal(self, seal: str) -> None:
        """The log of this supervisor's run was sealed, and read back as it was written."""
        self._run = OrderedRun(self._run.run_id, seal, self._run.nested)
        self._memory.seal(self._run)
        tell_all(self._state_dir, Tell(self._run), but=self.name)
        with contextlib.suppress(OSError):
            note_sealed(self._state_dir, self._run)

    def give_up(self) -> None:
        """The run of this supervisor will not be vouched for."""
        self._memory.give_up(self._run.run_id)

    def foreign(self) -> list[str]:
        """Compare runs/ with the memory, now that no check lives: a sentence for each difference.

        What is foreign is moved aside, and the record of the order is put right.
        """
        found = self._folders.compare(self._memory.runs, own=self._run.run_id)
        if found and self._unseen:  # a run of the same user is not to be taken for an attack
            found.append(
                f"nobody can say whose run {', '.join(sorted(self._unseen))} is: it was a check's, "
                "or it ended while this one was stopped (Ctrl-Z) and could not hear of it"
            )
        return found

    def close(self) -> None:
        """Answer no more."""
        self._folders.close()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes no accept()
            if self._thread is not None:
                self._thread.join(_PATIENCE_S)
            self._listener.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno not in PRESSURE:
                    return  # closed
                sleep_s(_PRESSURE_PAUSE_S)  # who asks is in the queue still
                continue
            with connection, contextlib.suppress(OSError, *UNDECODABLE):
                deadline = monotonic_s() + _PATIENCE_S
                pid, uid = peer_of(connection)
                if uid == os.geteuid():
                    request = receive_request(connection, deadline)
                    send(connection, self._obey(request, pid), deadline)

    def _obey(self, request: Request, pid: int) -> Statement:
        if isinstance(request, Ask):
            return self._memory.statement()
        # A check runs as the same user and can speak on this socket. Only its descent tells it from
        # a supervisor, and the kernel says who is at the other end (ADR 0075). None has started
        # before the memory has.
        ours = self._memory.started and self._is_of_a_check(pid)
        if isinstance(request, Tell):
            if ours and proc.stat_of(pid) is None:
                self._unseen.add(request.run.run_id)
            self._take_in(request.run, pid, ours=ours)
        elif isinstance(request, Forget) and not ours:
            self._memory.forget(request.run_ids)
        return Statement()

    def _take_in(self, run: OrderedRun, pid: int, *, ours: bool) -> None:
        """Take in the run of another supervisor; one begun by our checks gets no seal here."""
        if ours:
            self._memory.begin(replace(run, nested=True), None)
            return
        self._memory.begin(run, _identity(pid))
        if run.seal:
            self._memory.seal(run)

    def _is_of_a_check(self, pid: int) -> bool:
        """Whether a process descends from this run; one that cannot be seen counts as if it did.

        One without a number here is outside of this pid namespace, which no check can leave.
        """
        if pid == OUTSIDE:
            return False
        ancestor = pid
        for _ in range(_LONGEST_ANCESTRY):
            if ancestor in self._family:
                return True
            stat = proc.stat_of(ancestor)
            if stat is not None:
                if stat.parent <= 0 or ancestor == 1:
                    return False
                ancestor = stat.parent
            elif ancestor == pid:
                return True
            else:  # it has ended just now: its child has another parent
                ancestor = pid
        return True


def open_witness(state_dir: str) -> Witness:
    """Bind the socket, answer, and take in which runs there are. Raises OSError."""
    listener = _listen(state_dir)
    witness = Witness(state_dir, listener, Folders(state_dir))
    try:
        witness.learn()
    except BaseException:
        witness.close()
        raise
    return witness


def _name_of(listener: socket.socket | None) -> str:
    """The name of the socket without its leading zero; empty without one."""
    if listener is None:
        return ""
    bound: bytes = listener.getsockname()
    return bound[1:].decode("ascii")


def _listen(state_dir: str) -> socket.socket | None:
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    except OSError:
        return None
    try:
        listener.bind(f"\0{new_name(keys_of(state_dir))}")
        listener.listen(_QUEUE)
        _name_of(listener)
    except OSError:
        listener.close()
        return None
    return listener


def _identity(pid: int) -> proc.Identity:
    stat = proc.stat_of(pid)
    return proc.Identity(pid, 0) if stat is None else stat.identity
