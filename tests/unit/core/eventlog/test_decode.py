"""Bytes to events: every kind of damage has an answer, with its byte and line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.logs import encode_log, every_event
from vibeguard.core.eventlog import decode, single_line
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.eventlog.encode import encode_seal, new_digest
from vibeguard.core.model.events import Event, LogSealed, UnknownEvent
from vibeguard.core.problems import LogCorrupt

LOG = encode_log(every_event())
LINES = LOG.splitlines(keepends=True)
EVENTS = every_event()
IGNORABLE = b'{"type":"check.sung","seq":1,"t":5,"may_ignore":true,"tune":[1]}\n'


def fed(
    content: bytes, *, size: int = 1 << 20
) -> tuple[list[Event], LogDecoder, LogCorrupt | None]:
    """Feed `content` in pieces: the events, the decoder, and the damage if any was found."""
    decoder = LogDecoder()
    events: list[Event] = []
    for start in range(0, len(content), size):
        try:
            events += decoder.feed(content[start : start + size])
        except LogCorrupt as problem:
            return events + decoder.saved, decoder, problem
    return events, decoder, None


def test_the_events_that_were_written_are_those_that_are_read():
    events, decoder, problem = fed(LOG)
    assert problem is None
    assert events[:-1] == list(EVENTS[:-1])
    assert decoder.sealed == events[-1]
    assert (decoder.offset, decoder.lines) == (len(LOG), len(LINES))


@given(st.lists(st.integers(1, len(LOG)), max_size=12))
def test_it_makes_no_difference_how_the_bytes_are_cut_into_chunks(cuts):
    decoder = LogDecoder()
    events = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(LOG)], strict=True):
        events += decoder.feed(LOG[start:end])
    assert events == fed(LOG)[0]
    assert decoder.sealed is not None


def test_byte_by_byte_gives_the_same_events():
    events, decoder, problem = fed(LOG, size=1)
    assert (events, problem) == (fed(LOG)[0], None)
    assert decoder.sealed is not None


def test_an_unfinished_last_line_is_torn_and_no_event():
    events, decoder, problem = fed(LOG[:-1])
    assert problem is None
    assert len(events) == len(LINES) - 1
    assert decoder.torn_bytes == len(LINES[-1]) - 1
    assert decoder.sealed is None


THIRD = len(LINES[0]) + len(LINES[1])
DAMAGE = {
    "two objects on one line": (LINES[2][:-1] + LINES[3], "not one JSON object"),
    "an object over two lines": (LINES[2].replace(b",", b",\n", 1), "not one JSON object"),
    "an empty line": (b"\n", "an empty line"),
    "NUL bytes": (b"\0" * 16 + b"\n", "NUL bytes"),
    "a NUL inside": (LINES[2].replace(b"{", b"{\0", 1), "NUL bytes"),
    "a byte order mark": (b"\xef\xbb\xbf" + LINES[2], "a byte order mark"),
    "CRLF": (LINES[2][:-1] + b"\r\n", "a carriage return"),
    "not UTF-8": (LINES[2].replace(b"fmt", b"f\xfft"), "not UTF-8"),
    "not JSON": (b"hello\n", "not one JSON object"),
    "not an object": (b"[]\n", "not an event"),
    "a missing field": (b'{"type":"check.slow","seq":2,"t":1}\n', "not a valid check.slow"),
    "a wrong type": (b'{"type":"run.resumed","seq":2,"t":1,"paused_ns":"1"}\n', "not a valid run"),
    "a float where whole": (b'{"type":"run.resumed","seq":2,"t":1,"paused_ns":1.5}\n', "not a"),
    "a word of no vocabulary": (LINES[3].replace(b"foreground", b"underground"), "not a valid"),
    "an unknown event": (b'{"type":"check.sung","seq":2,"t":1}\n', "unknown event type"),
    "no type": (b'{"seq":2,"t":1}\n', "not an event"),
    "an unknown event that is nested deeply": (
        b'{"type":"check.sung","seq":2,"t":1,"x":' + b"[" * 100000 + b"]" * 100000 + b"}\n",
        "nested too deeply",
    ),
    "an unknown event that is not UTF-8": (
        b'{"type":"check.sung","type":"\xff","seq":2,"t":1}\n',
        "not UTF-8",
    ),
    "deep nesting": (b'{"type":"run.paused","x":' + b"[" * 100000 + b"\n", "nested too deeply"),
}


@pytest.mark.parametrize("size", [1 << 20, 700])
@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_at_its_byte_and_line_and_what_precedes_it_is_saved(name, size):
    bad, words = DAMAGE[name]
    events, decoder, problem = fed(b"".join(LINES[:2]) + bad + b"".join(LINES[2:]), size=size)
    assert problem is not None
    assert words in problem.what
    assert (problem.byte, problem.line) == (THIRD, 3)
    assert events == list(EVENTS[:2])
    assert (decoder.offset, decoder.lines) == (THIRD, 2)


CANCELLING = {
    "joined, then broken": (
        LINES[2][:-1] + LINES[3] + LINES[4].replace(b",", b",\n", 1),
        "not one JSON object",
    ),
    "broken after its brace, then joined": (
        LINES[2].replace(b"{", b"{\n", 1) + LINES[3][:-1] + LINES[4],
        "not one JSON object",
    ),
    "broken before its brace, then joined": (
        LINES[2].replace(b"}\n", b"\n}\n") + LINES[3][:-1] + LINES[4],
        "not one JSON object",
    ),
    "joined, then empty": (LINES[2][:-1] + LINES[3] + b"\n" + LINES[4], "not one JSON object"),
    "joined, then empty at the end": (LINES[2][:-1] + LINES[3] + b"\n", "not one JSON object"),
    "empty, then joined": (b"\n" + LINES[2][:-1] + LINES[3], "an empty line"),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_two_defects_that_keep_the_number_of_lines_are_found_all_the_same(name):
    """As many newlines as events in one chunk does not mean an event on each line."""
    bad, words = CANCELLING[name]
    decoder = LogDecoder()
    decoder.feed(b"".join(LINES[:2]))
    with pytest.raises(LogCorrupt, match=words) as raised:
        decoder.feed(bad)
    assert (raised.value.byte, raised.value.line) == (THIRD, 3)
    assert decoder.saved == []


def test_space_around_an_event_is_read_as_json_reads_it():
    decoder = LogDecoder()
    decoder.feed(LINES[0])
    assert decoder.feed(b" " + LINES[1][:-1] + b" \n" + LINES[2]) == list(EVENTS[1:3])


def test_carriage_returns_throughout_are_found_on_the_first_line():
    problem = fed(LOG.replace(b"\n", b"\r\n"))[2]
    assert problem is not None
    assert (problem.byte, problem.line) == (0, 1)


def test_after_damage_a_decoder_takes_in_nothing_more():
    decoder = LogDecoder()
    decoder.feed(LINES[0])
    with pytest.raises(LogCorrupt):
        decoder.feed(b"damage\n")
    with pytest.raises(LogCorrupt, match="not one JSON object"):
        decoder.feed(LINES[1])
    assert decoder.saved == []


@pytest.mark.parametrize("after", [b"{", b"\n", LINES[3], LINES[-1]])
def test_nothing_may_follow_the_seal(after):
    """Not an event, not a second seal, not even half a line; in one piece with it or later."""
    for content in ([LOG + after], [LOG, after]):
        decoder = LogDecoder()
        with pytest.raises(LogCorrupt, match="follow"):
            for chunk in content:
                decoder.feed(chunk)


def test_a_seal_of_other_bytes_is_damage():
    changed = LOG.replace(b'"fmt"', b'"fnt"')
    problem = fed(changed)[2]
    assert problem is not None
    assert problem.what == "the bytes are not those that were sealed"
    assert problem.line == len(LINES)


def test_a_seal_that_miscounts_is_damage_even_if_its_digest_fits():
    events = every_event()
    seal = events[-1]
    assert isinstance(seal, LogSealed)
    before = b"".join(LINES[:-1])
    digest = new_digest()
    digest.update(before)
    for count, size in ((seal.events + 1, len(before)), (seal.events, len(before) + 1)):
        wrong = LogSealed(seq=seal.seq, t=seal.t, events=count, bytes=size, sha256="")
        problem = fed(before + encode_seal(wrong, digest))[2]
        assert problem is not None
        assert "counts" in problem.what


def test_the_digest_must_be_the_last_field_of_the_seal():
    """Else bytes could follow that nothing covers."""
    longer = LOG[:-2] + b',"x":1}\n'
    problem = fed(longer)[2]
    assert problem is not None
    assert "last field" in problem.what


def test_an_escaped_spelling_of_the_seal_is_still_a_seal():
    spelled = LOG.replace(b"log.sealed", b"log\\u002esealed")
    problem = fed(spelled)[2]
    assert problem is not None
    assert "not those that were sealed" in problem.what


def test_a_log_begins_with_run_started():
    problem = fed(b"".join(LINES[1:]))[2]
    assert problem is not None
    assert "does not begin" in problem.what


@pytest.mark.parametrize("schema", ["2.0", "0.9", "10.0", "one", ".5"])
def test_a_log_of_another_major_schema_is_refused_by_its_name(schema):
    """Also when its events have other fields by now."""
    first = LINES[0].replace(b'"schema":"1.0"', f'"schema":"{schema}"'.encode())
    for line in (first, first.replace(b'"pid"', b'"process"')):
        problem = fed(line)[2]
        assert problem is not None
        assert f"schema {schema!r}" in problem.what


def test_a_later_minor_schema_is_read_and_its_new_fields_are_ignored():
    first = LINES[0].replace(b'"schema":"1.0"', b'"schema":"1.7","mood":{"x":[1,2]}')
    events, _, problem = fed(first + LINES[1])
    assert problem is None
    assert len(events) == 2


def test_an_unknown_event_that_may_be_ignored_counts_and_keeps_its_number():
    events, decoder, problem = fed(LINES[0] + IGNORABLE + LINES[1])
    assert problem is None
    assert events[1] == UnknownEvent(seq=1, t=5, name="check.sung")
    assert decoder.lines == 3


def test_the_fields_of_an_event_that_may_be_ignored_are_its_own():
    """Also where the first event has a field of that name."""
    events, _, problem = fed(LINES[0] + IGNORABLE.replace(b'"tune"', b'"schema"'))
    assert (len(events), problem) == (2, None)


def test_a_known_event_is_not_ignored_because_it_asks_to_be():
    problem = fed(LINES[0] + b'{"type":"run.resumed","seq":1,"t":5,"may_ignore":true}\n')[2]
    assert problem is not None


def test_a_line_beyond_the_limit_is_damage_finished_or_not(monkeypatch):
    """The limit is lowered here; `test_s6_log` sends a hundred real megabytes."""
    monkeypatch.setattr(decode, "MAX_LINE_BYTES", 300)
    monkeypatch.setattr(single_line, "MAX_LINE_BYTES", 300)
    for bad in (b'{"x":"' + b"a" * 400 + b'"}\n', b'{"x":"' + b"a" * 400):
        events, _, problem = fed(LINES[0] + bad, size=100)
        assert problem is not None
        assert "a line of more than" in problem.what
        assert (problem.byte, problem.line) == (len(LINES[0]), 2)
        assert len(events) == 1


def test_the_place_of_an_event_is_that_of_its_line():
    decoder = LogDecoder()
    decoder.feed(LOG[:40])
    events = decoder.feed(LOG[40 : len(LOG) - 3])
    for index in range(len(events)):
        byte, line = decoder.place_of(index)
        assert LOG[byte:].startswith(LINES[line - 1])
        assert line == index + 1
