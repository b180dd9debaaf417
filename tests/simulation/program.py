"""What a simulated process does, done by a real one: `python -I -S program.py PROGRAMS`.

The operations are those of `kernel.py`, but for what no process can do to itself (`stuck`).
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any


def run(program: list[Any]) -> None:
    """Do it, and end."""
    for operation, *arguments in program:
        if operation == "sleep":
            time.sleep(arguments[0])
        elif operation == "write":
            with suppress(OSError):  # it may have closed its output
                os.write(1, (b"says %d\n" % arguments[0] * arguments[0])[: arguments[0]])
        elif operation == "exit":
            os._exit(arguments[0])
        elif operation == "die":
            os.kill(os.getpid(), signal.Signals[arguments[0]])
        elif operation == "term":
            react(arguments[0])
        elif operation == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif operation == "fork":
            fork(*arguments)
    os._exit(0)


def react(how: str | int) -> None:
    """What SIGTERM does from now on."""
    if how == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(int(how)))


def fork(program: list[Any], how: list[str]) -> None:
    """A child that does the program."""
    if os.fork():
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if "setsid" in how:
        os.setsid()
    elif "setpgid" in how:
        os.setpgid(0, 0)
    if "close" in how:
        for descriptor in (1, 2):
            with suppress(OSError):  # as its parent may have
                os.close(descriptor)
    if "unmarked" in how:
        words = [sys.executable, "-I", "-S", __file__, json.dumps([program])]
        with suppress(OSError):
            os.execve(sys.executable, words, {})
    run(program)


if __name__ == "__main__":
    programs = json.loads(sys.argv[1])
    number = int(os.environ.get("VIBEGUARD_ATTEMPT", "1"))
    run(programs[min(number, len(programs)) - 1])
