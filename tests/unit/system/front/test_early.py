"""Signals before there is a run."""

import subprocess
import sys

from tests.helpers.command import ROOT, environment

ALL_AT_ONCE = """
import os, signal
from vibeguard.system.front.early import ended_by_signals, hold_signals_back
hold_signals_back()
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)  # what runs the tests may ignore some
    os.kill(os.getpid(), number)
try:
    with ended_by_signals():
        print("nothing ended it")
except KeyboardInterrupt as interrupt:
    print(*interrupt.args)
"""


def test_of_several_that_were_held_back_the_first_ends_and_none_is_a_traceback():
    """CPython tells of one that is on its way when it is set to be ignored."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_AT_ONCE],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("SIGHUP\n", "")
