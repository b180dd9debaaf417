"""Where a pool is and how it is entered, from the environment: never from config or log."""

from collections.abc import Mapping

from msgspec import Struct

from vibeguard.core.config.scalars import POOL_NAME, POOL_NAME_FORM
from vibeguard.core.pool.address import Address, BadAddress, parse_address
from vibeguard.core.problems import UsageError
from vibeguard.system.keyfile import read_key

URL_VARIABLE = "VIBEGUARD_POOL_URL"
KEY_VARIABLE = "VIBEGUARD_POOL_KEY_FILE"


class Access(Struct, frozen=True):
    """The broker's address, the pool's name, and its key."""

    address: Address
    pool: str
    key: bytes


def access_from(environ: Mapping[str, str], pool: str, *, insecure: bool) -> Access:
    """The way into a pool. Raises UsageError that names the variable which is wrong."""
    if not POOL_NAME.match(pool):
        raise UsageError(f"the pool is called {pool!r}", POOL_NAME_FORM)
    url = environ.get(URL_VARIABLE, "")
    if not url:
        raise UsageError(
            f"{URL_VARIABLE} is not set: where is the broker of the pool {pool}?",
            f"export {URL_VARIABLE}=rediss://USER:PASSWORD@HOST:PORT (docs/workers.md)",
        )
    try:
        address = parse_address(url, insecure=insecure)
    except BadAddress as error:
        raise UsageError(f"{URL_VARIABLE} cannot be used", str(error)) from error
    key = read_key(environ.get(KEY_VARIABLE, ""), of="the pool", variable=KEY_VARIABLE)
    return Access(address, pool, key)


def needs_extra() -> UsageError:
    """What to say where the parser of the broker's protocol is not installed."""
    return UsageError(
        "checks on other machines need the extra `pool`", 'pip install "vibeguard[pool]"'
    )
