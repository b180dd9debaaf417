"""At once while changes are few, at intervals while they are many."""

import pytest

from vibeguard.system.journal import pace
from vibeguard.system.journal.pace import AT_ONCE, PAUSE_S, QUIET_S, Pace


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    fake = Clock()
    monkeypatch.setattr(pace, "monotonic_s", fake)
    return fake


def looks(clock, pace, *, count, every_s):
    """Changes that come so often, each seen as early as the pace allows; the delays."""
    delays = []
    for _ in range(count):
        clock.now += every_s
        changed = clock.now
        clock.now = max(changed, pace.next_look())
        delays.append(clock.now - changed)
        pace.looked()
    return delays


def test_changes_apart_are_seen_at_once_for_ever(clock):
    assert set(looks(clock, Pace(), count=5000, every_s=QUIET_S)) == {0}


def test_a_burst_is_seen_at_once(clock):
    assert set(looks(clock, Pace(), count=AT_ONCE, every_s=0)) == {0}


def test_many_changes_are_seen_at_intervals(clock):
    own = Pace()
    looks(clock, own, count=2 * AT_ONCE, every_s=0.001)
    began = clock.now
    delays = looks(clock, own, count=50, every_s=0.001)
    assert clock.now - began >= 50 * PAUSE_S * 0.99
    assert max(delays) <= PAUSE_S


def test_quiet_brings_the_looks_at_once_back(clock):
    own = Pace()
    looks(clock, own, count=2 * AT_ONCE, every_s=0)
    clock.now += PAUSE_S + AT_ONCE * QUIET_S
    own.looked()
    assert set(looks(clock, own, count=AT_ONCE - 1, every_s=0)) == {0}


def test_where_it_may_the_pause_grows_while_changes_go_on_and_a_rest_ends_that(clock):
    own = Pace(at_once=0, longest_s=5 * PAUSE_S)
    assert max(looks(clock, own, count=5, every_s=0.001)) < 2 * PAUSE_S
    delays = looks(clock, own, count=50, every_s=0.001)
    assert max(delays) == pytest.approx(5 * PAUSE_S, rel=0.05)
    clock.now += 10 * PAUSE_S
    own.looked()
    assert own.next_look() - clock.now == pytest.approx(PAUSE_S)
