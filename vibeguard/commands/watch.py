"""`vibeguard watch`: run the checks again whenever the tree has changed, until somebody ends it."""

import os
import sys
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vibeguard.commands import failures
from vibeguard.commands.launching import prepare_launch
from vibeguard.commands.loading import Loaded, load, locate, state_dir_of_run
from vibeguard.commands.narrowing import Narrowing, failing_in, narrowing
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.run_options import CheckName, Invocation, RunOptions, WatchOptions
from vibeguard.commands.streams import write_err
from vibeguard.core.fold.verdict import failing
from vibeguard.core.model.state import State
from vibeguard.core.names import Outcome
from vibeguard.core.problems import UsageError, VibeGuardError
from vibeguard.core.watch.machine import RunEnded, Start
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.clock import monotonic_ns, wall_ns
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.front.early import prepare
from vibeguard.system.front.guarding import Front, Watching
from vibeguard.system.watch.run_process import import_for_runs
from vibeguard.system.watch.seen_tree import Tree
from vibeguard.system.watch.watch_loop import WatchSession

if TYPE_CHECKING:
    from vibeguard.system.staged.frozen import Frozen


def watch(*ids: CheckName, common: GlobalOptions, options: WatchOptions) -> int:
    """Run checks, and again whenever the tree has changed; r, f and q are keys on a terminal."""
    form = _format(common, options)
    located = locate(common)
    import_for_runs()
    state_dir = state_dir_of_run(located, common)
    tree = Tree(located.folder, caller_environment(), state_dir, ConfigFiles(common, located.path))

    def body_of(start: Start) -> Callable[[], RunEnded]:
        return lambda: _run_once(ids, common, options, form, start)

    if sys.stdin is not None and os.isatty(0) and form == "watch":
        keys = "r: run again, f: only what failed, q: quit"
        write_err(f"vibeguard: watching {sanitise(located.folder)} ({keys})\n")
    return WatchSession(tree, body_of, told_on=1 if form == "jsonl" else 2).run()


class ConfigFiles:
    """The files that the config is read from, wherever they are: asked again once one has changed.

    Of a config that cannot be read these are the last that were known.
    """

    def __init__(self, common: GlobalOptions, path: str) -> None:
        """Nothing is read yet."""
        self._common = common
        self._files = {os.path.abspath(path)}
        self._seen: dict[str, tuple[int, ...]] = {}

    def __call__(self) -> Collection[bytes]:
        """Their absolute paths."""
        now = {path: _stamp(path) for path in self._files}
        if now != self._seen:
            with suppress(VibeGuardError):
                self._files |= {os.path.abspath(path) for path in load(self._common).files}
            self._seen = now  # as they were before: what is saved meanwhile is another
        return sorted(map(os.fsencode, self._files))


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns


def _format(common: GlobalOptions, options: WatchOptions) -> str:
    """The form of each run. Raises UsageError for one that a watch without end cannot have."""
    if common.json:
        raise UsageError(
            "a watch is no one document", "use --format jsonl: its events, as they come"
        )
    return "jsonl" if options.format == "jsonl" else "watch"


def _run_once(
    ids: tuple[str, ...], common: GlobalOptions, options: WatchOptions, form: str, start: Start
) -> RunEnded:
    """One run, in the process that is its front."""
    flags = RunOptions(no_deps=options.no_deps, changed=options.changed, local=options.local)

    def narrow(
        loaded: Loaded, state_dir: str, invocation: Invocation, frozen: "Frozen | None"
    ) -> Narrowing:
        known = failing_in(state_dir) if start.failing is None else start.failing
        if start.failed_only:
            there = {check.id for check in loaded.config.checks} & known
            return Narrowing(there, "what failed", failing=known)
        return replace(narrowing(loaded, state_dir, invocation, frozen), failing=known)

    supervisor = prepare([])
    try:
        launch = prepare_launch(Invocation(ids, common, flags), ExitStack(), narrow)
        watching = Watching(
            format=form,
            verbose=common.verbose,
            began_s=supervisor.began_s,
            quiet=start.quiet,
        )
        front = Front(supervisor, watching)
        code = front.run(replace(launch, notify=()))
    except Exception as error:  # noqa: BLE001 - the border of this process
        failures.tell(error, sys.argv[1:], "run")
        return RunEnded(None, problem=True)
    finally:
        supervisor.discard()
    state = front.state
    if state is None or state.finished is None:
        return RunEnded(None, problem=True)
    began_ns, over_ns = _when_checks_ran(state)
    passing = {name for name, r in state.checks.items() if r.outcome is Outcome.PASSED}
    passed = None if state.cancel is not None and state.cancel.exit_code is not None else code == 0
    return RunEnded(passed, failing(state), frozenset(passing), began_ns, over_ns)


def _when_checks_ran(state: State) -> tuple[int, int]:
    """From the run's start to the last settlement, in ns of wall-clock time.

    Not from the first `check.started`: that is recorded a moment after the process has started.
    """
    ends = [r.settled_t for r in state.checks.values() if r.settled_t is not None]
    if not ends or state.started is None:
        return 0, 0
    began_ns = wall_ns() - monotonic_ns() + state.started.monotonic_ns
    return began_ns, began_ns + max(ends)
