"""Flags that select checks by an earlier run or by a change: --failed, --changed and others."""

import os
from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from vibeguard.commands.loading import Loaded
from vibeguard.commands.run_options import Invocation
from vibeguard.core.fold.verdict import failing
from vibeguard.core.names import LogStatus, Outcome, Reason, Verdict
from vibeguard.core.problems import LogCorrupt, UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import some

if TYPE_CHECKING:
    from vibeguard.system.discovery.changes import Changes
    from vibeguard.system.staged.frozen import Frozen

_MOST_LOOKED_AT = 20  # runs, from the newest on


class Narrowing(Struct, frozen=True):
    """The ids of the checks that are left, what selected them in words, and notes for the user.

    `changed` are the changed files, relative to the run's folder; None where they are not known.
    `failing` failed before and goes first. Where `by` is empty, nothing is left out.
    """

    checks: Collection[str] = ()
    by: str = ""
    notes: tuple[str, ...] = ()
    changed: tuple[bytes, ...] | None = None
    failing: Collection[str] = ()


def narrowing(
    loaded: Loaded, state_dir: str, invocation: Invocation, frozen: "Frozen | None"
) -> Narrowing:
    """What the flags leave of the checks. `frozen` is what is staged.

    Raises UsageError for flags that exclude each other, and where nothing can be taken from a run.
    """
    options = invocation.options
    given = [
        flag
        for flag, is_given in (
            ("--failed", options.failed is not None),
            ("--changed", options.changed is not None),
            ("--outstanding", options.outstanding),
            ("--staged", frozen is not None),
        )
        if is_given
    ]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} do not go together", "use one of them")
    if options.failed is not None:
        return _unpassed(options.failed or "latest", loaded, state_dir)
    if frozen is not None:
        from vibeguard.system.discovery.changes import staged  # noqa: PLC0415 - only then

        return _concerned(staged(frozen.root, frozen.environment), "what is staged", loaded)
    if options.changed is not None:
        return _changed(options.changed, loaded)
    if options.outstanding:
        from vibeguard.commands.evidence import evidence_of  # noqa: PLC0415 - seldom asked

        passed = evidence_of(loaded, state_dir).passed
        left = _ids(loaded) - set(passed)
        return Narrowing(left, "what is outstanding on this tree", failing=failing_in(state_dir))
    return Narrowing()


def failing_in(state_dir: str) -> frozenset[str]:
    """What failed in the newest finished run; it only decides an order, and is not verified."""
    from vibeguard.system.journal.reader import open_state  # noqa: PLC0415
    from vibeguard.system.rundir.ids import run_folder  # noqa: PLC0415
    from vibeguard.system.vouching.known import known_runs  # noqa: PLC0415

    for run in islice(reversed(known_runs(state_dir)), _MOST_LOOKED_AT):
        try:
            state, _ = open_state(run_folder(state_dir, run))
        except LogCorrupt:  # whoever reports on that run will say so
            continue
        if state.finished is not None:
            return failing(state)
    return frozenset()


