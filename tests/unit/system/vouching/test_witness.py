"""Whose word counts: a supervisor's that is no check of this run."""

import errno
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import pytest

from tests.helpers.journals import open_journal, write_run
from vibeguard.system.clock import monotonic_s
from vibeguard.system.process import proc
from vibeguard.system.rundir.notes import note_differences
from vibeguard.system.rundir.order import OrderedRun, note_sealed, read_order
from vibeguard.system.vouching import foreign
from vibeguard.system.vouching import witness as witness_module
from vibeguard.system.vouching.exchange import exchange, receive_request, send
from vibeguard.system.vouching.inquiry import statements_of
from vibeguard.system.vouching.place import claimants, keys_of, new_name
from vibeguard.system.vouching.statement import Ask, Statement, Tell
from vibeguard.system.vouching.witness import open_witness

STRANGER, FRONT = 4_000_001, 4_000_002
LONG_S = 20.0
RUN = OrderedRun("20260101T000000.000000Z-0000", "5ea1" * 16)


@contextmanager
def listener(state_dir: Path) -> Iterator[tuple[str, socket.socket]]:
    """What passes for a supervisor of this state folder, by its name; it says nothing by itself."""
    name = new_name(keys_of(str(state_dir)))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"\0{name}")
        other.listen()
        other.settimeout(LONG_S)
        yield name, other


