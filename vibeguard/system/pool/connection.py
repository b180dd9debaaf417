"""One connection to a Redis or Valkey server, in RESP3, on a Trio stream.

The parser is hiredis; a compiled one is what keeps a no-op check on a worker near a local one
(docs/adr/0110). It is imported here and nowhere else, and here only where a pool is asked for.
"""

import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar, cast

import hiredis
import trio
from outcome import Error, Outcome, Value

from vibeguard.core.pool.address import Address
from vibeguard.system.pool.parts import Part, receive, send_parts, send_what_fits

CONNECT_S: Final = 5.0
# What TCP does by itself about packets that are lost is too slow for a lease: it waits twice as
# long each time, and after a cut of eight seconds five more.
DIAL_S: Final = 1.0
UNHEARD_MS: Final = 2000
READ_BYTES: Final = 1 << 18
# Of what is sent at once, as much as the system lets a socket of this machine hold: whoever reads
# it is woken half as often.
ROOM_BYTES: Final = 1 << 20
# A reply longer than anything that we store is no reply of a broker of ours.
LONGEST_REPLY_BYTES: Final = 80 << 20

Word = bytes | str | int
Answer = bytes | str | int | float | bool | None | list["Answer"]
T = TypeVar("T")
Pushed = Callable[[bytes, bytes], None]
Told = Callable[[Outcome[Answer]], None]


class BrokerLost(Exception):
    """There is no connection (any more); the message says why."""


class BrokerRefused(Exception):
    """The broker answered a command with an error; the message is its own."""


class Connection:
    """Commands in, answers out, in order; messages of subscribed channels go to `pushed`.

    `fill` is called before something is sent, and after it: what is to be said then goes as one.
    What answers a message goes before the tasks that the message woke have their turn.
    `unsent_bytes` is how much waits to be sent: a producer of much data looks at it first.
    `lost` is set with `why` once nothing more can be sent. `refusal` answers what nobody waits for.
    """

    def __init__(self, stream: trio.abc.Stream, pushed: Pushed) -> None:
        self._stream = stream
        self._pushed = pushed
        self._reader = hiredis.Reader(notEnoughData=...)
        self._room = memoryview(bytearray(READ_BYTES))
        self._unparsed_bytes = 0
        self._waiting: deque[Told] = deque()
        self._outgoing: list[Part] = []
        self.unsent_bytes = 0
        self._sending = False
        self._more = trio.Event()
        self.fill: Callable[[], None] = lambda: None
        self.why = ""
        self.refusal = ""
        self.lost = trio.Event()

    async def call(self, *words: Word) -> Answer:
        """Send a command and wait for its answer. Raises BrokerLost or BrokerRefused."""
        [answer] = await self.calls(words)
        return answer

    async def calls(self, *commands: tuple[Word, ...]) -> list[Answer]:
        """The same for several that go as one; raises for the first of them that is refused."""
        calls = [_Call() for _ in commands]
        for words, call in zip(commands, calls, strict=True):
            self.ask(call, *words)
        return [await call.answer() for call in calls]

    def ask(self, told: Told, *words: Word) -> None:
        """Send a command without waiting; `told` gets its answer, or what `call` would raise."""
        self._put((hiredis.pack_command(cast("tuple[bytes]", words)),), told)

    def send(self, *words: Word) -> None:
        """Send a command without waiting; of its answer an error is noted."""
        self.ask(self._note, *words)

    def publish(self, channel: str, *parts: bytes) -> None:
        """Send a message of these parts like `send`, without another copy of them."""
        name = channel.encode()
        size = sum(map(len, parts))
        head = b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n" % (len(name), name, size)
        self._put((head, *parts, b"\r\n"), self._note)

    def ask_to_fill(self) -> None:
        """Have `fill` called, once the tasks that can run now have had their turn."""
        self._more.set()

    async def read(self) -> None:
        """Take what arrives until the connection is lost. One task's work."""
        try:
            while data := await receive(self._stream, self._room):
                self._feed(data)
                self._answer_at_once()
            self.fail("the broker closed the connection")
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.fail(f"the connection broke: {cause_of(error)}")
        except hiredis.ProtocolError as error:
            self.fail(f"what answers is no Redis or Valkey server: {error}")

    async def write(self) -> None:
        """Send what there is to be sent until the connection is lost. One task's work."""
        try:
            while True:
                await self._more.wait()
                if self.why:
                    return
                self._more = trio.Event()
                self.fill()
                while self._outgoing:
                    parts, self._outgoing = self._outgoing, []
                    self.unsent_bytes = 0
                    self._sending = True
                    if parts := send_what_fits(self._stream, parts):
                        await send_parts(self._stream, parts)
                    self._sending = False
                    self.fill()
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self.fail(f"the connection broke: {cause_of(error)}")

    def fail(self, why: str) -> None:
        """Give the connection up: whoever waits for an answer is told."""
        if self.why:
            return
        self.why = why
        waiting, self._waiting = self._waiting, deque()
        for told in waiting:
            told(Error(BrokerLost(why)))
        self._outgoing.clear()
        self._more.set()
        self.lost.set()

    async def close(self) -> None:
        """Give it up and give the socket back, without waiting for the broker."""
        self.fail("the connection was closed")
        await trio.aclose_forcefully(self._stream)

    def _put(self, parts: tuple[bytes, ...], told: Told) -> None:
        if self.why:
            raise BrokerLost(self.why)
        self._outgoing += parts
        self.unsent_bytes += sum(map(len, parts))
        self._waiting.append(told)
        self._more.set()

    def _answer_at_once(self) -> None:
        """Send what can be sent without waiting; `write` does the rest."""
        if self._more.is_set() and not self._sending and not self.why:
            self.fill()
            self._outgoing = send_what_fits(self._stream, self._outgoing)
            self.unsent_bytes = sum(map(len, self._outgoing))

    def _feed(self, data: bytes) -> None:
        self._unparsed_bytes += len(data)
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not ...:
            self._unparsed_bytes = 0
            if isinstance(answer, hiredis.PushNotification):
                self._take_push(list(answer))
            elif self._waiting:
                refused = isinstance(answer, hiredis.ReplyError)
                given = Error(BrokerRefused(str(answer))) if refused else Value(answer)
                self._waiting.popleft()(given)
        if self._unparsed_bytes > LONGEST_REPLY_BYTES:
            self.fail("an answer of the broker is longer than anything that was stored")

    def _take_push(self, words: list[Answer]) -> None:
        """A message; or the confirmation of a subscription, which is the answer to a command."""
        match words:
            case [b"message", bytes(channel), bytes(payload)]:
                self._pushed(channel, payload)
            case [b"subscribe", *_] if self._waiting:
                self._waiting.popleft()(Value(None))
            case _:
                pass

    def _note(self, answer: Outcome[Answer]) -> None:
        if not self.why:  # else it is lost for another reason
            self.refusal = str(answer.error) if isinstance(answer, Error) else ""


