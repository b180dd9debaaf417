"""Config, selection and history -> Plan: all that is decided before the first check starts."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

from msgspec import json
from msgspec.structs import asdict, replace

from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Requirement, Triggers
from vibeguard.core.model.plan import CONFIRMING, Plan, PlannedCheck, ResolvedSettings
from vibeguard.core.model.settings import RunSettings, Settings
from vibeguard.core.names import OnChange, Pool, ReusePolicy
from vibeguard.core.planning.graph import closure, remaining_paths, waiting_closure
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.units import size

MINIMUM_DEFAULT_PARALLEL = 4
LONGEST_PLAIN_STEM = 120
LARGEST_PLAN_BYTES = 63 << 20


def resolve_settings(
    settings: Settings,
    *,
    usable_cpus: int,
    parallel: int | None = None,
    fail_fast: bool | None = None,
    error_exit_code: int | None = None,
    jitter_seed: int = 0,
    reuse: bool = False,
) -> ResolvedSettings:
    """The settings that a run goes by: flags (None: not given) over the config over defaults.

    `reuse` is what `reuses` has made of flags and config.
    """
    default_parallel = max(usable_cpus, MINIMUM_DEFAULT_PARALLEL)
    resolved = ResolvedSettings(
        parallel=parallel or settings.parallel or default_parallel,
        async_parallel=settings.async_parallel,
        error_exit_code=error_exit_code or 1,
        jitter_seed=jitter_seed,
        reuse=reuse,
        **{field: getattr(settings, field) for field in RunSettings.__struct_fields__},
    )
    return resolved if fail_fast is None else replace(resolved, fail_fast=fail_fast)


def reuses(settings: Settings, *, asked: bool, fresh: bool, under_ci: bool) -> bool:
    """Whether earlier passes may stand for checks of a run.

    Off in the settings turns all off; on in the settings counts as asked for, but not under CI.
    """
    if fresh or settings.reuse is False:
        return False
    return asked or (settings.reuse is True and not under_ci)


def make_plan(
    checks: Sequence[CheckConfig],
    settings: ResolvedSettings,
    *,
    variables: Mapping[str, str],
    notes: Sequence[str] = (),
    narrowed: str = "",
    expected_ns: Mapping[str, int] | None = None,
    queued_ns: Mapping[str, int] | None = None,
    failed: Collection[str] = (),
    confirmed: Collection[str] = (),
    on_change: OnChange = OnChange.NOTE,
) -> Plan:
    """The plan for the selected checks, in config order.

    Requirements that were not selected (`--no-deps`) are dropped. `expected_ns` holds the
    durations that history knows, `queued_ns` the waits for a worker; `narrowed` says what left
    checks out beside ids and tags; `failed` are checks that failed before and are to go first,
    `confirmed` those that get one beside them which runs them again; `on_change` holds for checks
    that do not say.

    Raises UsageError for a plan that the log could not hold, whose lines have 64 MiB at most.
    """
    expected = expected_ns or {}
    checks = _with_confirming(checks, confirmed)
    requires = _requirements_among(checks)
    pools, waits = _placed(checks, requires, settings.async_after_ns)
    names = {check: [entry.check for entry in entries] for check, entries in requires.items()}
    paths = remaining_paths(names, expected)
    # What failed before goes first, and what stands in its way.
    first = closure((check for check in failed if check in names), names.__getitem__)
    stems = file_stems([check.id for check in checks])
    planned = tuple(
        _planned(
            check,
            requires=requires[check.id],
            on_change=check.on_change or on_change,
            stem=stems[check.id],
            pool=pools[check.id],
            after_background=check.id in waits,
            expected_ns=expected.get(check.id),
            expected_queue_ns=(queued_ns or {}).get(check.id, 0) if check.where is not None else 0,
            remaining_path_ns=paths[check.id],
            priority=int(check.id in first),
        )
        for check in checks
    )
    used = dict(variables) if any(check.suggestion or check.fix for check in checks) else {}
    return _held_to_bound(Plan(settings, planned, used, tuple(notes), narrowed))


def plan_of_all(config: Config, *, reuse: bool = False) -> Plan:
    """The plan of every check of a config, without flags or history. Raises UsageError."""
    settings = resolve_settings(config.settings, usable_cpus=1, reuse=reuse)
    return make_plan(config.checks, settings, variables=config.vars)


def _requirements_among(checks: Sequence[CheckConfig]) -> dict[str, tuple[Requirement, ...]]:
    """What each check requires of the others."""
    selected = {check.id for check in checks}
    return {check.id: tuple(r for r in check.requires if r.check in selected) for check in checks}


def _planned(check: CheckConfig, **decided: Any) -> PlannedCheck:
    """What the config says of a check, without the values of its variables, and what was decided.

    In calls that take all fields at once: a plan may have forty thousand checks of forty each.
    """
    fields = asdict(check)
    env = fields.pop("env")
    fields.update(decided, env_names=tuple(sorted(env)), confirms=confirmed_by(check.id))
    return PlannedCheck(**fields)


def _placed(
    checks: Sequence[CheckConfig],
    requires: Mapping[str, tuple[Requirement, ...]],
    async_after_ns: int,
) -> tuple[dict[str, Pool], set[str]]:
    """The pool of each check, and those that wait for the background without being there."""
    pools = {check.id: pool_of(check, async_after_ns) for check in checks}
    background = [check for check, pool in pools.items() if pool is Pool.BACKGROUND]
    waits = waiting_closure(requires, background)
    pools |= {check.id: Pool.WORKERS for check in checks if check.where is not None}
    return pools, {check for check in waits if pools[check] is not Pool.BACKGROUND}


def _held_to_bound(plan: Plan) -> Plan:
    """The plan. Raises UsageError for one that the log could not hold."""
    if len(json.encode(plan)) > LARGEST_PLAN_BYTES:
        what = f"the plan of this run is larger than {size(LARGEST_PLAN_BYTES)}"
        raise UsageError(what, "shorten commands, prompts and variables, or select fewer checks")
    return plan


def _with_confirming(
    checks: Sequence[CheckConfig], confirmed: Collection[str]
) -> list[CheckConfig]:
    """The checks, and behind each that is to be confirmed one that does: in the background."""
    found = []
    for check in checks:
        found.append(check)
        if check.id in confirmed:
            again = replace(
                check,
                id=f"{check.id}{CONFIRMING}",
                requires=(Requirement(check.id),),  # reused only where all that it requires passed
                mode="async",
                reuse=ReusePolicy.OFF,
                on=Triggers(),
            )
            found.append(again)
    return found


def confirmed_by(check: str) -> str:
    """The check that this one of a plan runs again; empty for all others."""
    return check.removesuffix(CONFIRMING) if check.endswith(CONFIRMING) else ""


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
