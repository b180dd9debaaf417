"""What a run is to do, out of config, flags and earlier runs: the launch of its supervisor."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vibeguard.commands.caller_folders import working_folder
from vibeguard.commands.loading import Loaded, load, locate, state_dir_of_run
from vibeguard.commands.narrowing import Narrowing, narrowing
from vibeguard.commands.opening import tell_leftovers
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.run_options import Invocation, RunOptions
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.plan import Plan, is_handed_files
from vibeguard.core.model.settings import Settings
from vibeguard.core.names import OnChange, ReusePolicy
from vibeguard.core.planning.plan import make_plan, resolve_settings, reuses
from vibeguard.core.planning.select import select
from vibeguard.core.problems import UsageError
from vibeguard.core.reuse.checked import inputs_of_reusable
from vibeguard.core.wording.terminal import is_ci
from vibeguard.core.wording.units import some
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.cpus import usable_cpus
from vibeguard.system.discovery.differing import differing, version_control
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.discovery.vcs import TIMEOUT_S
from vibeguard.system.discovery.whereabouts import find_state_dir
from vibeguard.system.ending_signals import ended_by_signals
from vibeguard.system.front import early
from vibeguard.system.history import load_estimates
from vibeguard.system.reuse.tree import named_tree, with_identity
from vibeguard.system.rundir.state_folder import state_folder
from vibeguard.system.vouching.refusing import refusals_marked

if TYPE_CHECKING:
    from vibeguard.system.staged.frozen import Frozen

Narrow = Callable[[Loaded, str, Invocation, "Frozen | None"], Narrowing]


@ended_by_signals()
def prepare_launch(invocation: Invocation, held: ExitStack, narrow: Narrow = narrowing) -> Launch:
    """What the supervisor is to do; what earlier runs left behind is swept.

    `held` lets go of what is needed until it has done it; `narrow` says what is left of the checks.
    Signals end it: there is no run yet that they could cancel. Raises UsageError, ConfigError and
    LogWriteError, of which a mark is left in the state folder.
    """
    common = invocation.common
    with refusals_marked(find_state_dir(common.state_dir, os.environ, working_folder())):
        located = locate(common)
    path = state_dir_of_run(located, common)
    with refusals_marked(path):
        state_dir = state_folder(path, create=True)
        tell_leftovers(state_dir)
        return _prepare(invocation, state_dir, held, narrow)


def _prepare(invocation: Invocation, state_dir: str, held: ExitStack, narrow: Narrow) -> Launch:
    """Raises UsageError, and ConfigError with every problem."""
    common, frozen = invocation.common, None
    if invocation.options.staged:
        from vibeguard.commands.staging import freeze_index  # noqa: PLC0415 - only then

        frozen = held.enter_context(freeze_index(common, state_dir))
    loaded = load(common, frozen.content_of if frozen else None)
    narrowed = narrow(loaded, state_dir, invocation, frozen)
    plan = _plan(invocation, loaded, state_dir, narrowed)
    plan, files = _with_files(loaded, plan, state_dir, narrowed, frozen)
    launch = _launch(invocation, loaded, plan, state_dir, files)
    if frozen is None:
        return _of_the_work_tree(launch)
    from vibeguard.commands.staging import of_what_is_staged  # noqa: PLC0415 - only then

    return of_what_is_staged(launch, frozen, loaded)


def _plan(invocation: Invocation, loaded: Loaded, state_dir: str, narrowed: Narrowing) -> Plan:
    """What flags, config and earlier runs give together. Raises UsageError."""
    common, options = invocation.common, invocation.options
    config = loaded.config
    among = narrowed.checks if narrowed.by else None
    selection = select(
        config, invocation.ids, common.tags, common.exclude_tags, options.no_deps, among=among
    )
    if options.failed is not None and not selection.checks:
        raise UsageError(f"none of the selected checks is among {narrowed.by}", "name others")
    settings = resolve_settings(
        config.settings,
        usable_cpus=usable_cpus(),
        parallel=common.parallel,
        fail_fast=common.fail_fast,
        error_exit_code=common.error_exit_code,
        jitter_seed=int.from_bytes(os.urandom(4), "big"),
        reuse=_reuses(config.settings, options),
    )
    checks = selection.checks
    if options.local:
        checks = tuple(replace(check, where=None) for check in checks)
    if config.settings.reuse is False:
        checks = tuple(replace(check, reuse=ReusePolicy.OFF) for check in checks)
    expected = load_estimates(state_dir, checks)
    never, confirmed = _about_reuse(checks) if settings.reuse else ((), frozenset())
    if options.staged and options.reuse:
        never = ("nothing is reused: what a staged run is of is laid out for it alone",)
    return make_plan(
        checks,
        settings,
        variables=config.vars,
        notes=(*selection.notes, *narrowed.notes, *never),
        narrowed=narrowed.by,
        expected_ns={check: estimate.expected_ns for check, estimate in expected.items()},
        queued_ns={check: estimate.queued_ns for check, estimate in expected.items()},
        failed=narrowed.failing,
        confirmed=confirmed,
        on_change=OnChange.FAIL if options.staged else OnChange.NOTE,
    )


def _about_reuse(checks: Sequence[CheckConfig]) -> tuple[tuple[str, ...], frozenset[str]]:
    """What to note of checks that reuse was asked for in vain, and which passes to confirm."""
    from vibeguard.core.reuse.record import never_reused, to_confirm  # noqa: PLC0415 - only then

    return never_reused(checks), to_confirm(checks)


def _reuses(settings: Settings, options: RunOptions) -> bool:
    """Whether this run may rest on earlier passes. Raises UsageError."""
    if options.reuse and options.fresh:
        raise UsageError("--reuse and --fresh do not go together", "use one of them")
    if options.reuse and settings.reuse is False:
        raise UsageError(
            "the settings turn reuse off", "leave out --reuse, or remove settings.reuse"
        )
    fresh = options.fresh or options.staged  # what lies at a path is another thing in a view
    return reuses(settings, asked=options.reuse, fresh=fresh, under_ci=is_ci(os.environ))


def _with_files(
    loaded: Loaded, plan: Plan, state_dir: str, narrowed: Narrowing, frozen: "Frozen | None"
) -> tuple[Plan, dict[str, bytes]]:
    """The plan, knowing which checks get some only of their files; the lists. Raises UsageError."""
    if not any(map(is_handed_files, plan.checks)):
        return plan, {}
    from vibeguard.commands.file_lists import file_lists  # noqa: PLC0415 - seldom needed

    handed = file_lists(loaded, plan.checks, narrowed.changed, state_dir, frozen)
    checks = tuple(
        replace(check, partial=True) if check.id in handed.partial else check
        for check in plan.checks
    )
    empty = [check.id for check in checks if check.pass_files and not handed.lists[check.id]]
    notes = (f"handed no file, as none matches: {some(empty, 5)}",) if empty else ()
    return replace(plan, checks=checks, notes=(*plan.notes, *notes)), handed.lists


def _log_folder(common: GlobalOptions) -> str:
    """The folder of `--log-dir`, made now: a run whose outputs have no place is not begun.

    The empty text where none was asked for. Raises UsageError.
    """
    if not common.log_dir:
        return ""
    folder = os.path.join(working_folder(), common.log_dir)
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        what = f"no folder can be made at {common.log_dir}: {why}"
        raise UsageError(what, "name another one with --log-dir") from error
    return folder


def _launch(
    invocation: Invocation, loaded: Loaded, plan: Plan, state_dir: str, files: dict[str, bytes]
) -> Launch:
    """The launch, but for what is known of the tree. Raises UsageError."""
    options, settings = invocation.options, loaded.config.settings
    log_dir = _log_folder(invocation.common)
    # Whoever is about to join a run has to want the same checks on the same files.
    selected = [(check.id, files[check.id] if check.partial else None) for check in plan.checks]
    return Launch(
        plan=plan,
        argv=tuple(_text(word) for word in ("vibeguard", *sys.argv[1:])),
        environment=caller_environment(),
        variables=_variables(loaded, plan),
        folder=os.fsencode(loaded.located.folder),
        config_folder=os.fsencode(loaded.located.config_folder),
        state_dir=os.fsencode(state_dir),
        config_path=_text(_from_the_runs_folder(loaded)),
        config_sha256=sha256(loaded.data).hexdigest(),
        selection_sha256=sha256(repr(selected).encode()).hexdigest(),
        inputs=inputs_of_reusable(loaded.config),
        incomplete=_incomplete(loaded, plan),
        whole={check.id for check in loaded.config.checks}
        <= {check.id for check in plan.checks if not check.partial},
        files=files,
        detached=outlives(options),
        record_tree=options.record_tree or options.staged or may_join(options),
        log_dir=os.fsencode(log_dir),
        notify=settings.notify,
        keep_runs=settings.keep_runs,
        keep_bytes=settings.keep_bytes,
        keep_age_ns=settings.keep_age_ns,
    )


def _variables(loaded: Loaded, plan: Plan) -> dict[str, dict[str, str]]:
    """The values that the config sets for each check."""
    configured = {check.id: check.env for check in loaded.config.checks}
    envs = {check.id: configured[check.confirms or check.id] for check in plan.checks}
    return {check: env for check, env in envs.items() if env}


def _incomplete(loaded: Loaded, plan: Plan) -> frozenset[str]:
    """The checks that require others which this plan leaves out."""
    configured = {check.id: check.requires for check in loaded.config.checks}
    return frozenset(
        check.id
        for check in plan.checks
        if not check.confirms and len(check.requires) < len(configured[check.id])
    )


def _from_the_runs_folder(loaded: Loaded) -> str:
    """The config's path as the log keeps it: whoever reads it may stand anywhere."""
    relative = os.path.relpath(loaded.located.path, loaded.located.folder)
    return loaded.located.path if relative.startswith(os.path.join("..", "..")) else relative


def _of_the_work_tree(launch: Launch) -> Launch:
    """With what is known of the files that lie there."""
    folder, environment = os.fsdecode(launch.folder), launch.environment
    supervisor = early.prepared.get()
    ahead = supervisor.differing if supervisor is not None else None
    before = differing(folder, environment, TIMEOUT_S, ahead)
    found = version_control(folder, environment, before)
    if launch.record_tree:
        found = replace(found or VersionControl(), tree=named_tree(launch))
    return replace(launch, version_control=with_identity(found, launch), differing=before)


def _text(word: str) -> str:
    """A word of the command line as text that can be stored (bytes that are none are escaped)."""
    return word.encode("utf-8", "backslashreplace").decode()


def may_join(options: RunOptions) -> bool:
    """Whether a run that goes on already will do as well."""
    return options.supersede or outlives(options)


def outlives(options: RunOptions) -> bool:
    """Whether the run goes on when its command has returned."""
    return options.detach or options.max_wait is not None
