"""What a command line asks for, as frozen values: the global flags, and those about runs.

The annotations are the flags: cyclopts reads names, help and converters from them. Nothing here
looks at the environment or at a config; a default of None means "not said on the command line".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypeVar

from cyclopts import Parameter

from vibeguard.core.problems import UsageError

Form = TypeVar("Form", bound=str)
RunFormat = Literal["text", "agent", "json", "jsonl"]
WatchFormat = Literal["text", "jsonl"]
TailFormat = Literal["text", "jsonl", "agent"]
ReportFormat = Literal[
    "text",
    "agent",
    "json",
    "jsonl",
    "junit",
    "github",
    "markdown",
    "html",
    "trace",
    "sarif",
    "ctrf",
    "gitlab",
]
Until = Literal["foreground", "end", "check"]
MaxWait = int | Literal["foreground"]
RunName = Annotated[
    str, Parameter(help="A run: its id or how it begins, latest (the default), latest~1.")
]
RunNameOrPath = Annotated[
    str,
    Parameter(
        help="A run: its id or how it begins, latest (the default), latest~1, or its folder's path."
    ),
]
CheckName = Annotated[str, Parameter(help="The checks to run, by id [default: all].")]
OneCheckName = Annotated[str, Parameter(help="The check, by id.")]
PromptName = Annotated[str, Parameter(help="The prompt to print, by id [default: a list].")]


class Word(Protocol):
    """One value as it stands on the command line."""

    @property
    def value(self) -> str:
        """The text of the value."""
        ...


def split_commas(_: type, words: Sequence[Word]) -> tuple[str, ...]:
    """`--tags a,b --tags c` is a, b, c; an empty value adds nothing."""
    parts = (part.strip() for word in words for part in word.value.split(","))
    return tuple(part for part in parts if part)


def read_text(_: type, words: Sequence[Word]) -> str:
    """The value; `-vc=x` reaches us with its equals sign."""
    return words[0].value.removeprefix("=")


def read_count(_: type, words: Sequence[Word]) -> int:
    """A whole number; `-vp=2` reaches us with its equals sign. Raises ValueError."""
    word = words[0].value.removeprefix("=")
    try:
        return int(word)
    except ValueError as error:
        raise ValueError(f'"{word}" is not a whole number') from error


def read_duration(_: type, words: Sequence[Word]) -> int:
    """A Go duration in nanoseconds. Raises ValueError with a sentence for the user."""
    from vibeguard.core.lang.duration import parse_duration  # noqa: PLC0415 - rarely needed
    from vibeguard.core.lang.errors import LanguageError  # noqa: PLC0415

    try:
        return parse_duration(words[0].value)
    except LanguageError as error:
        raise ValueError(f"{error.what}: {error.do}" if error.do else error.what) from error


def read_size(_: type, words: Sequence[Word]) -> int:
    """A size in bytes (`64MiB`). Raises ValueError with a sentence for the user."""
    from vibeguard.core.config.values import size_bytes  # noqa: PLC0415 - rarely needed
    from vibeguard.core.lang.errors import LanguageError  # noqa: PLC0415

    try:
        return size_bytes(words[0].value)
    except LanguageError as error:
        raise ValueError(f"{error.what}: {error.do}" if error.do else error.what) from error


def read_since(_: type, words: Sequence[Word]) -> int | str:
    """The number of an event, or the name of a run (`last`)."""
    word = words[0].value
    number = word.removeprefix("-")
    return int(word) if number.isascii() and number.isdecimal() and len(number) < 16 else word


def read_max_wait(type_: type, words: Sequence[Word]) -> MaxWait:
    """A Go duration in nanoseconds, or the word `foreground`."""
    return "foreground" if words[0].value == "foreground" else read_duration(type_, words)


Flag = Annotated[bool, Parameter(negative="")]
Commas = Annotated[
    tuple[str, ...], Parameter(converter=split_commas, n_tokens=1, accepts_keys=False, negative="")
]
Since = Annotated[
    int | str,
    Parameter(
        converter=read_since,
        metavar="SEQ|RUN|last",
        help="Only what happened after the event with this number; with --format agent, only what "
        "is new since a run (last: the newest that finished before).",
    ),
]
Duration = Annotated[int | None, Parameter(converter=read_duration, metavar="DUR")]


@Parameter(parse=False)
@dataclass(frozen=True, kw_only=True, slots=True)
class GlobalOptions:
    """The flags that may stand before or after the verb of every command."""

    config: Annotated[
        str | None,
        Parameter(
            name=["--config", "-c"],
            converter=read_text,
            metavar="FILE",
            help="The config file [env: VIBEGUARD_CONFIG; default: vibeguard.yaml, looked for "
            "upwards to the repository's root].",
        ),
    ] = None
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"], help="Say more.")] = False
    json: Annotated[
        bool, Parameter(negative="", help="One JSON document on stdout, nothing else there.")
    ] = False
    parallel: Annotated[
        int | None,
        Parameter(
            name=["--parallel", "-p"],
            converter=read_count,
            metavar="N",
            help="Foreground slots [env: VIBEGUARD_PARALLEL; default: as the config says, else "
            "the usable CPUs, at least 4].",
        ),
    ] = None
    fail_fast: Annotated[
        bool | None, Parameter(negative="", help="The first failure cancels everything else.")
    ] = None
    log_dir: Annotated[
        str | None,
        Parameter(
            metavar="DIR",
            help="Also write each check's output to DIR/<id>.log [env: VIBEGUARD_LOG_DIR].",
        ),
    ] = None
    error_exit_code: Annotated[
        int | None,
        Parameter(
            metavar="N", help="The exit code of a failed run, 1 to 255; 0 means the default, 1."
        ),
    ] = None
    tags: Annotated[
        Commas, Parameter(metavar="TAGS", help="Only checks with one of these tags (a,b).")
    ] = ()
    exclude_tags: Annotated[
        Commas, Parameter(metavar="TAGS", help="No checks with one of these tags (a,b).")
    ] = ()
    state_dir: Annotated[
        str | None, Parameter(metavar="DIR", help="The folder to use instead of .vibeguard.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """`run`: what to start, how to show it, how long to stay."""

    no_deps: Annotated[Flag, Parameter(help="Do not bring in what the named checks require.")] = (
        False
    )
    changed: Annotated[
        str | None,
        Parameter(
            metavar="[=REF]",
            help="Only checks that a change since REF concerns, committed or not [default: since "
            "the merge base with the upstream, else origin/HEAD].",
        ),
    ] = None
    staged: Annotated[
        Flag,
        Parameter(
            help="Check what would be committed, and only the checks that it concerns; neither "
            "work tree nor index is touched."
        ),
    ] = False
    outstanding: Annotated[
        Flag, Parameter(help="Only what is not known to have passed on this very tree.")
    ] = False
    failed: Annotated[
        str | None,
        Parameter(
            metavar="[=RUN]",
            help="Only what did not pass in a run [default: latest], and what that requires.",
        ),
    ] = None
    reuse: Annotated[
        Flag,
        Parameter(help="Let recorded passes stand for checks with reuse whose key is the same."),
    ] = False
    fresh: Annotated[Flag, Parameter(help="Reuse nothing, whatever the settings say.")] = False
    format: Annotated[
        RunFormat | None, Parameter(help="What to write; the machine formats go to stdout.")
    ] = None
    stream: Annotated[
        Flag, Parameter(help="The same as --format jsonl: events as they happen.")
    ] = False
    local: Annotated[
        Flag, Parameter(help="Run the checks with `where` here, too, and not on workers.")
    ] = False
    detach: Annotated[
        Flag, Parameter(help="Print the run's id as soon as it is recorded, and return.")
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
        Flag, Parameter(help="Cancel a live run of the same selection whose tree is another.")
    ] = False
    record_tree: Annotated[
        Flag, Parameter(help="Record the git tree that was checked, at the start and at the end.")
    ] = False
    print_seal: Annotated[
        Flag, Parameter(help="Print the log's seal (SHA-256) when the run is over.")
    ] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class WatchOptions:
    """`watch`: of which checks, and what to write."""

    no_deps: Annotated[Flag, Parameter(help="Do not bring in what the named checks require.")] = (
        False
    )
    changed: Annotated[
        str | None,
        Parameter(
            metavar="[=REF]",
            help="Only checks that a change since REF concerns, as with run --changed.",
        ),
    ] = None
    local: Annotated[
        Flag, Parameter(help="Run the checks with `where` here, too, and not on workers.")
    ] = False
    format: Annotated[
        WatchFormat | None, Parameter(help="What to write: text, or the events of every run.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class TailOptions:
    """`tail`: where to start, and what to show."""

    since: Since = -1
    format: Annotated[TailFormat | None, Parameter(help="What to write.")] = None
    budget: Annotated[
        int | None,
        Parameter(metavar="N", help="At most about this many tokens (with --format agent)."),
    ] = None
    check: Annotated[
        str | None, Parameter(metavar="ID", help="Follow the output of this check.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOptions:
    """`report`: the form of the replay, and what to hold the log against."""

    format: Annotated[ReportFormat | None, Parameter(help="What to write.")] = None
    since: Since = -1
    budget: Annotated[
        int | None,
        Parameter(metavar="N", help="At most about this many tokens (with --format agent)."),
    ] = None
    expect_seal: Annotated[
        str | None, Parameter(metavar="SEAL", help="Exit 4 unless the log's seal is this one.")
    ] = None
    verify: Annotated[Flag, Parameter(help="Check the SHA-256 of every output file.")] = False
    print_seal: Annotated[Flag, Parameter(help="Print the log's seal (SHA-256).")] = False
    compare: Annotated[
        str | None,
        Parameter(
            metavar="[=RUN]",
            help="Say what is new, still failing, fixed and slower since a run [default: the "
            "newest one before this that finished].",
        ),
    ] = None
    output: Annotated[
        str | None, Parameter(name=["--output", "-o"], metavar="FILE", help="Write to this file.")
    ] = None
    open: Annotated[
        Flag, Parameter(help="Write the HTML page and open it in a browser, or print its path.")
    ] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class WaitOptions:
    """`wait`: for what, and for how long (nanoseconds; None is without end)."""

    max_wait: Annotated[Duration, Parameter(help="Give up after this time (30s, 2m).")] = None
    until: Annotated[
        Until | None, Parameter(help="foreground, end (the default), or check ID.")
    ] = None
    check: Annotated[
        str | None, Parameter(metavar="ID", help="Wait until this check has settled.")
    ] = None
    notify: Annotated[
        bool,
        Parameter(
            negative="",
            help="Say nothing and end with 0, but where the background fails: then why, on stderr, "
            "and 2.",
        ),
    ] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class CancelOptions:
    """`cancel`: the whole run, or one check of it."""

    check: Annotated[str | None, Parameter(metavar="ID", help="Cancel this check alone.")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class RunsOptions:
    """`runs`: all of them, or what they say together."""

    unstable: Annotated[
        Flag, Parameter(help="Only the checks that passed and failed on one and the same tree.")
    ] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class PruneOptions:
    """`prune`: what to keep (None: as the config's settings say)."""

    keep_runs: Annotated[
        int | None, Parameter(metavar="N", help="Keep at most this many runs.")
    ] = None
    keep_size: Annotated[
        int | None,
        Parameter(
            converter=read_size, metavar="SIZE", help="Keep at most this much (500MiB, 1GiB)."
        ),
    ] = None
    keep_age: Annotated[Duration, Parameter(help="Keep runs younger than this (720h).")] = None
    dry_run: Annotated[Flag, Parameter(help="Say what would go, and keep it.")] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class PoolOptions:
    """`workers`, and what `worker` has in common with it: which pool."""

    pool: Annotated[
        str | None, Parameter(metavar="NAME", help="The pool [default: as the config says].")
    ] = None
    insecure: Annotated[
        Flag, Parameter(help="Allow redis:// to another machine: the files go in the clear.")
    ] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerOptions(PoolOptions):
    """`worker`: what it offers, and how long it stays (nanoseconds)."""

    slots: Annotated[
        int | None,
        Parameter(metavar="N", help="Checks at the same time [default: the usable CPUs]."),
    ] = None
    label: Annotated[
        tuple[str, ...],
        Parameter(
            converter=split_commas, metavar="LABEL", help="What it has: gpu, linux; repeatable."
        ),
    ] = ()
    repository: Annotated[
        str,
        Parameter(metavar="PATH|URL", help="Where the commits of the runs are [default: here]."),
    ] = "."
    name: Annotated[
        str | None, Parameter(metavar="NAME", help="What it is called [default: the host name].")
    ] = None
    once: Annotated[
        Flag, Parameter(help="End when the runs are over that were there, or came first.")
    ] = False
    drain: Annotated[
        Duration,
        Parameter(help="When told to stop: how long what runs may take to end [default: 10s]."),
    ] = None


# Defaults of the commands' parameters: cyclopts wants an instance where every flag is optional.
GLOBAL_DEFAULTS = GlobalOptions()
RUN_DEFAULTS = RunOptions()
WATCH_DEFAULTS = WatchOptions()
TAIL_DEFAULTS = TailOptions()
REPORT_DEFAULTS = ReportOptions()
WAIT_DEFAULTS = WaitOptions()
RUNS_DEFAULTS = RunsOptions()
CANCEL_DEFAULTS = CancelOptions()
PRUNE_DEFAULTS = PruneOptions()
POOL_DEFAULTS = PoolOptions()
WORKER_DEFAULTS = WorkerOptions()


def run_format(common: GlobalOptions, options: RunOptions) -> RunFormat:
    """The one format that `--format`, `--json` and `--stream` ask for together.

    Raises UsageError when they ask for different ones.
    """
    asked: set[RunFormat] = set()
    if options.format is not None:
        asked.add(options.format)
    if common.json:
        asked.add("json")
    if options.stream:
        asked.add("jsonl")
    return _one_of(asked, "text")


def report_format(common: GlobalOptions, options: ReportOptions) -> ReportFormat:
    """The one format that `--format`, `--json` and `--open` (as html) ask for.

    Raises UsageError when they ask for different ones.
    """
    asked: set[ReportFormat] = set()
    if options.format is not None:
        asked.add(options.format)
    if common.json:
        asked.add("json")
    if options.open:
        asked.add("html")
    return _one_of(asked, "text")


def only_for_agents(since: int | str, form: str) -> None:
    """Raises UsageError where `--since` names a run for a format that tells the whole of one."""
    if isinstance(since, str) and form != "agent":
        raise UsageError(
            f"--since {since} is no number of an event",
            "a run is named with --format agent; or use report --compare=RUN",
        )


def tail_format(common: GlobalOptions, options: TailOptions) -> TailFormat:
    """The one format that `--format` and `--json` (as jsonl) ask for. Raises UsageError on two."""
    asked: set[TailFormat] = set()
    if options.format is not None:
        asked.add(options.format)
    if common.json:
        asked.add("jsonl")
    return _one_of(asked, "text")


def _one_of(asked: set[Form], otherwise: Form) -> Form:
    """The one format that was asked for. Raises UsageError where there are several."""
    if len(asked) > 1:
        raise UsageError(
            f"two formats at once: {' and '.join(sorted(asked))}", "ask for one of them"
        )
    return asked.pop() if asked else otherwise
