"""Signals before there is a run."""

import signal
import sys

import pytest

from vibeguard.system.ending_signals import ENDING, ENDING_OR_QUIT
from vibeguard.system.front.early import HELD_BACK, ended_by_signals, hold_signals_back


@pytest.fixture
def told(monkeypatch):
    """What CPython would print a traceback for; signals are as before afterwards."""
    told = []
    monkeypatch.setattr(
        sys, "unraisablehook", lambda one: told.append(str(one.exc_value))
    )  # of garbage, too
    before = {number: signal.getsignal(number) for number in ENDING_OR_QUIT}
    yield told
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)


def test_of_several_that_were_held_back_the_first_ends_and_no_other_is_told(told):
    hold_signals_back()
    for number in ENDING:
        signal.raise_signal(number)  # to this thread, which alone blocks it

    with pytest.raises(KeyboardInterrupt, match="SIGHUP"), ended_by_signals():
        pass

    assert [one for one in told if one.startswith("Signal")] == []
