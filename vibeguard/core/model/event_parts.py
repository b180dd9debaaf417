"""What every event carries, structs that are part of some, or have fields in common with one."""

from typing import Any

from msgspec import Struct

from vibeguard.core.model.config_parts import Trigger
from vibeguard.core.names import LeakPolicy, StagedWay


class Envelope(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """What every event carries. -1 means: not yet stamped by the journal."""

    seq: int = -1
    t: int = -1


class VersionControl(Struct, frozen=True, omit_defaults=True):
    """The state of the repository: commit, dirty flag, branch, and the tree id where asked for.

    `content` is a digest of the files as they lie on the disk, `beside` one of the declared inputs
    that git does not track, `stillness` one that is another as soon as any of them was written; all
    are empty where the tree is too large to be read each run. At the end of a run `tree` is only
    there if the files are, byte for byte, what git checks out for it.
    """

    head: str = ""
    dirty: bool = False
    tree: str = ""
    content: str = ""
    beside: str = ""
    stillness: str = ""
    branch: str = ""


class StagedView(Struct, frozen=True, omit_defaults=True):
    """Where what is staged was checked; `why` it was not at the path of the work tree."""

    way: StagedWay
    why: str = ""


class ProcessReport(Struct, frozen=True, omit_defaults=True):
    """One process as it was seen: what it runs (cut at 200 characters), how it was doing.

    `state` is on_cpu, blocked, stopped, zombie or empty where the system does not tell; `waits_in`
    is the kernel function that it sleeps in; `waits_for_stdin` says that it reads fd 0.
    """

    pid: int
    command: str
    parent: int = 0
    state: str = ""
    waits_in: str = ""
    waits_for_stdin: bool = False
    cpu_ns: int = 0


class AttemptFacts(Struct, frozen=True):
    """What was measured of an attempt that is over, on whichever machine it ran.

    The fields mean what they mean in `check.attempt_finished`, which has all of them.
    """

    exit_code: int | None = None
    signal: str = ""
    elapsed_ns: int = 0
    active_ns: int = 0
    cpu_user_ns: int = 0
    cpu_system_ns: int = 0
    max_rss_bytes: int | None = None
    output_bytes: int = 0
    output_sha256: str = ""
    survivors: tuple[ProcessReport, ...] = ()
    leaked: tuple[ProcessReport, ...] = ()
    unkillable: tuple[ProcessReport, ...] = ()
    swept: int = 0
    termination_ns: int = 0

    def facts(self) -> dict[str, Any]:
        """These fields, without those of a derived struct."""
        return {name: getattr(self, name) for name in AttemptFacts.__struct_fields__}


class AttemptOrder(Struct, frozen=True, kw_only=True):
    """What is to be started as an attempt, on whichever machine it runs.

    `shell` is that of the config: sh, bash, or a command line that takes `command` as its last
    word. `read_at_end` is a report that decides: then its files go to it in one call.
    """

    run_id: str
    check: str
    attempt: int
    command: str
    output_limit_bytes: int
    leaks: LeakPolicy = LeakPolicy.WARN
    leak_grace_ns: int = 0
    shell: str = "sh"
    read_at_end: str = ""

    def order(self) -> dict[str, Any]:
        """These fields, without those of a derived struct."""
        return {name: getattr(self, name) for name in AttemptOrder.__struct_fields__}


class TriggeredPrompt(Trigger, frozen=True, kw_only=True):
    """A prompt that an event of the check triggered: success, failure or timeout."""

    event: str


class Excerpt(Struct, frozen=True, omit_defaults=True):
    """The lines of the output that matter, the rule that chose them, and the first one's number."""

    rule: str
    lines: tuple[str, ...]
    first_line: int = 0


class TreeChange(Struct, frozen=True, omit_defaults=True):
    """Files that held something else at the end of a run than at its start, whoever changed them.

    Of many the first ones; `left_out` counts the others. `untold` says why nothing is known.
    """

    files: tuple[str, ...] = ()
    left_out: int = 0
    untold: str = ""