@pytest.mark.parametrize(
    ("parents", "is_ours"),
    [
        ({STRANGER: [FRONT, 1], FRONT: []}, False),  # the front of a detached run has just left it
        ({STRANGER: [FRONT, os.getpid()], FRONT: []}, True),  # what adopts the orphans of a check
        ({STRANGER: [FRONT], FRONT: []}, True),  # whatever can never be seen
        ({STRANGER: []}, True),
    ],
)
def test_an_ancestor_that_ends_during_the_look_is_asked_for_again(
    parents: dict[int, list[int]], *, is_ours: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the run of another supervisor would be taken for one inside a check, and never held."""
    real = proc.stat_of(os.getpid())
    assert real is not None

    def stat_of(pid: int) -> proc.Stat | None:
        left = parents.get(pid, [0])
        if not left:
            return None
        return real._replace(parent=left.pop(0) if len(left) > 1 else left[0])

    witness = open_witness(str(tmp_path))
    monkeypatch.setattr(proc, "stat_of", stat_of)
    assert witness._is_of_a_check(STRANGER) is is_ours
    witness.close()


def test_who_is_outside_of_this_pid_namespace_is_no_check(tmp_path: Path) -> None:
    """A run beside one in a sandbox would be taken for one inside a check, and both end with 4."""
    witness = open_witness(str(tmp_path))
    assert not witness._is_of_a_check(0)
    witness.close()


def test_a_supervisor_in_another_user_namespace_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same user has another number there; a log that its check forged would be believed."""
    with monkeypatch.context() as there:
        there.setattr(os, "geteuid", lambda: 4_000_003)
        witness = open_witness(str(tmp_path))
    assert [said is not None for said in statements_of(str(tmp_path))] == [True]
    witness.close()


def test_a_supervisor_out_of_descriptors_answers_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Listener:
        errors = [errno.EMFILE, errno.ENOMEM, errno.EINVAL]  # the last: it was closed

        def accept(self) -> None:
            raise OSError(self.errors.pop(0), "refused")

    pauses: list[float] = []
    monkeypatch.setattr(witness_module, "sleep_s", pauses.append, raising=False)
    witness = open_witness(str(tmp_path))
    witness._serve(cast("witness_module.socket.socket", Listener()))
    assert Listener.errors == []
    assert len(pauses) == 2
    witness.close()


def test_who_starts_takes_in_what_it_is_told_while_it_waits_for_another_that_starts(
    tmp_path: Path,
) -> None:
    """Twelve runs at once: a seal that was told meanwhile was lost, and the record called wrong."""
    with listener(tmp_path) as (_, other), ThreadPoolExecutor() as elsewhere:
        known = set(claimants(str(tmp_path)))
        opening = elsewhere.submit(open_witness, str(tmp_path))
        connection, _ = other.accept()
        assert receive_request(connection, monotonic_s() + LONG_S) == Ask(starting=True)
        (name,) = set(claimants(str(tmp_path))) - known
        assert exchange(name, Tell(RUN)) == Statement()
        assert exchange(name, Ask(starting=True)) == Statement(starting=True)
        send(connection, Statement(starting=True), monotonic_s() + LONG_S)
        connection.close()
        witness = opening.result()
        assert exchange(name, Ask()) == Statement((RUN,))
        witness.close()


def test_who_starts_waits_until_one_supervisor_has_heard_what_another_has_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asked in between, was told by nobody, and called the sealed run one that nobody knows."""
    monkeypatch.setattr(witness_module, "AGREEMENT_S", LONG_S, raising=False)
    (tmp_path / "runs" / RUN.run_id).mkdir(parents=True)
    unheard = open_witness(str(tmp_path))
    unheard._memory.begin(RUN, None)
    with listener(tmp_path) as (_, sealed), ThreadPoolExecutor() as elsewhere:
        sealed.settimeout(0.05)
        opening, asked = elsewhere.submit(open_witness, str(tmp_path)), 0
        while not opening.done():
            with suppress(TimeoutError):
                connection, _ = sealed.accept()
                asked += 1
                if asked == 2:
                    unheard._memory.seal(RUN)
                receive_request(connection, monotonic_s() + LONG_S)
                send(connection, Statement((RUN,)), monotonic_s() + LONG_S)
                connection.close()
        third = opening.result()
        assert third._memory.runs() == (RUN,)
    third.close()
    unheard.close()


def test_who_reads_waits_for_a_supervisor_that_starts(tmp_path: Path) -> None:
    """It knows nothing yet, and a reader would say that there is no such run."""
    with listener(tmp_path) as (name, other), ThreadPoolExecutor() as elsewhere:
        answer = elsewhere.submit(exchange, name, Ask())
        for said in (Statement(starting=True), Statement((RUN,))):
            connection, _ = other.accept()
            receive_request(connection, monotonic_s() + LONG_S)
            send(connection, said, monotonic_s() + LONG_S)
            connection.close()
        assert answer.result() == Statement((RUN,))


TOO_DEEP = b"\xa4more" + b"\x91" * 30_000 + b"\xc0"
NO_TEXT = b"\xa1\xff"


@pytest.mark.parametrize(
    "payload",
    [b"\x82\xa4type\xa3Ask" + TOO_DEEP, b"\x81\xa4type" + NO_TEXT],
    ids=["too deep", "no text"],
)
def test_who_is_sent_what_is_no_message_goes_on_answering(payload: bytes, tmp_path: Path) -> None:
    """A check can send anything: the thread ended, and nobody believed the run any more."""
    witness = open_witness(str(tmp_path))
    with socket.socket(socket.AF_UNIX) as check:
        check.settimeout(LONG_S)
        check.connect(f"\0{witness.name}")
        check.sendall(payload)
        check.shutdown(socket.SHUT_WR)
        assert check.recv(1) == b""
    assert exchange(witness.name, Ask()) == Statement()
    witness.close()


@pytest.mark.parametrize(
    "payload",
    [b"\x81" + TOO_DEEP, b"\x81\xa4runs\x91\x81\xa6run_id" + NO_TEXT],
    ids=["too deep", "no text"],
)
def test_an_answer_that_is_none_is_no_answer(payload: bytes, tmp_path: Path) -> None:
    """A check can play supervisor: whoever read a run then ended with a traceback."""
    with listener(tmp_path) as (name, other), ThreadPoolExecutor() as elsewhere:
        answer = elsewhere.submit(exchange, name, Ask())
        connection, _ = other.accept()
        receive_request(connection, monotonic_s() + LONG_S)
        connection.sendall(payload)
        connection.close()
        assert answer.result() is None


def test_a_run_that_ended_while_this_one_was_stopped_is_named(tmp_path: Path) -> None:
    """Two runs and Ctrl-Z: nothing can be believed, and it need not look like an attack alone."""
    witness = open_witness(str(tmp_path))
    witness._obey(Tell(RUN), STRANGER)
    note_sealed(str(tmp_path), RUN)
    changed, why = witness.foreign()
    assert changed == "the record of which runs there are was changed"
    assert RUN.run_id in why
    assert "Ctrl-Z" in why
    witness.close()


def test_a_run_that_ends_while_the_record_is_compared_has_not_changed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells its seal, and records it: what was known before that is no measure of the record."""
    witness = open_witness(str(tmp_path))
    witness._memory.begin(RUN, None)

    def read_order_late(state_dir: str) -> list[OrderedRun]:
        witness._memory.seal(RUN)
        note_sealed(state_dir, RUN)
        return read_order(state_dir)

    monkeypatch.setattr(foreign, "read_order", read_order_late)
    assert witness.foreign() == []
    witness.close()


def test_a_neighbour_that_ended_without_a_word_for_itself_makes_no_other_run_fail(
    tmp_path: Path,
) -> None:
    """Its log bears a seal that nobody vouches for, and a note why: who ended later said 4, too."""
    journal = open_journal(tmp_path)
    state = str(tmp_path / ".vibeguard")
    neighbour = open_witness(state)
    neighbour.begin(journal.run_id, nested=False)
    witness = open_witness(state)
    write_run(journal)
    note_differences(journal.run_folder, ("something was changed",))
    journal.seal()
    neighbour.give_up()
    neighbour.close()
    journal.close()
    assert witness.foreign() == []
    witness.close()
