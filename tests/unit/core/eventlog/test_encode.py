"""Events to bytes."""

import hashlib
import json

import pytest

from tests.helpers.logs import encode_log, every_event
from vibeguard.core.eventlog.encode import encode_line, encode_seal, make_storable, new_digest
from vibeguard.core.model.events import CheckRetryScheduled, LogSealed, RunPaused, RunStarted


def test_an_event_is_one_line_of_json_with_its_type_first():
    line = encode_line(RunPaused(seq=4, t=9))
    assert line == b'{"type":"run.paused","seq":4,"t":9}\n'


def test_newlines_in_texts_stay_inside_their_line():
    event = CheckRetryScheduled(seq=0, t=0, check="a\n{b}\r\0", attempt=1, delay_ns=1)
    assert encode_line(event).count(b"\n") == 1


def test_the_seal_covers_every_byte_before_its_own_value():
    """Anybody can check it with a hash of the file up to the digest."""
    log = encode_log(every_event())
    last = json.loads(log.splitlines()[-1])
    covered = log[: log.rindex(last["sha256"].encode())]
    assert last["sha256"] == hashlib.sha256(covered).hexdigest()
    assert list(last)[-1] == "sha256"


def test_the_seal_fits_whatever_digest_its_event_carried():
    event = LogSealed(seq=0, t=0, events=0, bytes=0, sha256="of something else")
    line = encode_seal(event, new_digest())
    assert event.sha256.encode() in line
    assert line == encode_line(event)


def test_a_text_that_utf8_cannot_hold_is_replaced_in_the_event_itself():
    """Names of files may hold any byte; log and event must stay the same thing."""
    event = RunStarted(
        run_id="r",
        schema="1.0",
        tool_version="1",
        wall_time="w",
        boot_id="b",
        pid=1,
        pid_start=1,
        argv=("ok", "bad\udce9", "\ud83d alone", "🦊"),
        cwd="/\udcff",
    )
    with pytest.raises(UnicodeEncodeError):
        encode_line(event)
    make_storable(event)
    assert event.argv == ("ok", "bad\ufffd", "\ufffd alone", "🦊")
    assert event.cwd == "/\ufffd"
    encode_line(event)
