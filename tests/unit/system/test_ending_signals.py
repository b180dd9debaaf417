"""What ends a command arrives, wherever Python is when it comes."""

import subprocess
import sys

from tests.helpers.command import ROOT, environment

ALL_AT_ONCE = """
import os, signal
from vibeguard.system.ending_signals import ENDING, ended_by_signals
signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
for number in ENDING:
    signal.signal(number, signal.SIG_DFL)  # what runs the tests may ignore some
    os.kill(os.getpid(), number)
try:
    with ended_by_signals():
        print("nothing ended it")
except KeyboardInterrupt as interrupt:
    print(*interrupt.args)
"""
DROPPED = """
import os, signal, sys, time, weakref
from vibeguard.system.ending_signals import ended_by_signals

class Noted: pass
def stop(*_): os.kill(os.getpid(), signal.SIGINT)
def by_a_callback():
    noted = Noted()
    reference = weakref.ref(noted, stop)
    del noted
def by_a_module_in_c():
    try: stop()
    except BaseException: pass
def by_both():
    class Late:
        def __del__(self): by_a_module_in_c(); time.sleep(0.1)
    Late()

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with ended_by_signals():
        locals()[sys.argv[1]]()
        time.sleep(20)
        print("dropped")
except KeyboardInterrupt as interrupt:
    print(*interrupt.args)
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def said(program: str, *words: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_of_several_that_were_held_back_the_first_ends_and_none_is_a_traceback():
    """CPython tells of one that is on its way when it is set to be ignored."""
    assert said(ALL_AT_ONCE) == ("SIGHUP\n", "")


def test_what_python_or_a_module_in_c_drops_is_raised_again_and_never_told():
    """`import yaml._yaml` drops it, and so do the callbacks of every import."""
    for way in ("by_a_callback", "by_a_module_in_c", "by_both"):
        assert said(DROPPED, way) == ("SIGINT\n", ""), way
