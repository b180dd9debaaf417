"""DESIGN section 6: what the log withstands.

A real log that holds every type of event is cut at every byte, has every bit flipped, and is put
together again in wrong ways; nothing of that may ever pass.
"""

import os
import stat
from functools import partial
from typing import get_args

import pytest

from tests.helpers.journals import open_journal, write_run
from tests.helpers.logs import encode_log, every_event
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.fold.fold import apply
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.journal.reader import open_state

LOG = encode_log(every_event())
ENDS = [place + 1 for place, byte in enumerate(LOG) if byte == 0x0A]


def status_of(content: bytes) -> LogStatus:
    """What a log of these bytes is once its writer has gone (without a file, for speed)."""
    decoder, state = LogDecoder(), State()
    try:
        for event in decoder.feed(content):
            apply(state, event)
    except LogCorrupt:
        return LogStatus.CORRUPT
    return LogStatus.COMPLETE if decoder.sealed is not None else LogStatus.INCOMPLETE


def is_sealed(content: bytes) -> bool:
    """Whether the decoder alone takes these bytes for a whole log; the fold could only refuse."""
    decoder = LogDecoder()
    try:
        decoder.feed(content)
    except LogCorrupt:
        return False
    return decoder.sealed is not None


def test_the_log_under_test_holds_every_type_of_event():
    assert {type(event) for event in every_event()} == set(get_args(Event))
    assert status_of(LOG) is LogStatus.COMPLETE


@pytest.mark.slow
def test_a_log_that_is_cut_at_any_byte_is_incomplete():
    """Never passed, and never taken for tampering: that is what a crash leaves behind."""
    found = {size: status_of(LOG[:size]) for size in range(len(LOG))}
    assert {size for size, status in found.items() if status is not LogStatus.INCOMPLETE} == set()


@pytest.mark.slow
def test_a_cut_log_gives_every_event_before_the_cut():
    events = list(every_event())
    for number, end in enumerate(ENDS[:-1], 1):
        assert LogDecoder().feed(LOG[: end + 5]) == events[:number]


@pytest.mark.parametrize(
    "bits",
    [
        pytest.param(1, id="one of each byte"),
        pytest.param(8, id="all", marks=pytest.mark.nightly),  # half a minute
    ],
)
def test_no_bit_of_a_sealed_log_can_flip_unnoticed(bits):
    """Corrupt, or (where the flip took the last newline away) incomplete: never complete."""
    flipped = bytearray(LOG)
    unnoticed = []
    for place in range(len(LOG)):
        for bit in ((place + step) % 8 for step in range(bits)):
            flipped[place] ^= 1 << bit
            if is_sealed(bytes(flipped)):
                unnoticed.append((place, bit))
            flipped[place] ^= 1 << bit
    assert unnoticed == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(4, id="a quarter"),
        pytest.param(1, id="all", marks=pytest.mark.nightly),  # three seconds of a processor
    ],
)
def test_no_byte_can_be_taken_out_or_doubled_unnoticed(step):
    for place in range(0, len(LOG), step):
        assert not is_sealed(LOG[:place] + LOG[place + 1 :])
        assert not is_sealed(LOG[: place + 1] + LOG[place:])


def test_no_line_can_be_taken_out_doubled_or_swapped_even_with_a_new_seal():
    """Somebody who can seal still cannot tell a story that contradicts itself."""
    accepted = []
    for place in range(len(ENDS) - 1):
        for name, change in CHANGES.items():
            events = list(every_event())
            seal = events.pop()
            change(events, place)
            forged = type(seal)(seq=seal.seq, t=seal.t, events=len(events), bytes=0, sha256="")
            if status_of(encode_log([*events, forged])) is LogStatus.COMPLETE:
                accepted.append((name, place))
    assert accepted == []


def _take_out(events, place):
    del events[place]


def _double(events, place):
    events.insert(place, events[place])


def _swap(events, place):
    after = (place + 1) % len(events)
    events[place], events[after] = events[after], events[place]


CHANGES = {"taken out": _take_out, "doubled": _double, "swapped": _swap}


@pytest.mark.slow
def test_a_hundred_megabytes_without_a_newline_are_damage_in_flat_memory(tmp_path):
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        file.write(LOG[: ENDS[0]])
        for _ in range(100):
            file.write(b"x" * (1 << 20))
    _, reading = open_state(str(path))
    assert reading.status is LogStatus.CORRUPT
    assert "a line of more than 64 MiB" in reading.problem.what
    assert (reading.problem.line, reading.events) == (2, 1)


@pytest.mark.slow
def test_the_log_can_break_off_at_any_event_and_stays_readable(tmp_path):
    """However far a run got when its writer died, what it wrote is there, as incomplete."""
    journal = write_run(open_journal(tmp_path))
    journal.close()
    with open(journal.log_path, "rb") as file:
        lines = file.readlines()
    for count in range(len(lines)):
        with open(journal.log_path, "wb") as file:
            file.writelines(lines[:count])
        state, reading = open_state(journal.run_folder)
        assert (reading.status, reading.events) == (LogStatus.INCOMPLETE, count)
        assert state.next_seq == count


def test_followers_never_change_another_runs_log(tmp_path):
    """Reading needs no right to write and leaves the log's times alone."""
    journal = write_run(open_journal(tmp_path))
    journal.seal()
    journal.close()
    os.chmod(journal.log_path, stat.S_IRUSR)
    before = os.stat(journal.log_path)
    assert open_state(journal.run_folder)[1].status is LogStatus.COMPLETE
    after = os.stat(journal.log_path)
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)


def test_two_replays_of_one_log_give_the_same_state():
    states = []
    for _ in range(2):
        state = State()
        list(map(partial(apply, state), LogDecoder().feed(LOG)))
        states.append(state)
    assert states[0] == states[1]
