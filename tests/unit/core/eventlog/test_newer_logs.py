"""A log of a later minor version: what cannot be read is nobody's damage."""

import pytest

from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.model.events import SCHEMA_VERSION
from vibeguard.core.problems import LogCorrupt, UsageError

STARTED = (
    '{"type":"run.started","seq":0,"t":0,"run_id":"r","schema":"%s","tool_version":"9.9",'
    '"wall_time":"","boot_id":"","pid":1,"pid_start":1,"argv":[],"cwd":"/"}\n'
    '{"type":"run.dreamt","seq":1,"t":1}\n'
)


def test_an_unknown_event_of_a_later_version_names_who_wrote_it() -> None:
    with pytest.raises(UsageError, match=r"written by VibeGuard 9\.9"):
        LogDecoder().feed((STARTED % "1.99").encode())


def test_an_unknown_event_of_this_version_is_damage() -> None:
    with pytest.raises(LogCorrupt, match="unknown event type"):
        LogDecoder().feed((STARTED % SCHEMA_VERSION).encode())
