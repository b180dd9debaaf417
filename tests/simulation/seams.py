"""Where the product meets the system, and what stands there while it is simulated.

The seam is the system call: every module of `vibeguard.system` gets, under the names of these
modules, something that knows of the simulated kernel and disk and is the real module in all else.
No list of modules can be forgotten: whoever knows `os` is found. Clock, executor and forks are
handed in (`supervisor.host.Host`).

Trio shuffles its tasks with a generator of its own, `trio._core._run._r`, which no public name
reaches; it sorts them before only where it believes to be under Hypothesis, which registers that
same generator. Both are pinned here and nowhere else.
"""

import ctypes
import fcntl
import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import trio

from tests.simulation.disk import Disk
from tests.simulation.kernel import Kernel
from tests.simulation.processes import INIT
from tests.simulation.stand_ins import (
    ClockStandIn,
    CtypesStandIn,
    FcntlStandIn,
    OsStandIn,
    PathOfKeys,
    ResourceStandIn,
    SelectStandIn,
    SignalStandIn,
    StandIn,
    ThreadingStandIn,
    TreeStandIn,
)
from vibeguard.system import clock
from vibeguard.system.journal import follow
from vibeguard.system.process import exits, proc
from vibeguard.system.reuse import moment
from vibeguard.system.supervisor import reusing as _imported_late  # noqa: F401
from vibeguard.system.supervisor import untouched
from vibeguard.system.vouching import exchange, witness
from vibeguard.system.vouching.exchange import peer_of


def _knowing(real: Any) -> list[tuple[dict[str, Any], str]]:
    """The modules of `vibeguard.system` that know this module by a name of theirs."""
    return [
        (vars(module), name)
        for path, module in list(sys.modules.items())
        if path.startswith("vibeguard.system") and module is not clock
        for name, value in list(vars(module).items())
        if value is real or (isinstance(value, StandIn) and vars(value)["_real"] is real)
    ]


PATIENCE_S = 60.0  # two supervisors vouch by real sockets and threads: no verdict by the clock


def _from_elsewhere(connection: Any) -> tuple[int, int]:
    """Who is at the other end, which is real: another supervisor, that no check has started."""
    return INIT, peer_of(connection)[1]


# Of modules, whoever knows them; of the clock's functions, which are imported by name, too.
_REAL = (os, signal, fcntl, resource, select, ctypes, threading, clock, clock.wall_ns)
_PLACES: dict[str, Any] = {}


@contextmanager
def simulated(
    kernel: Kernel, disk: Disk, rng: Random, *, wall_ns: int = 0, root: str = ""
) -> Iterator[None]:
    """All of the product meets this kernel and disk; `wall_ns` is the wall clock when theirs is 0.

    `root` is the folder of the history.
    """
    if _PLACES.get("modules") != len(sys.modules):  # some are imported when they are needed
        _PLACES.update({real.__name__: _knowing(real) for real in _REAL})
        _PLACES["modules"] = len(sys.modules)
    of_clock = ClockStandIn(kernel, wall_ns)
    of_os = OsStandIn(kernel, disk, rng)
    stands: dict[str, Any] = {
        "os": of_os,
        "signal": SignalStandIn(kernel),
        "fcntl": FcntlStandIn(kernel),
        "resource": ResourceStandIn(resource),
        "select": SelectStandIn(kernel),
        "ctypes": CtypesStandIn(kernel),
        "threading": ThreadingStandIn(kernel),
        clock.__name__: of_clock,
        "wall_ns": of_clock.wall_ns,
    }
    before = [
        (module, name, module[name]) for real in _REAL for module, name in _PLACES[real.__name__]
    ]
    for real in _REAL:
        for module, name in _PLACES[real.__name__]:
            module[name] = stands[real.__name__]
    if root:
        vars(moment)["os"] = of_keys = OsStandIn(kernel, disk, rng)
        of_keys.path = PathOfKeys(root)
    _forget_what_was_tried()
    others = (vars(witness), vars(exchange), vars(untouched))
    kept = [dict(module) for module in others]
    others[0].update(peer_of=_from_elsewhere, _PATIENCE_S=PATIENCE_S)
    others[1].update(PATIENCE_S=PATIENCE_S, REFUSED_S=PATIENCE_S)
    others[2].update(left_alone=TreeStandIn(kernel))
    try:
        yield
    finally:
        for names, before_it in zip(others, kept, strict=True):
            names.update(before_it)
        for module, name, what in before:
            module[name] = what
        _forget_what_was_tried()


@contextmanager
def small_pieces() -> Iterator[None]:
    """A follower gets a few events at a time."""
    before, follow.CHUNK_BYTES = follow.CHUNK_BYTES, 700  # type: ignore[misc]
    try:
        yield
    finally:
        follow.CHUNK_BYTES = before  # type: ignore[misc]


@contextmanager
def task_order(seed: int) -> Iterator[None]:
    """Trio's tasks take turns as this number says."""
    run = trio._core._run
    before = run._ALLOW_DETERMINISTIC_SCHEDULING, run._r.getstate()
    vars(run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    run._r.seed(seed)
    try:
        yield
    finally:
        vars(run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = before[0]
        run._r.setstate(before[1])


def leave_the_loop() -> None:
    """In a fork of a process in which Trio runs: its loop is the other one's, which goes on there."""
    vars(trio._core._run.GLOBAL_RUN_CONTEXT).clear()
    signal.set_wakeup_fd(-1)


def _forget_what_was_tried() -> None:
    """What the system can do is tried once a process: here, once a system."""
    for tried in (proc.is_ours, proc.is_available, exits.has_pidfd):
        tried.cache_clear()
