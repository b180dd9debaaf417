"""Config, selection and history -> Plan: all that is decided before the first check starts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from vibeguard.core.model.config import CheckConfig, Requirement, Settings
from vibeguard.core.model.plan import Plan, PlannedCheck, ResolvedSettings
from vibeguard.core.names import Pool
from vibeguard.core.planning.graph import waiting_closure
from vibeguard.core.planning.rank import remaining_paths

DEFAULT_ASYNC_PARALLEL = 4
MINIMUM_DEFAULT_PARALLEL = 4
LONGEST_PLAIN_STEM = 120


def resolve_settings(
    settings: Settings,
    *,
    usable_cpus: int,
    parallel: int | None = None,
    fail_fast: bool | None = None,
    error_exit_code: int | None = None,
    jitter_seed: int = 0,
) -> ResolvedSettings:
    """The settings that a run goes by: flags (None: not given) over the config over defaults."""
    default_parallel = max(usable_cpus, MINIMUM_DEFAULT_PARALLEL)
    return ResolvedSettings(
        parallel=parallel or settings.parallel or default_parallel,
        async_parallel=settings.async_parallel or DEFAULT_ASYNC_PARALLEL,
        async_after_ns=settings.async_after_ns,
        grace_ns=settings.grace_ns,
        leak_grace_ns=settings.leak_grace_ns,
        fail_fast=settings.fail_fast if fail_fast is None else fail_fast,
        run_timeout_ns=settings.run_timeout_ns,
        error_exit_code=error_exit_code or 1,
        grok_limit_bytes=settings.grok_limit_bytes,
        jitter_seed=jitter_seed,
    )


def make_plan(
    checks: Sequence[CheckConfig],
    settings: ResolvedSettings,
    defaults: Settings,
    *,
    variables: Mapping[str, str],
    notes: Sequence[str] = (),
    expected_ns: Mapping[str, int] | None = None,
) -> Plan:
    """The plan for the selected checks, in config order.

    Requirements that were not selected (`--no-deps`) are dropped. `defaults` gives what a check
    leaves to the settings; `expected_ns` holds the durations that history knows.
    """
    expected = expected_ns or {}
    selected = {check.id for check in checks}
    requires = {
        check.id: tuple(r for r in check.requires if r.check in selected) for check in checks
    }
    pools = {check.id: pool_of(check, settings.async_after_ns) for check in checks}
    background = [check for check, pool in pools.items() if pool is Pool.BACKGROUND]
    waits_for_background = waiting_closure(requires, background)
    paths = remaining_paths(requires, expected)
    stems = file_stems([check.id for check in checks])
    planned = tuple(
        _planned(
            check,
            defaults,
            requires=requires[check.id],
            stem=stems[check.id],
            pool=pools[check.id],
            after_background=check.id in waits_for_background
            and pools[check.id] is Pool.FOREGROUND,
            expected_ns=expected.get(check.id),
            remaining_path_ns=paths[check.id],
        )
        for check in checks
    )
    needs_vars = any(check.suggestion or check.fix for check in checks)
    return Plan(settings, planned, dict(variables) if needs_vars else {}, tuple(notes))


def pool_of(check: CheckConfig, async_after_ns: int) -> Pool:
    """Background when the config says so, or by itself when the timeout is above the limit."""
    if check.mode == "auto":
        return Pool.BACKGROUND if check.timeout_ns > async_after_ns else Pool.FOREGROUND
    return Pool.BACKGROUND if check.mode == "async" else Pool.FOREGROUND


def file_stems(checks: Sequence[str]) -> dict[str, str]:
    """A file name for each id, unique even where the file system folds case or limits length."""
    folded = Counter(check.casefold() for check in checks)
    stems: dict[str, str] = {}
    for check in checks:
        if len(check) <= LONGEST_PLAIN_STEM and folded[check.casefold()] == 1:
            stems[check] = check
        else:
            digest = sha256(check.encode()).hexdigest()[:16]
            stems[check] = f"{check[:LONGEST_PLAIN_STEM]}~{digest}"
    return stems


def _planned(
    check: CheckConfig,
    defaults: Settings,
    *,
    requires: tuple[Requirement, ...],
    stem: str,
    pool: Pool,
    after_background: bool,
    expected_ns: int | None,
    remaining_path_ns: int,
) -> PlannedCheck:
    limit = check.output_limit_bytes
    return PlannedCheck(
        id=check.id,
        run=check.run,
        stem=stem,
        pool=pool,
        mode=check.mode,
        requires=requires,
        after_background=after_background,
        timeout_ns=check.timeout_ns,
        severity=check.severity,
        tags=check.tags,
        grok=check.grok,
        file=check.file,
        assertion=check.assertion,
        suggestion=check.suggestion,
        fix=check.fix,
        on=check.on,
        env_names=tuple(sorted(check.env)),
        cwd=check.cwd,
        slow_after_ns=check.slow_after_ns,
        idle_timeout_ns=check.idle_timeout_ns,
        retries=check.retries,
        group=check.group,
        weight=check.weight,
        leaks=check.leaks if check.leaks is not None else defaults.leaks,
        output_limit_bytes=limit if limit is not None else defaults.output_limit_bytes,
        expected_ns=expected_ns,
        remaining_path_ns=remaining_path_ns,
    )
