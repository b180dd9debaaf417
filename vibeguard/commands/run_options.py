"""The flags of `run` and `watch`: which checks, on what, and what to show of them."""

from typing import Annotated, Literal

from msgspec import Struct

from vibeguard.commands.options import GlobalOptions, MaxWait, read_max_wait
from vibeguard.commands.parameter import Options, Parameter

RunFormat = Literal["text", "agent", "json", "jsonl"]
WatchFormat = Literal["text", "jsonl"]
CheckName = Annotated[str, Parameter(help="The checks to run, by id [default: all].")]
NoDeps = Annotated[bool, Parameter(help="Do not bring in what the named checks require.")]
Local = Annotated[
    bool, Parameter(help="Run the checks with `where` here, too, and not on workers.")
]


class RunOptions(Options, frozen=True, kw_only=True):
    """`run`: what to start, how to show it, how long to stay."""

    no_deps: NoDeps = False
    changed: Annotated[
        str | None,
        Parameter(
            metavar="[=REF]",
            help="Only checks that a change since REF concerns, committed or not [default: since "
            "the merge base with the upstream, else origin/HEAD].",
        ),
    ] = None
    staged: Annotated[
        bool,
        Parameter(
            help="Check what would be committed, and only the checks that it concerns; neither "
            "work tree nor index is touched."
        ),
    ] = False
    outstanding: Annotated[
        bool, Parameter(help="Only what is not known to have passed on this very tree.")
    ] = False
    failed: Annotated[
        str | None,
        Parameter(
            metavar="[=RUN]",
            help="Only what did not pass in a run [default: latest], and what that requires.",
        ),
    ] = None
    reuse: Annotated[
        bool,
        Parameter(help="Let recorded passes stand for checks with reuse whose key is the same."),
    ] = False
    fresh: Annotated[bool, Parameter(help="Reuse nothing, whatever the settings say.")] = False
    format: Annotated[
        RunFormat | None, Parameter(help="What to write; the machine formats go to stdout.")
    ] = None
    stream: Annotated[
        bool, Parameter(help="The same as --format jsonl: events as they happen.")
    ] = False
    local: Local = False
    detach: Annotated[
        bool, Parameter(help="Print the run's id as soon as it is recorded, and return.")
    ] = False
    max_wait: Annotated[
        MaxWait | None,
        Parameter(
            converter=read_max_wait,
            metavar="DUR|foreground",
            help="Return at the latest after this time (30s, 2m), or when the foreground has "
            "settled (foreground); the run goes on.",
        ),
    ] = None
    supersede: Annotated[
        bool, Parameter(help="Cancel a live run of the same selection whose tree is another.")
    ] = False
    record_tree: Annotated[
        bool, Parameter(help="Record the git tree that was checked, at the start and at the end.")
    ] = False
    print_seal: Annotated[
        bool, Parameter(help="Print the log's seal (SHA-256) when the run is over.")
    ] = False


class Invocation(Struct, frozen=True):
    """What a command line asks of a run: checks by their ids, the global flags, and its own."""

    ids: tuple[str, ...]
    common: GlobalOptions
    options: RunOptions


class WatchOptions(Options, frozen=True, kw_only=True):
    """`watch`: of which checks, and what to write."""

    no_deps: NoDeps = False
    changed: Annotated[
        str | None,
        Parameter(
            metavar="[=REF]",
            help="Only checks that a change since REF concerns, as with run --changed.",
        ),
    ] = None
    local: Local = False
    format: Annotated[
        WatchFormat | None, Parameter(help="What to write: text, or the events of every run.")
    ] = None
