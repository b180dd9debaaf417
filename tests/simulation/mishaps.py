"""What goes wrong in a history, and what comes from outside."""

import errno
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from tests.simulation.disk import WAYS, Trouble
from tests.simulation.history import ALWAYS_S, Again, Cut, Fault, Happening, PoolTrouble


def happenings(rng: Random, checks: Sequence[str]) -> tuple[Happening, ...]:
    found = []
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        what = rng.choice(
            [
                "signal", "signal", "order", "order", "kill", "front lost", "cancel", "cancel check",
                "rubbish", "pause", "suspend", "stall", "stranger", "group taken", "tamper", "crash",
                "crash",
            ]
        )  # fmt: skip
        detail = ""
        if what == "signal":
            detail = rng.choice(["SIGINT", "SIGTERM", "SIGHUP"])
        elif what == "order":
            detail = rng.choice(["SIGINT", "SIGTERM"])
        elif what == "cancel check":
            detail = rng.choice([*checks, "nobody"])
        elif what in {"pause", "suspend", "stall", "group taken"}:
            detail = f"{rng.choice([0.05, 0.8, 3, 40]) * rng.random():.4f}"
        elif what == "tamper":
            detail = rng.choice(["append", "cut", "delete"])
        step = rng.randint(5, 300) if rng.random() < 0.4 else None
        found.append(Happening(what, round(rng.uniform(0, 5) * rng.random(), 4), step, detail))
    return tuple(found)


def standing_still(rng: Random) -> tuple[Happening, ...]:
    """Early, while most checks still run, all of them stand still for a while."""
    if rng.random() > 0.08:
        return ()
    what = rng.choice(["pause", "pause", "suspend"])
    detail = f"{rng.choice([0.5, 3, 20]) * rng.uniform(0.5, 1):.4f}"
    return (Happening(what, round(rng.uniform(0, 1), 4), detail=detail),)


def changed_before_a_pause(rng: Random) -> tuple[Happening, ...]:
    """That the log was changed is found out by the line that is to tell of a pause."""
    if rng.random() > 0.015:
        return ()
    at_s = round(rng.uniform(0, 2), 4)
    how = rng.choice(["append", "cut"])
    return (Happening("tamper", at_s, detail=how), Happening("pause", at_s, detail="0.5"))


def faults(rng: Random) -> tuple[Fault, ...]:
    kinds = [
        ("pidfd_open", errno.EMFILE), ("pidfd_send_signal", errno.EPERM), ("pipe", errno.EMFILE),
        ("posix_spawn", errno.EAGAIN), ("posix_spawn", errno.E2BIG), ("setsid", errno.EPERM),
        ("kill", errno.EPERM), ("fork", errno.EAGAIN), ("prctl", errno.EINVAL),
        ("pidfd_send_signal", errno.ENOSYS),
    ]  # fmt: skip
    found = []
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        call, number = rng.choice(kinds)
        start = round(rng.uniform(0, 2) * rng.random(), 3)
        lasting = ALWAYS_S if call == "prctl" else rng.choice([0.02, 0.5, 3])
        found.append(Fault(call, number, 0.0 if call == "prctl" else start, start + lasting))
    return tuple(found)


def trouble(rng: Random) -> Trouble:
    way = rng.choice(WAYS)
    if way.startswith("output"):
        return Trouble(way, rng.randint(0, 3))
    first = rng.randint(3, 40)
    return Trouble(way, first % 3 if way == "log sync broken" else first)  # a run has few of them


def pool(rng: Random) -> PoolTrouble:
    """Half of the pools have nothing wrong with them."""
    well = rng.random() < 0.4
    workers = rng.choice([1, 2, 2, 3])
    cuts = []
    for _ in range(0 if well else rng.choice([0, 1, 1, 2])):
        at_s = round(rng.uniform(0, 5) * rng.random(), 3)
        who = rng.choice(["broker", *(f"w{number}" for number in range(workers))])
        cuts.append(Cut(who, at_s, at_s + rng.choice([0.3, 2, 12]) * rng.random()))
    deaths = () if well or rng.random() < 0.7 else ((rng.randrange(3), 5 * rng.random()),)
    return PoolTrouble(
        workers=workers,
        slots=rng.choice([1, 2]),
        loses=0.0 if well else rng.choice([0, 0.05, 0.3]),
        repeats=0.0 if well else rng.choice([0, 0.2]),
        unfit=0.0 if well else rng.choice([0, 0, 0.3]),
        delay_s=rng.choice([0.002, 0.05, 0.4]),
        cuts=tuple(cuts),
        deaths=deaths,
    )


def kept_apart(rng: Random, pool: PoolTrouble) -> PoolTrouble:
    """For longer than any lease nothing is heard of one of the workers."""
    at_s = round(rng.uniform(0.3, 2), 3)
    cut = Cut(f"w{rng.randrange(pool.workers)}", at_s, at_s + 20)
    return replace(pool, cuts=(*pool.cuts, cut))


def again(rng: Random) -> Again:
    between = rng.choice(["nothing", "nothing", "input changed", "log cut", "log forged"])
    return Again(between, rng.choice([1.0, 3600.0, -3600.0]))