class _Call:
    """Somebody who waits for an answer."""

    def __init__(self) -> None:
        self._done = trio.Event()

    def __call__(self, answer: Outcome[Answer]) -> None:
        self._answer = answer
        self._done.set()

    async def answer(self) -> Answer:
        await self._done.wait()
        return self._answer.unwrap()


def cause_of(error: BaseException) -> str:
    """What is at the bottom of an error: a handshake's is the cause of a broken stream.

    Of a group it is the first: each address of a host may have had its own.
    """
    while (inner := _inner(error)) is not None:
        error = inner
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    return error.__cause__ or error.__context__


async def connect(address: Address, pushed: Pushed, nursery: trio.Nursery) -> Connection:
    """A connection that is ready for commands; its two tasks run in `nursery` until it is lost.

    Raises BrokerLost or BrokerRefused.
    """
    connection = Connection(await _bounded(_open_stream(address), address), pushed)
    nursery.start_soon(connection.read)
    nursery.start_soon(connection.write)
    try:
        await _bounded(_hello(connection, address), address)
    except BaseException:  # a cancel, too: `close` ends the socket by force and waits for nothing
        await connection.close()
        raise
    return connection


async def _bounded(work: Awaitable[T], address: Address) -> T:
    """Do it within five seconds: a port that does not speak TLS would never answer."""
    try:
        with trio.fail_after(CONNECT_S):
            return await work
    except trio.TooSlowError:
        why = f"{address.shown} does not answer within {CONNECT_S:g} s"
        raise BrokerLost(why) from None


async def _open_stream(address: Address) -> trio.abc.Stream:
    try:
        if address.path:
            near = await trio.open_unix_socket(address.path)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_BYTES)
            return near
        context = _context(address) if address.tls else None
        stream = await _dial(address)
        if context is None:
            return stream
        secure = trio.SSLStream(stream, context, server_hostname=address.host)
        await _shake_hands(secure)
    except (OSError, trio.BrokenResourceError, ValueError) as error:
        raise BrokerLost(f"{address.shown} cannot be reached: {cause_of(error)}") from error
    return secure


def _context(address: Address) -> "ssl.SSLContext":
    try:
        return ssl.create_default_context(cafile=address.certificates or None)
    except OSError as error:
        what = f"the certificates {address.certificates} cannot be read"
        raise BrokerLost(f"{what}: {cause_of(error)}") from error


async def _dial(address: Address) -> trio.SocketStream:
    """A connection that breaks when what was sent is not heard of; called again each second."""
    while True:
        with trio.move_on_after(DIAL_S):
            stream = await trio.open_tcp_stream(address.host, address.port)
            with suppress(AttributeError):  # not a system that can
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
            return stream


async def _shake_hands(secure: trio.SSLStream[trio.SocketStream]) -> None:
    try:
        await secure.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(secure)
        raise


async def _hello(connection: Connection, address: Address) -> None:
    words: list[Word] = ["HELLO", 3]
    if address.password or address.user:
        words += ["AUTH", address.user or "default", address.password]
    try:
        await connection.call(*words)
    except BrokerRefused as error:  # its own words would explain the protocol
        if not str(error).startswith("NOAUTH"):
            raise
        raise BrokerRefused("NOAUTH: it asks for a password, and the URL has none") from error
    if address.database:
        await connection.call("SELECT", address.database)
