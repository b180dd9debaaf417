"""The narrow seam between scheduling and the world: what an executor is.

The scheduler starts an attempt, is told what happened, and may ask for its end. A start is refused
(`StartRefused`) or accepted; an accepted attempt ends exactly once, finished or lost; only a
finished one can pass. An executor never retries: the scheduler does, as a new attempt. A cluster
executor fits here: `start` may take as long as its queue does, `worker` is the machine that took
the attempt, and a worker that vanishes is `AttemptEnd.LOST`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from vibeguard.core.model.event_parts import AttemptFacts, AttemptOrder, ProcessReport
from vibeguard.core.names import AttemptEnd, TerminationReason
from vibeguard.system.process.output import OutputFile
from vibeguard.system.process.start_refused import storing
from vibeguard.system.rundir.files import FileIdentity

if TYPE_CHECKING:
    from vibeguard.core.pool.messages import Job


class RemoteSpec(Struct, frozen=True):
    """What an attempt on another machine takes, beside what every attempt does.

    `job` is what its worker gets, as soon as it is known who submits it; `engine` the name of the
    pool; `present` are the labels of its workers, one text a set, for whoever waits. What comes
    back is put into `returned_folder`.
    """

    job: "Job"
    engine: str
    present: tuple[str, ...]
    returned_folder: str


class AttemptSpec(AttemptOrder, frozen=True, kw_only=True):
    """Everything that an executor needs to know of one attempt.

    `environment` is complete: caller's variables, the check's own, and the marker VIBEGUARD_RUN,
    VIBEGUARD_CHECK, VIBEGUARD_ATTEMPT. `cwd` and `output_path` are absolute. `files` are
    the command's "$@"; the variable VIBEGUARD_FILES names a list of them. A `tracer` is a command
    line that starts the shell.
    """

    cwd: str
    environment: Mapping[bytes, bytes]
    output_path: str
    files: tuple[bytes, ...] = ()
    tracer: tuple[bytes, ...] = ()
    remote: RemoteSpec | None = None


class Accepted(Struct, frozen=True):
    """The attempt runs now: where, and as which process if that means anything here."""

    worker: str = ""
    pid: int | None = None


class Callbacks(Struct, frozen=True):
    """Whom an executor tells of one attempt. Each is called in one synchronous step.

    `accepted` is called in the same step as the start itself: no checkpoint between the two, and
    none after it, so that a cancelled `start` has started nothing. It raises `StartRefused` for an
    attempt that is not wanted any more (the check was cancelled while `start` waited): then nothing
    of the attempt may go on, and `start` raises the same.
    `output_exceeded` is called once, when the output passes its limit or cannot be stored (disk
    full): the attempt is worth nothing any more; and when it is `struck`.
    `terminating` is called when the executor itself begins to end processes that a leader left
    behind (reason leak, and the first signal they get).
    """

    accepted: Callable[[Accepted], None] = lambda _: None
    output_exceeded: Callable[[], None] = lambda: None
    terminating: Callable[[TerminationReason, str], None] = lambda *_: None


def open_output(spec: AttemptSpec) -> OutputFile:
    """The file for an attempt's output. Raises StartRefused."""
    with storing(f"the output file {spec.output_path} cannot be created"):
        return OutputFile(spec.output_path, spec.output_limit_bytes)


class AttemptResult(AttemptFacts, frozen=True, kw_only=True):
    """How an attempt ended: all that an executor knows of it.

    `output_error` says that the output could not be stored whole (disk full, output file replaced).
    `output_file` is the file that holds it, where that is known. `returned` is the folder with what
    came back from another machine, `left_out` what did not, `unchanged` what of it
    was there before the attempt began and was not written since; `top` is where the tree lay there.
    """

    end: AttemptEnd
    error: str = ""
    output_error: str = ""
    output_file: FileIdentity | None = None
    returned: str = ""
    left_out: tuple[str, ...] = ()
    unchanged: tuple[bytes, ...] = ()
    top: bytes = b""


class Attempt(Protocol):
    """One accepted attempt. `wait` and `terminate` return the same result, however often."""

    @property
    def output_bytes(self) -> int:
        """How much the attempt has written so far."""

    @property
    def last_output(self) -> float:
        """Trio time of the last output, or of the start."""

    @property
    def output_exceeded(self) -> bool:
        """Whether the output has passed `output_limit_bytes`."""

    @property
    def struck(self) -> TerminationReason | None:
        """A time limit that was reached by the clock of the machine that it runs on.

        Always None on this machine: its clock is the run's.
        """

    @property
    def exited(self) -> bool:
        """Whether the command's own exit has been observed (what it left behind may go on)."""

    async def wait(self) -> AttemptResult:
        """Wait until it is over and nothing is left of it. Cancelling leaves it running."""

    async def terminate(self, grace_ns: int) -> AttemptResult:
        """SIGTERM to the whole tree, `grace_ns`, then SIGKILL until nothing is left.

        Bounded: returns within grace + 2 s and names what could not be killed. Calling it again,
        from another task or while one is under way, can shorten the grace; 0 is SIGKILL at once.
        """

    def processes(self) -> tuple[ProcessReport, ...]:
        """What the attempt's processes are doing at this moment; empty where nothing tells."""

    def last_lines(self) -> tuple[str, ...]:
        """The last few lines of output so far (for `check.hang`)."""


class Executor(Protocol):
    """Starts attempts. One per run."""

    async def start(self, spec: AttemptSpec, callbacks: Callbacks) -> Attempt:
        """Start an attempt, or raise `StartRefused`."""

    def pause(self) -> None:
        """Stop every attempt's processes (SIGSTOP). Synchronous."""

    def resume(self) -> None:
        """Let them go on (SIGCONT). Synchronous."""

    async def close(self, *, shield_s: float) -> tuple[ProcessReport, ...]:
        """End whatever is left of the run, within `shield_s` seconds; nothing starts any more.

        Returns the processes that carried the mark of no attempt, as they were when swept.
        Closing again does nothing.
        """
