"""What front and supervisor say to each other: length-prefixed msgpack over two pipes.

The front holds the only writing end of the supervisor's order pipe (with `--detach` its guardian
holds another): its end of file means that the front is gone. No check ever has a descriptor of
either pipe.
"""

import os
import select
from collections.abc import Iterator

import msgspec

from vibeguard.core.model.differing import Differing
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.notification import Notification
from vibeguard.core.model.plan import Plan, PlannedCheck

# What the supervisor writes to a guardian after the path of its run folder, once the log is sealed.
OVER = b"\0"
_LENGTH_BYTES = 4
_CHUNK_BYTES = 1 << 16


class Staged(msgspec.Struct, frozen=True):
    """The run is to check what is staged: a frozen index in the folder `scratch`, of this `tree`.

    `keep` are paths that stay in the work tree's place although git does not know them.
    """

    root: bytes
    git_dir: bytes
    common_dir: bytes
    scratch: bytes
    head: str
    tree: str
    keep: tuple[bytes, ...] = ()


class Launch(msgspec.Struct, tag=True, frozen=True):
    """Start this run. Paths and environment are bytes: the system's names need not be text.

    `variables` are the values that the config sets for each check; they are never recorded.
    Checks run in `folder`; a check's own `cwd` is relative to `config_folder`.
    `incomplete` are the checks that require others which this run leaves out; `whole` says that it
    leaves out none of the config's.
    `differing` is what was changed or untracked at the start, where that is to be compared.
    `files` are the NUL-separated lists of the files that checks are handed, by check.
    `inputs` are what the checks of the config declare that may be reused, planned or not.
    `version_control` is what is known at the start; `record_tree` asks for the tree at the end as
    well, however large it is. `notify` are told how the run ended. `detached` marks a run that
    outlives its command. `stands_for` is the folder that `folder` is a copy of, if it is one.
    """

    plan: Plan
    argv: tuple[str, ...]
    environment: dict[bytes, bytes]
    variables: dict[str, dict[str, str]]
    folder: bytes
    config_folder: bytes
    state_dir: bytes
    config_path: str
    config_sha256: str
    selection_sha256: str
    inputs: dict[str, tuple[str, ...]] = {}
    version_control: VersionControl | None = None
    differing: Differing | None = None
    files: dict[str, bytes] = {}
    staged: Staged | None = None
    stands_for: bytes = b""
    incomplete: frozenset[str] = frozenset()
    whole: bool = False
    detached: bool = False
    record_tree: bool = False
    log_dir: bytes = b""
    notify: tuple[Notification, ...] = ()
    keep_runs: int = 100
    keep_bytes: int = 1 << 30
    keep_age_ns: int = 30 * 24 * 3600 * 1_000_000_000

    def cwd_of(self, planned: PlannedCheck) -> str:
        """The folder that a check runs in."""
        if not planned.cwd:
            return os.fsdecode(self.folder)
        return os.path.normpath(os.path.join(os.fsdecode(self.config_folder), planned.cwd))

    @property
    def recorded_cwd(self) -> str:
        """The folder that the checks run in, as the log tells it."""
        return os.fsdecode(self.stands_for or self.folder).encode(errors="replace").decode()


class Ready(msgspec.Struct, tag=True, frozen=True):
    """The front has loaded all that it can need: whatever a command does, it may be started."""


class Interrupt(msgspec.Struct, tag=True, frozen=True):
    """The front got a signal: cancel the run."""

    signal: str


class Kill(msgspec.Struct, tag=True, frozen=True):
    """A second signal: no grace any more."""


class Pause(msgspec.Struct, tag=True, frozen=True):
    """SIGTSTP: stop the checks and their clocks."""


class Resume(msgspec.Struct, tag=True, frozen=True):
    """SIGCONT: go on."""


class LayingOut(msgspec.Struct, tag=True, frozen=True):
    """What is staged is being laid out; the run begins after that, with its front or without."""


class Started(msgspec.Struct, tag=True, frozen=True):
    """The run is recorded: its id and its folder."""

    run_id: str
    folder: bytes


