"""What a run and its workers say to each other (docs/workers.md).

A message is the whole state of its sender, numbered: one that is lost is made good by the next,
one that comes again or too late has a number that was seen. So the broker may lose, repeat and
delay what it likes. Nothing here needs a reply but by the next message.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from vibeguard.core.model.event_parts import AttemptFacts, AttemptOrder, ProcessReport
from vibeguard.core.model.storable import encoded

# Both ends must speak the same; a worker shows its own where `run` and `workers` look.
PROTOCOL = 2
# What may be under way and not yet acknowledged, of one stream of one attempt at most.
WINDOW_BYTES = 4 << 20


class Stage(StrEnum):
    """How far a worker is with a job that it has taken."""

    PREPARING = "preparing"  # it makes the folder
    OFFERED = "offered"  # it could start, and waits for the run's word
    RUNNING = "running"  # the command was started
    EXITED = "exited"  # the command's own exit was seen; its tree may not be gone
    ENDED = "ended"  # nothing of it is left, the result is there
    UNFIT = "unfit"  # it cannot do it, and another worker may
    REFUSED = "refused"  # the start failed, or the run's word came too late: nothing ran
    LOST = "lost"  # the worker ended it by itself: it has no result


class Answer(StrEnum):
    """The run's word on an offer."""

    OPEN = "open"
    GO = "go"
    NO = "no"


class Source(Struct, frozen=True):
    """The files that a check needs: a commit, a tree, and a pack of what the commit lacks.

    `pack` is the key of the pack with the broker: its SHA-256; empty where nothing is lacking.
    """

    commit: str
    tree: str
    pack: str = ""
    pack_bytes: int = 0


class Job(AttemptOrder, frozen=True, kw_only=True):
    """One attempt, as it lies in the queue. `token` is random and never used again.

    `folder` is where the command runs, below the top of the tree. `environment` is what is added
    to the worker's own. `returns` are the paths (below `base`, globs) that come back, `reports`
    those of them that only count if this attempt wrote them. `listed` are
    the names of the check's files, NUL after each; with `pass_files` they are its "$@" as well.
    """

    protocol: int
    token: str
    client: str
    source: Source
    labels: tuple[str, ...] = ()
    base: bytes = b""
    folder: bytes = b""
    environment: dict[bytes, bytes] = {}
    timeout_ns: int = 0
    idle_timeout_ns: int | None = None
    returns: tuple[str, ...] = ()
    returns_limit_bytes: int = 0
    reports: tuple[str, ...] = ()
    lease_ns: int = 0
    listed: bytes | None = None
    pass_files: bool = False


class Result(AttemptFacts, frozen=True):
    """How an attempt ended on a worker.

    `parcel_*` is the archive of what `returns` asked for; `left_out` says what is not in it,
    `unchanged` what the attempt did not write. `top` is where the tree lay. `output_error` says
    that the output could not be stored whole.
    """

    parcel_bytes: int = 0
    parcel_sha256: str = ""
    left_out: tuple[str, ...] = ()
    unchanged: tuple[bytes, ...] = ()
    top: bytes = b""
    output_error: str = ""

    @property
    def sizes(self) -> tuple[int, int]:
        """What both streams must come to: output, parcel."""
        return (self.output_bytes, self.parcel_bytes)


class Chunk(Struct, frozen=True):
    """A piece of a stream: 0 is the output, 1 the parcel."""

    stream: int
    offset: int
    data: bytes


class Struck(Struct, frozen=True):
    """A limit that was reached by the worker's clock, and what the processes did just then."""

    reason: str
    silent_ns: int = 0
    processes: tuple[ProcessReport, ...] = ()
    last_lines: tuple[str, ...] = ()


class Report(Struct, frozen=True):
    """All that a worker has to say of one claim."""

    token: str
    claim: str
    stage: Stage
    why: str = ""
    exceeded: bool = False
    leak_ended: bool = False
    struck: Struck | None = None
    result: Result | None = None
    chunks: tuple[Chunk, ...] = ()


class FromWorker(Struct, frozen=True):
    """A worker to the run of one client. `asks` for an answer: its lease depends on it."""

    worker: str
    name: str
    client: str
    number: int
    asks: bool
    reports: tuple[Report, ...] = ()


class Order(Struct, frozen=True):
    """All that the run wants of one claim; `over` means that it may be forgotten.

    `window` is how much of a stream may be under way beyond what was `received` of it.
    """

    claim: str
    answer: Answer = Answer.OPEN
    grace_ns: int | None = None
    paused: bool = False
    received: tuple[int, int] = (0, 0)
    window: int = WINDOW_BYTES
    over: bool = False


class FromClient(Struct, frozen=True):
    """The run to one worker. `heard` is the number of the worker's last message that came."""

    client: str
    worker: str
    number: int
    heard: int
    orders: tuple[Order, ...] = ()


class Presence(Struct, frozen=True):
    """What a worker shows of itself, for whoever looks what is there."""

    worker: str
    name: str
    protocol: int
    version: str
    labels: tuple[str, ...] = ()
    slots: int = 1
    used: int = 0
    draining: bool = False


def could_take(worker: Presence, job: Job) -> bool:
    """Whether a worker takes such jobs, when it has room."""
    able = worker.protocol == job.protocol and set(job.labels) <= set(worker.labels)
    return able and not worker.draining


def label_sets(present: list[Presence]) -> tuple[str, ...]:
    """The labels of the workers that are there, each set once, for people."""
    return tuple(sorted({", ".join(worker.labels) or "no labels" for worker in present}))


_encode = msgspec.msgpack.Encoder().encode


def encode(message: Struct) -> bytes:
    """A message as it travels. In a text for people, what UTF-8 cannot hold is replaced."""
    return encoded(message, _encode)


decode_job = msgspec.msgpack.Decoder(Job).decode
decode_from_worker = msgspec.msgpack.Decoder(FromWorker).decode
decode_from_client = msgspec.msgpack.Decoder(FromClient).decode
decode_presence = msgspec.msgpack.Decoder(Presence).decode
