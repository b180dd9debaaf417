"""What `settings:` of a config means, and what it says for all checks (DESIGN section 2).

A key of the file is one field here: see `keys`.
"""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.model.keys import Choice, Count, Duration, Key, Size
from vibeguard.core.model.notification import Notification
from vibeguard.core.names import MOST_SLOTS, GitEnvironment, LeakPolicy, OnChange
from vibeguard.core.wording.units import SECOND_NS

LEAST_LEASE_NS = 2 * SECOND_NS


class CheckDefaults(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a check says, or else the settings say for all checks."""

    shell: Annotated[
        str,
        Key(
            "what runs the command: `sh`, `bash` (with `-e -o pipefail`), or a command line that "
            "takes the script as its last word",
            keys.Shell(),
        ),
    ] = "sh"
    leaks: Annotated[
        LeakPolicy,
        Key(
            "what happens to processes that a check leaves behind when it exits: `warn` (ended, "
            "marked), `fail` (ended, failed), `ignore` (left until the run's end)",
            Choice(LeakPolicy, "value of leaks"),
        ),
    ] = LeakPolicy.WARN
    on_change: Annotated[
        OnChange | None,
        Key(
            "what if the check changed files of the tree: `note` (said), `fail` (failed; nothing "
            "runs beside it), `allow` ([more](staged.md#checks-that-change-files))",
            Choice(OnChange, "value of on_change"),
            default="note, with --staged fail",
        ),
    ] = None
    git_env: Annotated[
        GitEnvironment,
        Key(
            "git's local variables, as a hook has them: `drop`, or `keep` (in the foreground only, "
            "for a check that stages)",
            Choice(GitEnvironment, "value of git_env"),
        ),
    ] = GitEnvironment.DROP
    judge_timeout_ns: Annotated[
        int, Key("the longest that grok and assert may take; 0 means the default", Duration())
    ] = 10 * SECOND_NS
    output_limit_bytes: Annotated[
        int,
        Key(
            "more output than this ends the check: failed, reason `output_limit`",
            Size(),
        ),
    ] = 1 << 30
    reuse_for_ns: Annotated[
        int, Key("how long a recorded pass may be reused; 0 means the default", Duration())
    ] = 24 * 3600 * SECOND_NS


class PoolSettings(Struct, frozen=True, omit_defaults=True, gc=False):
    """`settings.pool`: the workers that checks with `where` go to."""

    name: Annotated[str, Key("what the workers' pool is called", keys.PoolName())] = "default"
    lease_ns: Annotated[
        int,
        Key(
            "what runs on a worker that nothing is heard of is ended within this time, there and "
            "here; at least 2s",
            Duration(),
        ),
    ] = 10 * SECOND_NS
    queue_timeout_ns: Annotated[
        int, Key("the longest that a check waits for a worker", Duration())
    ] = 600 * SECOND_NS
    slots: Annotated[
        int,
        Key(
            "how many checks of a run are with the pool at once, waiting too", Count(1, MOST_SLOTS)
        ),
    ] = 32
    insecure: Annotated[
        bool,
        Key("allow `redis://` to another machine, in the clear: it sees the tree", keys.Truth()),
    ] = False


class Links(Struct, frozen=True, omit_defaults=True, gc=False):
    """`settings.links`: where a place in a file, on a page of a report, leads to."""

    editor: Annotated[
        str,
        Key(
            "what opens it: `vscode`, `vscodium`, `cursor`, `idea`, `zed`, or an address with "
            "`{root}`, `{file}`, `{line}`, `{column}`; `--editor` goes before it",
            keys.LinkTemplate(),
        ),
    ] = ""
    forge: Annotated[
        str,
        Key(
            "where it is at the commit of the run, as "
            "`https://github.com/OWNER/NAME/blob/{commit}/{file}#L{line}`; `{branch}`, too",
            keys.LinkTemplate(),
        ),
    ] = ""


class RunSettings(CheckDefaults, frozen=True, omit_defaults=True, gc=False):
    """What a run as a whole goes by; the plan records it."""

    async_after_ns: Annotated[
        int, Key("a timeout over this makes a check async", Duration(zero=True))
    ] = 60 * SECOND_NS
    grace_ns: Annotated[int, Key("from SIGTERM to SIGKILL", Duration(zero=True))] = 5 * SECOND_NS
    leak_grace_ns: Annotated[
        int,
        Key("how long what a check left behind may take to end by itself", Duration(zero=True)),
    ] = SECOND_NS // 5
    fail_fast: Annotated[
        bool, Key("the first failure of severity `error` cancels the rest", keys.Truth())
    ] = False
    run_timeout_ns: Annotated[
        int | None, Key("the longest that a whole run may take", Duration())
    ] = None
    grok_limit_bytes: Annotated[
        int, Key("the most output that grok reads; more is an `error`", Size())
    ] = 64 << 20
    pool: Annotated[
        PoolSettings | None,
        Key(
            "the workers that checks with `where` go to ([workers](workers.md))",
            keys.Section(PoolSettings),
        ),
    ] = None
    redact: Annotated[
        tuple[str, ...],
        Key(
            "names of environment variables whose values are masked wherever output is shown; not "
            "in the stored output, and not values under 8 characters",
            keys.VariableNames(),
        ),
    ] = ()
    links: Annotated[
        Links | None,
        Key(
            "where `src/app.py:3:8` on a page of a report leads to: `editor`, `forge` "
            "([more](ci.md#the-page))",
            keys.Section(Links),
        ),
    ] = None


class Settings(RunSettings, frozen=True, omit_defaults=True, gc=False):
    """`settings:` as written; None means that the default depends on the machine or is off."""

    parallel: Annotated[
        int | None,
        Key("foreground slots", Count(1, MOST_SLOTS), default="usable CPUs, at least 4"),
    ] = None
    async_parallel: Annotated[int, Key("background slots, counted apart", Count(1, MOST_SLOTS))] = 4
    reuse: Annotated[
        bool | None,
        Key(
            "`true`: as if every `run` said `--reuse` (not under CI, where the flag alone counts); "
            "`false`: nothing is reused or recorded, whatever flags and checks say",
            keys.Truth(),
            default="only with `--reuse`",
        ),
    ] = None
    keep_runs: Annotated[
        int, Key("how many earlier runs are kept; the oldest go first", Count(1, 1_000_000))
    ] = 100
    keep_bytes: Annotated[
        int, Key("how much of earlier runs is kept", Size(), name="keep_bytes")
    ] = 1 << 30
    keep: Annotated[
        tuple[str, ...],
        Key(
            "what `run --staged` leaves in its place although git does not know it, from the "
            "config's folder: `[.venv, node_modules]` ([staged](staged.md))",
            keys.Files(),
        ),
    ] = ()
    keep_age_ns: Annotated[
        int, Key("how old a run may be before it goes; a live one never does", Duration(zero=True))
    ] = 30 * 24 * 3600 * SECOND_NS
    notify: Annotated[
        tuple[Notification, ...],
        Key(
            "commands and addresses that are told how a run ended, once its log is sealed "
            "([more](notify.md))",
            keys.Notifications(),
        ),
    ] = ()
