"""What a run is going to do, as it is decided and logged before the first check starts."""

from msgspec import Struct

from vibeguard.core.model.config import (
    DEFAULT_ASYNC_AFTER_NS,
    DEFAULT_GRACE_NS,
    DEFAULT_GROK_LIMIT_BYTES,
    DEFAULT_LEAK_GRACE_NS,
    DEFAULT_OUTPUT_LIMIT_BYTES,
    Requirement,
    Triggers,
)
from vibeguard.core.names import LeakPolicy, Mode, Pool, Severity


class ResolvedSettings(Struct, frozen=True, omit_defaults=True):
    """Settings after defaults, environment and flags: what this run goes by."""

    parallel: int
    async_parallel: int
    async_after_ns: int = DEFAULT_ASYNC_AFTER_NS
    grace_ns: int = DEFAULT_GRACE_NS
    leak_grace_ns: int = DEFAULT_LEAK_GRACE_NS
    fail_fast: bool = False
    run_timeout_ns: int | None = None
    error_exit_code: int = 1
    grok_limit_bytes: int = DEFAULT_GROK_LIMIT_BYTES
    jitter_seed: int = 0


class PlannedCheck(Struct, frozen=True, omit_defaults=True):
    """One check of the plan. `stem` names its files, unique whatever the file system folds.

    `pool` is where it runs, `mode` what the config says about that; `after_background` marks a
    foreground check that waits, directly or through others, for a background one. `expected_ns`
    is the estimate from earlier runs.
    `env_names` are the names that the config sets: values are never recorded.
    `remaining_path_ns` is the length of the longest path from its start to the end of the run.
    """

    id: str
    run: str
    stem: str
    pool: Pool = Pool.FOREGROUND
    mode: Mode = "auto"
    requires: tuple[Requirement, ...] = ()
    after_background: bool = False
    timeout_ns: int = 0
    severity: Severity = Severity.ERROR
    tags: tuple[str, ...] = ()
    grok: tuple[str, ...] = ()
    file: str = ""
    assertion: str = ""
    suggestion: str = ""
    fix: str = ""
    on: Triggers = Triggers()
    env_names: tuple[str, ...] = ()
    cwd: str = ""
    slow_after_ns: int | None = None
    idle_timeout_ns: int | None = None
    retries: int = 0
    group: str = ""
    weight: int = 1
    leaks: LeakPolicy = LeakPolicy.WARN
    output_limit_bytes: int = DEFAULT_OUTPUT_LIMIT_BYTES
    expected_ns: int | None = None
    remaining_path_ns: int = 0


class Plan(Struct, frozen=True):
    """A whole plan: settings, checks in config order, and one line for each thing left out."""

    settings: ResolvedSettings
    checks: tuple[PlannedCheck, ...]
    vars: dict[str, str] = {}
    notes: tuple[str, ...] = ()
