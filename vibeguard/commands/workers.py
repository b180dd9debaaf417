"""`vibeguard workers`; and which pool a command means, with the way into it."""

import os
from typing import Annotated

from msgspec import Struct

from vibeguard.commands.columns import columns
from vibeguard.commands.loading import has_config, load
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.commands.streams import write_answer, write_err
from vibeguard.core.pool.messages import PROTOCOL, Presence
from vibeguard.core.problems import UsageError
from vibeguard.system.pool.access import Access, access_from, needs_extra


class PoolOptions(Options, frozen=True, kw_only=True):
    """`workers`, and what `worker` has in common with it: which pool."""

    pool: Annotated[
        str | None, Parameter(metavar="NAME", help="The pool [default: as the config says].")
    ] = None
    insecure: Annotated[
        bool, Parameter(help="Allow redis:// to another machine: the files go in the clear.")
    ] = False


class WorkerList(Struct, frozen=True):
    """`workers --json`: the pool and who is there, by name."""

    pool: str
    workers: tuple[Presence, ...]


def workers(*, common: GlobalOptions, options: PoolOptions) -> int:
    """List the workers of a pool: names, labels, slots, versions."""
    access = access_to(common, options)
    try:
        from vibeguard.system.pool.listing import list_workers  # noqa: PLC0415 - Trio
    except ModuleNotFoundError as error:
        raise needs_extra() from error
    found = tuple(list_workers(access))
    if not found and not common.json:
        write_err(f"There are no workers in the pool {access.pool}.\n")
    rows = columns([_row(one) for one in found])
    write_answer(WorkerList(access.pool, found), rows, as_json=common.json)
    return 0


def _row(presence: Presence) -> list[str]:
    state = "draining" if presence.draining else f"{presence.used} of {presence.slots} slots used"
    if presence.protocol != PROTOCOL:
        state = f"speaks protocol {presence.protocol}, not {PROTOCOL}"
    return [presence.name, ",".join(presence.labels) or "-", state, presence.version]


def access_to(common: GlobalOptions, options: PoolOptions) -> Access:
    """The pool of the flags, else of the config. Raises UsageError."""
    name, insecure = options.pool, options.insecure
    if name is None and has_config(common):
        settings = load(common).config.settings.pool
        if settings is not None:
            name, insecure = settings.name, insecure or settings.insecure
    if name is None:
        raise UsageError("no pool is named", "name one: --pool NAME, or the config's settings.pool")
    return access_from(os.environ, name, insecure=insecure)
