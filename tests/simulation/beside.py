"""A second run in the same folder at the same moment: what either does to the other.

Trio runs one loop in a thread, and a machine stands still while nobody looks: so the second run is
one of a fork, from its start to its end, while the first waits for its next turn. It has a kernel
of its own; folder, locks and logs are those of both.
"""

import json
import os
import signal
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as replace_struct

from tests.simulation.history import SECOND_NS, History
from tests.simulation.seams import leave_the_loop
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.live_runs import live_runs
from vibeguard.system.journal.reader import open_state

RUN_TIMEOUT_NS = 3 * SECOND_NS  # what waits for a group of the first run waits for ever


def second_of(history: History) -> History:
    """The same checks, undisturbed but by the first run."""
    settings = replace_struct(history.plan.settings, run_timeout_ns=RUN_TIMEOUT_NS)
    return replace(
        history,
        seed=history.seed + 1_000_000_000,
        plan=replace_struct(history.plan, settings=settings),
        happenings=(),
        faults=(),
        trouble=None,
        reads_s=(),
    )


def in_a_fork(work: Callable[[], list[Any]]) -> list[Any]:
    """What `work` finds; what it raises is a finding. The fork is over with this call."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the threads that are left behind
        pid = os.fork()
    if not pid:
        found: list[Any] = ["it broke off"]
        try:
            leave_the_loop()
            found = work()
        except BaseException as error:
            found = [f"a defect: {error!r}"]
        finally:
            with suppress(BaseException):
                os.write(writing, json.dumps([str(each) for each in found])[:60_000].encode())
            os._exit(0)
    os.close(writing)
    try:
        with open(reading, "rb") as file:
            told = file.read()
    finally:
        os.kill(pid, signal.SIGKILL)  # it has ended by now, unless it hangs
        os.waitpid(pid, 0)
    return [f"beside: {each}" for each in json.loads(told or b'["nothing was told"]')]


def is_seen(folder: str) -> list[str]:
    """Whoever starts a run finds the one that goes on: to join it, or to supersede it."""
    run, state_dir = os.path.basename(folder), os.path.dirname(os.path.dirname(folder))
    state, reading = open_state(folder)
    if reading.status is LogStatus.CORRUPT:
        return []  # somebody has tampered with it
    if live_runs(state_dir) != [run] or reading.status is not LogStatus.LIVE:
        return [f"the first run is {reading.status} to the second"]
    if state.started is None or state.started.run_id != run:
        return ["the first run says that it is another one"]
    return []
