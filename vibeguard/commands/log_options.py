"""The flags of `tail`, `report` and `wait`: what to read of a log, and what to show of it."""

from typing import TYPE_CHECKING, Annotated, Literal

from vibeguard.commands.options import (
    Count,
    Duration,
    OpenPage,
    OutputFile,
    read_link,
    read_since,
)
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.core.formats.registry import REPORT_FORMATS
from vibeguard.core.problems import UsageError

TailFormat = Literal["text", "jsonl", "agent"]
if TYPE_CHECKING:
    ReportFormat = str
else:
    ReportFormat = Literal[REPORT_FORMATS]
WaitedFor = Literal["foreground", "end", "check"]
Since = Annotated[
    int | str,
    Parameter(
        converter=read_since,
        metavar="SEQ|RUN|last",
        help="Only what happened after the event with this number; with --format agent, only what "
        "is new since a run (last: the newest that finished before).",
    ),
]
Budget = Annotated[Count, Parameter(help="At most about this many tokens (with --format agent).")]


class TailOptions(Options, frozen=True, kw_only=True):
    """`tail`: where to start, and what to show."""

    since: Since = -1
    format: Annotated[TailFormat | None, Parameter(help="What to write.")] = None
    budget: Budget = None
    check: Annotated[
        str | None, Parameter(metavar="ID", help="Follow the output of this check.")
    ] = None


class ReportOptions(Options, frozen=True, kw_only=True):
    """`report`: the form of the replay, and what to hold the log against."""

    format: Annotated[ReportFormat | None, Parameter(help="What to write.")] = None
    since: Since = -1
    budget: Budget = None
    expect_seal: Annotated[
        str | None, Parameter(metavar="SEAL", help="Exit 4 unless the log's seal is this one.")
    ] = None
    verify: Annotated[bool, Parameter(help="Check the SHA-256 of every output file.")] = False
    print_seal: Annotated[bool, Parameter(help="Print the log's seal (SHA-256).")] = False
    compare: Annotated[
        str | None,
        Parameter(
            metavar="[=RUN]",
            help="Say what is new, still failing, fixed and slower since a run [default: the "
            "newest of the commit that the work began from, else the newest that finished before].",
        ),
    ] = None
    output: OutputFile = None
    editor: Annotated[
        str | None,
        Parameter(
            converter=read_link,
            metavar="NAME|TEMPLATE",
            help="What places in files on the HTML page open in: vscode, vscodium, cursor, idea, "
            "zed, or an address with {root}, {file}, {line}, {column} [env: VIBEGUARD_EDITOR].",
        ),
    ] = None
    open: OpenPage = False


class WaitOptions(Options, frozen=True, kw_only=True):
    """`wait`: for what, and for how long (nanoseconds; None is without end)."""

    max_wait: Annotated[Duration, Parameter(help="Give up after this time (30s, 2m).")] = None
    until: Annotated[
        WaitedFor | None, Parameter(help="foreground, end (the default), or check ID.")
    ] = None
    check: Annotated[
        str | None, Parameter(metavar="ID", help="Wait until this check has settled.")
    ] = None
    notify: Annotated[
        bool,
        Parameter(
            help="Say nothing and end with 0, but where the background fails: then why, on stderr, "
            "and 2.",
        ),
    ] = False


def only_for_agents(since: int | str, form: str) -> None:
    """Raises UsageError where `--since` names a run for a format that tells the whole of one."""
    if isinstance(since, str) and form != "agent":
        raise UsageError(
            f"--since {since} is no number of an event",
            "a run is named with --format agent; or use report --compare=RUN",
        )
