"""`vibeguard worker`."""

import os
import platform
from collections.abc import Sequence
from typing import Annotated

from vibeguard.commands.options import Count, Duration, GlobalOptions
from vibeguard.commands.parameter import Parameter, Word
from vibeguard.commands.streams import write_err
from vibeguard.commands.words import slots_of
from vibeguard.commands.workers import PoolOptions, access_to
from vibeguard.core.config.scalars import LABEL, LABEL_FORM
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.units import SECOND_NS
from vibeguard.system.discovery.cpus import usable_cpus
from vibeguard.system.pool.access import needs_extra


def _labels(_: type, words: Sequence[Word]) -> tuple[str, ...]:
    """One that is empty is one that is wrong: a variable of the caller's was not set."""
    return tuple(part.strip() for word in words for part in word.value.split(","))


class WorkerOptions(PoolOptions, frozen=True, kw_only=True):
    """`worker`: what it offers, and how long it stays (nanoseconds)."""

    slots: Annotated[
        Count, Parameter(help="Checks at the same time [default: the usable CPUs].")
    ] = None
    label: Annotated[
        tuple[str, ...],
        Parameter(converter=_labels, metavar="LABEL", help="What it has: gpu, linux; repeatable."),
    ] = ()
    repository: Annotated[
        str,
        Parameter(metavar="PATH|URL", help="Where the commits of the runs are [default: here]."),
    ] = "."
    name: Annotated[
        str | None, Parameter(metavar="NAME", help="What it is called [default: the host name].")
    ] = None
    once: Annotated[
        bool, Parameter(help="End when the runs are over that were there, or came first.")
    ] = False
    drain: Annotated[
        Duration,
        Parameter(help="When told to stop: how long what runs may take to end [default: 10s]."),
    ] = None


DEFAULT_DRAIN_NS = 10 * SECOND_NS
LONGEST_NAME = 255  # as long as a host's may be


def worker(*, common: GlobalOptions, options: WorkerOptions) -> int:
    """Take checks of a pool and run them here, until told to stop.

    Whoever may submit to the pool can run any command as the user of this worker.
    """
    access = access_to(common, options)
    for label in options.label:
        if not LABEL.match(label):
            raise UsageError(f"the label {label!r} cannot be used", LABEL_FORM)
    slots = slots_of("--slots", usable_cpus() if options.slots is None else options.slots)
    try:
        from vibeguard.system.worker.process import run_worker  # noqa: PLC0415 - Trio
        from vibeguard.system.worker.showing import Offer  # noqa: PLC0415 - Trio
    except ModuleNotFoundError as error:
        raise needs_extra() from error
    name = platform.node() or "worker" if options.name is None else options.name
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        what = f"--name is {name!r}"
        raise UsageError(what, f"use one line of at most {LONGEST_NAME} characters")
    drain_ns = DEFAULT_DRAIN_NS if options.drain is None else options.drain
    offer = Offer(
        identity=os.urandom(12).hex(),
        name=name,
        labels=tuple(sorted(set(options.label))),
        slots=slots,
        once=options.once,
        drain_s=drain_ns / SECOND_NS,
    )
    repository = options.repository
    if os.path.isdir(repository):
        repository = os.path.realpath(repository)
    return run_worker(
        access,
        offer,
        repository=repository,
        state_dir=_state_dir(common),
        say=lambda line: write_err(f"{line}\n"),
    )


def _state_dir(common: GlobalOptions) -> str:
    """Where the files of workers are: in the user's cache."""
    if common.state_dir:
        return os.path.abspath(common.state_dir)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "vibeguard", "workers")
