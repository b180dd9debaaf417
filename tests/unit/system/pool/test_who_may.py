"""Who may use a broker: the access list of docs/workers.md, TLS, and what a reader of it finds."""

import os
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme

from tests.helpers.brokers import KEY, broker, submitted
from tests.helpers.executor_worlds import JOB
from vibeguard.core.pool.address import Address, BadAddress, parse_address
from vibeguard.core.pool.messages import PROTOCOL, Presence
from vibeguard.core.problems import UsageError
from vibeguard.system.keyfile import read_key
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.broker import Pool, Runs
from vibeguard.system.pool.listing import ask_once

DOCS = Path(__file__).parents[4] / "docs" / "workers.md"


def ask(
    address: Address, question: Callable[[Pool], Awaitable[object]], *, pool: str = "ci"
) -> object:
    return ask_once(Access(address, pool, KEY), question, trio.sleep_forever)


def users_of_the_docs(folder: Path) -> Path:
    """`users.acl` as the docs have it."""
    found = re.search(r"```text\n(user default off\n.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    path = folder / "users.acl"
    path.write_text(found[1])
    return path


async def everything(pool: Pool) -> None:
    """All that a run and a worker ask of a broker."""
    await pool.check_rights()
    await pool.listen(pool.names.to("x"))
    await submitted(pool, JOB)
    assert (await pool.claim("w", (), 1)).jobs == [JOB]
    await pool.withdraw("t")
    await pool.announce("run")
    assert await pool.show(Presence("w", "host", PROTOCOL, "1")) == Runs(1, b"run")
    assert len(await pool.workers()) == 1
    await pool.put_pack("d", b"pack")
    assert [part async for part in pool.parts_of_pack("d", 4)] == [b"pack"]
    await pool.leave("run")
    await pool.hide("w")


def test_the_access_list_of_the_docs_is_enough_and_no_more(tmp_path: Path) -> None:
    with broker("--aclfile", str(users_of_the_docs(tmp_path))) as server:
        plain = parse_address(server.url, insecure=False)
        known = Address(path=plain.path, user="ci", password="PASSWORD")
        ask(known, everything)
        with pytest.raises(UsageError, match=r"(?i)permission"):
            ask(known, everything, pool="another")
        with pytest.raises(UsageError, match="asks for a password, and the URL has none"):
            ask(plain, everything)
        with pytest.raises(UsageError, match="WRONGPASS"):
            ask(Address(path=plain.path, user="ci", password="guessed"), everything)


async def shuffle(source: trio.abc.Stream, target: trio.abc.Stream) -> None:
    async for data in source:
        await target.send_all(data)


def test_rediss_takes_the_certificate_that_it_knows_and_no_other(tmp_path: Path) -> None:
    """A real server behind real TLS: the one of the requirements is built without its own."""
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    async def main(path: str) -> None:
        async def forward(client: trio.SSLStream[trio.SocketStream]) -> None:
            # A client that does not like the certificate, or has gone, breaks it off.
            with suppress(BaseExceptionGroup, trio.BrokenResourceError):
                async with (
                    client,
                    await trio.open_unix_socket(path) as behind,
                    trio.open_nursery() as both,
                ):
                    both.start_soon(shuffle, client, behind)
                    await shuffle(behind, client)

        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_ssl_over_tcp, forward, 0, context, host="localhost")
            listeners = await nursery.start(serve)
            port = listeners[0].transport_listener.socket.getsockname()[1]
            url = f"rediss://localhost:{port}?ca={tmp_path}"
            known = parse_address(f"{url}/ca.pem", insecure=False)
            await trio.to_thread.run_sync(
                ask_once, Access(known, "ci", KEY), everything, trio.sleep_forever
            )
            unknown = parse_address(f"{url}/other.pem", insecure=False)
            with pytest.raises(UsageError, match=r"(?i)certificate verify failed"):
                await trio.to_thread.run_sync(
                    ask_once, Access(unknown, "ci", KEY), everything, trio.sleep_forever
                )
            nursery.cancel_scope.cancel()

    with broker() as server:
        trio.run(main, server.socket)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://x", "begins with 'http'"),
        ("redis://far.example.org", "in the clear"),
        ("redis://h:port", "no URL"),
        ("unix://", "names no socket"),
        ("rediss://h?colour=red", "more than the options ca and db"),
        ("rediss://h#colour", "more than the options ca and db"),
        ("rediss://h?db=x", "its database is no number"),
        ("rediss://h/x", "its database is no number"),
        ("rediss://h/1/2", "its database is no number"),
        ("rediss://h?db=1&db=2", "no value, or several"),
        ("rediss://h/1?db=2", "names its database twice"),
        ("rediss://h?ca=", "no value, or several"),
        ("rediss://h:0", "its port is 0"),
        ("unix://relative/path", "no absolute path"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(url: str, told: str) -> None:
    with pytest.raises(BadAddress, match=re.escape(told)):
        parse_address(url, insecure=False)


@pytest.mark.parametrize("mark", "/?#:@[")
def test_a_password_that_is_not_escaped_is_not_told(mark: str) -> None:
    """It ends the address where nobody meant it: what follows was told as a port or an option."""
    for tail in ("", "=x", "&b=x"):
        with pytest.raises(BadAddress) as refused:
            parse_address(f"redis://me:SECRET{mark}SECRET{tail}@far:1", insecure=False)
        assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    "url", [os.fsdecode(b"redis://:a\xff@localhost"), "redis://:a%ff@localhost", "unix:///%ff"]
)
def test_an_address_that_is_no_text_is_refused(url: str) -> None:
    """One ended in a traceback, the other asked with another password."""
    with pytest.raises(BadAddress):
        parse_address(url, insecure=False)


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """It was told as a broker that cannot be reached."""
    address = Address(host="localhost", port=1, tls=True, certificates=str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match=r"the certificates /.*none.pem cannot be read"):
        ask(address, Pool.workers)


def test_an_address_is_shown_without_its_password() -> None:
    address = parse_address("rediss://me:secret@h:7000/3", insecure=False)
    assert (address.shown, address.database) == ("rediss://h:7000", 3)
    assert parse_address("redis://[::1]:7000", insecure=False).shown == "redis://[::1]:7000"
    assert parse_address("redis://far.example.org", insecure=True).host == "far.example.org"


def test_a_key_of_which_only_a_part_would_count_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * 4097 + b"\n")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="has more than 4096 bytes"):
        read_key(str(path), of="the pool", variable="KEY")
    path.write_bytes(b"k" * 4096)
    assert read_key(str(path), of="the pool", variable="KEY") == b"k" * 4096
