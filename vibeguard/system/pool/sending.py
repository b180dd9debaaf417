"""The pack of a run goes to the broker by a way of its own, however long that takes.

On the run's connection all that it says to workers would wait behind it, longer than a lease: what
runs meanwhile, after a broker that came back empty, would be lost.
"""

from vibeguard.system.pool.access import Access
from vibeguard.system.pool.broker import Pool
from vibeguard.system.pool.listing import ask_beside
from vibeguard.system.pool.shipment import Shipment


async def send_pack(access: Access, pool: Pool, shipment: Shipment) -> None:
    """See that the broker has it for an hour. Raises BrokerLost or BrokerRefused."""
    digest = shipment.source.pack
    if not await pool.keep_pack(digest):
        put = await ask_beside(access, lambda own: own.put_pack(digest, shipment.pack))
        put.unwrap()
