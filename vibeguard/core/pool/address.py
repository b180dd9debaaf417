"""Where a broker is: `redis://`, `rediss://` or `unix://`, and the user that it knows us as."""

from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

DEFAULT_PORT = 6379
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_FORMS = "rediss://USER:PASSWORD@HOST:PORT, redis://HOST:PORT or unix:///PATH"


class BadAddress(Exception):
    """The address cannot be used; the message says why, and never the password."""


class Address(Struct, frozen=True):
    """A broker. `path` is its socket on this machine, else it is at `host` and `port`."""

    host: str = ""
    port: int = DEFAULT_PORT
    path: str = ""
    tls: bool = False
    user: str = ""
    password: str = ""
    database: int = 0
    certificates: str = ""

    @property
    def shown(self) -> str:
        """The address for people: without user and password."""
        if self.path:
            return f"unix://{self.path}"
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}"


def parse_address(text: str, *, insecure: bool) -> Address:
    """The address that a URL stands for. Raises BadAddress.

    `insecure` allows `redis://` to another machine: whoever is between sees the tree. `?ca=PATH`
    names the certificates by which a `rediss` server is known, instead of the system's.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise BadAddress(f"it is no URL ({error}): use {_FORMS}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise BadAddress(f"it begins with {parts.scheme!r}: use {_FORMS}")
    options = parse_qs(parts.query)
    if unknown := sorted(options.keys() - {"ca", "db"}):
        raise BadAddress(f"it has an unknown option {unknown[0]!r}: there are ca and db")
    address = Address(
        host=parts.hostname or "localhost",
        port=port,
        path=unquote(parts.path) if parts.scheme == "unix" else "",
        tls=parts.scheme == "rediss",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=_database(parts.path, options),
        certificates=options.get("ca", [""])[0],
    )
    if parts.scheme == "unix" and not address.path:
        raise BadAddress("it names no socket: use unix:///PATH")
    if parts.scheme == "redis" and address.host not in _LOCAL_HOSTS and not insecure:
        raise BadAddress(
            f"redis:// to {address.host} sends the files of the tree in the clear: use rediss://, "
            "or say insecure: true in settings.pool (--insecure for a worker)"
        )
    return address


def _database(path: str, options: dict[str, list[str]]) -> int:
    """`?db=N` or `redis://host/N`."""
    text = options.get("db", [""])[0]
    if not text and path.strip("/").isdigit():
        text = path.strip("/")
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise BadAddress(f"its database is {text!r}: use a number")
    return int(text)
