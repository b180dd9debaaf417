"""`vibeguard workers`."""

from msgspec import Struct

from vibeguard.commands.columns import columns
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.pooling import PoolOptions, access_to
from vibeguard.commands.streams import write_answer, write_err
from vibeguard.core.pool.messages import PROTOCOL, Presence
from vibeguard.system.pool.access import needs_extra


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
