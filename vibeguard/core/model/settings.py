"""What `settings:` of a config means, and what it says for all checks (DESIGN section 2).

A key of the file is one field here: see `keys`.
"""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.model.keys import Choice, Count, Duration, Size
from vibeguard.core.model.notification import Notification
from vibeguard.core.names import MOST_SLOTS, GitEnvironment, LeakPolicy, OnChange
from vibeguard.core.wording.units import SECOND_NS

LEAST_LEASE_NS = 2 * SECOND_NS


class CheckDefaults(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a check says, or else the settings say for all checks."""

    shell: Annotated[str, keys.Shell()] = "sh"
    leaks: Annotated[LeakPolicy, Choice(LeakPolicy, "value of leaks")] = LeakPolicy.WARN
    on_change: Annotated[OnChange | None, Choice(OnChange, "value of on_change")] = None
    git_env: Annotated[GitEnvironment, Choice(GitEnvironment, "value of git_env")] = (
        GitEnvironment.DROP
    )
    judge_timeout_ns: Annotated[int, Duration()] = 10 * SECOND_NS
    output_limit_bytes: Annotated[int, Size()] = 1 << 30
    reuse_for_ns: Annotated[int, Duration()] = 24 * 3600 * SECOND_NS


class PoolSettings(Struct, frozen=True, omit_defaults=True, gc=False):
    """`settings.pool`: the workers that checks with `where` go to."""

    name: Annotated[str, keys.PoolName()] = "default"
    lease_ns: Annotated[int, Duration()] = 10 * SECOND_NS
    queue_timeout_ns: Annotated[int, Duration()] = 600 * SECOND_NS
    slots: Annotated[int, Count(1, MOST_SLOTS)] = 32
    insecure: Annotated[bool, keys.Truth()] = False


class Links(Struct, frozen=True, omit_defaults=True, gc=False):
    """`settings.links`: where a place in a file, on a page of a report, leads to."""

    editor: Annotated[str, keys.LinkTemplate()] = ""
    forge: Annotated[str, keys.LinkTemplate()] = ""


class RunSettings(CheckDefaults, frozen=True, omit_defaults=True, gc=False):
    """What a run as a whole goes by; the plan records it."""

    async_after_ns: Annotated[int, Duration(zero=True)] = 60 * SECOND_NS
    grace_ns: Annotated[int, Duration(zero=True)] = 5 * SECOND_NS
    leak_grace_ns: Annotated[int, Duration(zero=True)] = SECOND_NS // 5
    fail_fast: Annotated[bool, keys.Truth()] = False
    run_timeout_ns: Annotated[int | None, Duration()] = None
    grok_limit_bytes: Annotated[int, Size()] = 64 << 20
    pool: Annotated[PoolSettings | None, keys.Section(PoolSettings)] = None
    redact: Annotated[tuple[str, ...], keys.VariableNames()] = ()
    links: Annotated[Links | None, keys.Section(Links)] = None


class Settings(RunSettings, frozen=True, omit_defaults=True, gc=False):
    """`settings:` as written; None means that the default depends on the machine or is off."""

    parallel: Annotated[int | None, Count(1, MOST_SLOTS)] = None
    async_parallel: Annotated[int, Count(1, MOST_SLOTS)] = 4
    reuse: Annotated[bool | None, keys.Truth()] = None
    keep_runs: Annotated[int, Count(1, 1_000_000)] = 100
    keep_bytes: Annotated[int, Size(name="keep_bytes")] = 1 << 30
    keep: Annotated[tuple[str, ...], keys.Files()] = ()
    keep_age_ns: Annotated[int, Duration(zero=True)] = 30 * 24 * 3600 * SECOND_NS
    notify: Annotated[tuple[Notification, ...], keys.Notifications()] = ()