def _unpassed(reference: str, loaded: Loaded, state_dir: str) -> Narrowing:
    """The checks that did not pass in a run; what that run left out is not among them."""
    from vibeguard.system.rundir.ids import place_of  # noqa: PLC0415
    from vibeguard.system.vouching.endings import read_run  # noqa: PLC0415
    from vibeguard.system.vouching.known import find_run  # noqa: PLC0415

    # A start that was refused since has run nothing: what failed before it is what failed.
    folder = find_run(state_dir, reference)
    _, run = place_of(folder)
    state, ending = read_run(folder)
    if ending.log_status is LogStatus.CORRUPT:
        raise LogCorrupt(f"run {run} cannot be taken from: {ending.problem}")
    if state.finished is not None and state.finished.verdict is Verdict.PASSED:
        if ending.log_status is not LogStatus.COMPLETE:
            raise UsageError(f"run {run} has no verdict: {ending.problem}", "leave out --failed")
        if not state.checks:
            what = f"run {run} ran nothing, for nothing was concerned"
            raise UsageError(what, "name the run that is meant: vibeguard runs")
        raise UsageError(f"run {run} passed: nothing of it is left to run", "leave out --failed")
    left = [
        record.planned.confirms or name
        for name, record in state.checks.items()
        if record.outcome is not Outcome.PASSED and record.reason is not Reason.NOTHING_TO_CONFIRM
    ]
    known = _ids(loaded)
    gone = [name for name in left if name not in known]
    notes = (f"not in the config any more: {some(gone, 5)}",) if gone else ()
    checks = frozenset(left) & known
    if not checks:
        what = f"none of the checks that did not pass in run {run} is in the config any more"
        raise UsageError(what, "leave out --failed")
    by = f"what did not pass in run {run}"
    return Narrowing(checks, by, notes, failing=failing(state))


def _changed(ref: str, loaded: Loaded) -> Narrowing:
    from vibeguard.system.discovery.changes import Changes, changed_since, ignores  # noqa: PLC0415
    from vibeguard.system.discovery.environment import caller_environment  # noqa: PLC0415

    environment = caller_environment()
    changes = changed_since(loaded.located.folder, environment, ref)
    if not changes.unknown and any(ignores(changes.root, environment, f) for f in loaded.files):
        changes = Changes(changes.root, unknown="git ignores the config, which may have changed")
    by = f"what changed since {sanitise(changes.base)}" if changes.base else "what changed"
    return _concerned(changes, by, loaded)


def _concerned(changes: "Changes", by: str, loaded: Loaded) -> Narrowing:
    """The checks that a change concerns; all where git cannot tell, or the config has changed."""
    from vibeguard.core.planning.concerned import concerned  # noqa: PLC0415 - only with a change
    from vibeguard.system.reuse.naming import called_from  # noqa: PLC0415

    located = loaded.located
    root = os.path.realpath(changes.root)
    names = [os.fsencode(os.path.relpath(name, root)) for name in _names_of_config(loaded)]
    unknown = changes.unknown
    if not unknown and any(name.startswith(b"../") for name in names):
        unknown = "the config is not in the repository"
    if not unknown and not changes.paths.isdisjoint(names):
        unknown = "the config itself has changed"
    if unknown:
        return Narrowing(_ids(loaded), by, (f"nothing is left out: {unknown}",))
    checks = loaded.config.checks
    folder, start = os.fsencode(located.folder), os.fsencode(changes.root)
    paths = tuple(called_from(folder, start, sorted(changes.paths)))
    return Narrowing(
        concerned(
            {check.id: check.files or check.inputs for check in checks},
            {check.id: [entry.check for entry in check.requires] for check in checks},
            paths,
        ),
        by,
        tuple(folders_among_patterns(loaded)),
        changed=paths,
    )


def _names_of_config(loaded: Loaded) -> Iterator[str]:
    """Where the config lies: by the names that it is read by, which may be links, and in truth."""
    for path in loaded.files:
        folder, name = os.path.split(path)
        yield os.path.join(os.path.realpath(folder), name)
        yield os.path.realpath(path)


def folders_among_patterns(loaded: Loaded) -> Iterator[str]:
    """Sentences on patterns that name a folder, and so none of the files in it."""
    for check in loaded.config.checks:
        lists = {"files": check.files, "inputs": check.inputs, "outputs": check.outputs or ()}
        for key, pattern in ((key, p) for key, patterns in lists.items() for p in patterns):
            if pattern[-1:] != "/" and os.path.isdir(os.path.join(loaded.located.folder, pattern)):
                yield f"{pattern} in {key} of {check.id} means no file of that folder: {pattern}/**"


def _ids(loaded: Loaded) -> frozenset[str]:
    return frozenset(check.id for check in loaded.config.checks)
