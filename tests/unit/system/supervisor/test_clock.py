"""The clock of a run stands still in a pause, announced or not."""

import math

import pytest

from vibeguard.system.supervisor.run_clock import PausingClock

SECOND = 1_000_000_000


class Time:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.ns = 5 * SECOND

    def __call__(self) -> int:
        return self.ns

    def passes(self, seconds: float) -> None:
        self.ns += round(seconds * SECOND)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time) -> PausingClock:
    clock = PausingClock(time(), time)
    clock.start_clock()
    return clock


def sleep(clock, time, *, planned, real):
    """What Trio does: ask how long it may sleep, sleep, look at the clock."""
    clock.deadline_to_sleep_time(clock.current_time() + planned)
    time.passes(real)
    return clock.current_time()


def test_time_passes_as_it_does(clock, time):
    assert sleep(clock, time, planned=10, real=10) == pytest.approx(10)
    assert sleep(clock, time, planned=10, real=4) == pytest.approx(14)
    assert clock.elapsed_ns() == 14 * SECOND


def test_an_announced_pause_is_left_out_and_ends_all_deadlines(clock, time):
    clock.pause()
    assert clock.deadline_to_sleep_time(clock.current_time() + 1) == math.inf
    time.passes(60)
    assert clock.current_time() == 0
    assert clock.resume() == 60 * SECOND
    assert sleep(clock, time, planned=2, real=2) == pytest.approx(2)


def test_time_in_which_the_process_was_stopped_is_left_out(clock, time):
    """It slept for a tenth of a second, and woke after half a minute."""
    assert sleep(clock, time, planned=0.1, real=30) == pytest.approx(0.1)
    assert clock.elapsed_ns() == 30 * SECOND


def test_a_stop_in_the_middle_of_work_is_left_out(clock, time):
    time.passes(30)
    assert clock.current_time() == pytest.approx(0)


def test_a_long_sleep_that_was_planned_is_no_stop(clock, time):
    assert sleep(clock, time, planned=300, real=300) == pytest.approx(300)


def test_an_ordinary_delay_is_ordinary_time(clock, time):
    """A busy machine is no excuse: only what is beyond a second counts as a stop."""
    assert sleep(clock, time, planned=0.1, real=1.0) == pytest.approx(1.0)


def test_a_stop_during_an_announced_pause_counts_once(clock, time):
    sleep(clock, time, planned=1, real=1)
    clock.pause()
    time.passes(30)
    clock.current_time()
    time.passes(30)
    clock.resume()
    assert clock.current_time() == pytest.approx(1)


def test_preparation_before_the_start_is_no_stop(time):
    clock = PausingClock(time(), time)
    time.passes(3)
    clock.start_clock()
    assert clock.current_time() == pytest.approx(3)