class Sealed(msgspec.Struct, tag=True, frozen=True):
    """The log is sealed and was read back; `differences` says where it was not what was written."""

    events: int
    bytes: int
    sha256: str
    exit_code: int
    differences: tuple[str, ...] = ()


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The run cannot go on: what happened, what to do, and the exit code that it means."""

    what: str
    do: str
    exit_code: int


Order = Launch | Ready | Interrupt | Kill | Pause | Resume
Report = LayingOut | Started | Sealed | Failed

encode_message = msgspec.msgpack.Encoder().encode
_decode_order = msgspec.msgpack.Decoder(Order).decode
_decode_report = msgspec.msgpack.Decoder(Report).decode


def send(descriptor: int, message: Order | Report) -> None:
    """Write one message whole. Raises BrokenPipeError when nobody can read it any more."""
    try:
        payload = encode_message(message)
    except UnicodeEncodeError:  # a report names a path; what an order names is bytes
        from vibeguard.core.model.storable import storable  # noqa: PLC0415 - seldom needed

        payload = encode_message(storable(message))
    view = memoryview(len(payload).to_bytes(_LENGTH_BYTES, "big") + payload)
    while view:
        view = view[os.write(descriptor, view) :]


class _Pipe:
    """Reads a pipe, and cuts what comes into payloads."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._buffer = bytearray()

    def _read(self) -> Iterator[bytes] | None:
        """What one read completes; None at end of file."""
        data = os.read(self.descriptor, _CHUNK_BYTES)
        self._buffer += data
        return self._complete() if data else None

    def _complete(self) -> Iterator[bytes]:
        while len(self._buffer) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_LENGTH_BYTES:end])
            del self._buffer[:end]
            yield payload


class OrderReader(_Pipe):
    """Reads the front's orders from a pipe. `front_is_ready` is set by one that is nobody's.

    `reports` is a pipe that the front alone reads: while a guardian holds the other end of the
    orders, nothing else tells that a front is gone that has launched nothing.
    """

    def __init__(self, descriptor: int, reports: int | None = None) -> None:
        super().__init__(descriptor)
        self._waiting = select.poll()
        self._waiting.register(descriptor, select.POLLIN)
        if reports is not None:
            self._waiting.register(reports, 0)  # an error is always told: no reader is left
        self.front_is_ready = False
        self._orders: list[Order] = []

    def read(self) -> list[Order] | None:
        """The orders that one read brings (may be none yet); None at end of file."""
        payloads = self._read()
        if payloads is None:
            return None
        orders = list(map(_decode_order, payloads))
        self.front_is_ready |= Ready() in orders
        return [order for order in orders if order != Ready()]

    def read_launch(self) -> Launch | None:
        """Block until the launch arrives; None when the front has nothing to launch."""
        while True:
            orders = self._wait_and_read()
            if orders is None:
                return None
            for order in orders:
                if isinstance(order, Launch):
                    self._orders = [o for o in orders if o is not order]
                    return order

    def take_in(self) -> bool:
        """Read once, and keep what is for the run; whether there is any such, or no front."""
        orders = self._wait_and_read()
        self._orders += orders or ()
        return orders is None or self.has_left_over

    def _wait_and_read(self) -> list[Order] | None:
        """Block until there is something to read, and read once; None where no front is left."""
        said = any(descriptor == self.descriptor for descriptor, _ in self._waiting.poll())
        return self.read() if said else None

    def wait_until_ready(self) -> None:
        """Block until the front is, or has something else to say, or is gone."""
        while not (self.front_is_ready or self.take_in()):
            pass

    @property
    def has_left_over(self) -> bool:
        """Whether orders came before there was a run."""
        return bool(self._orders)

    def hold(self, orders: list[Order]) -> None:
        """Give back orders that came before the run: it finds them among those left over."""
        self._orders += orders

    def left_over(self) -> list[Order]:
        """Orders that came before there was a run."""
        orders, self._orders = self._orders, []
        return orders


class ReportReader(_Pipe):
    """Reads the supervisor's reports from a pipe."""

    def read(self) -> list[Report] | None:
        """The reports that one read brings (may be none yet); None at end of file."""
        payloads = self._read()
        return None if payloads is None else list(map(_decode_report, payloads))
