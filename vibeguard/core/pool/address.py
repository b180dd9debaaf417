"""Where a broker is: `redis://`, `rediss://` or `unix://`, and the user that it knows us as."""

from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import Struct

DEFAULT_PORT = 6379
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_FORMS = "rediss://USER:PASSWORD@HOST:PORT, redis://HOST:PORT or unix:///PATH"
_ESCAPED = "in a password % : / ? # @ are %25 %3A %2F %3F %23 %40"


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
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}"


def parse_address(text: str, *, insecure: bool) -> Address:
    """The address that a URL stands for. Raises BadAddress.

    `insecure` allows `redis://` to another machine: whoever is between sees the tree. `?ca=PATH`
    names the certificates by which a `rediss` server is known, instead of the system's.
    """
    try:
        text.encode()
        parts = urlsplit(text)
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:  # its words may be a piece of the password
        raise BadAddress(f"it is no URL: use {_FORMS}; {_ESCAPED}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise BadAddress(f"it begins with {parts.scheme!r}: use {_FORMS}")
    options = parse_qs(parts.query, keep_blank_values=True)
    _refuse_what_says_nothing(parts, port, options)
    address = Address(
        host=parts.hostname or "localhost",
        port=port,
        path=_unquoted(parts.path) if parts.scheme == "unix" else "",
        tls=parts.scheme == "rediss",
        user=_unquoted(parts.username or ""),
        password=_unquoted(parts.password or ""),
        database=_database("" if parts.scheme == "unix" else parts.path, options),
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


def _refuse_what_says_nothing(parts: SplitResult, port: int, options: dict[str, list[str]]) -> None:
    """Raises BadAddress for what would be passed over, and lead elsewhere."""
    if parts.fragment or options.keys() - {"ca", "db"}:
        raise BadAddress(f"it has more than the options ca and db; {_ESCAPED}")
    if any(len(values) != 1 or not values[0] for values in options.values()):
        raise BadAddress("an option has no value, or several: use ?ca=PATH and ?db=N")
    if parts.scheme == "unix" and parts.hostname:
        raise BadAddress("its socket has no absolute path: use unix:///PATH")
    if parts.scheme != "unix" and (parts.path.strip("/") and "db" in options):
        raise BadAddress("it names its database twice: use /N or ?db=N")
    if port == 0:
        raise BadAddress("its port is 0: use one from 1 to 65535")


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise BadAddress(f"a character behind % is no UTF-8; {_ESCAPED}") from None


def _database(path: str, options: dict[str, list[str]]) -> int:
    """`?db=N` or `redis://host/N`."""
    text = options.get("db", [path.strip("/")])[0]
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise BadAddress(f"its database is no number: use /N or ?db=N; {_ESCAPED}")
    return int(text)
