"""`vibeguard evidence`: whether every check of the present config passed on this tree."""

import os
from collections.abc import Iterator
from hashlib import sha256

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.loading import Loaded, load
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_answer
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus, Outcome
from vibeguard.core.report.evidence import Evidence, evidence_line, exit_code_for, is_of, proven
from vibeguard.core.reuse.checked import inputs_of_reusable
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.environment import caller_environment
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.reader import open_state
from vibeguard.system.reuse.tree import Extent, tree_identity, written_since
from vibeguard.system.rundir.ids import run_folder
from vibeguard.system.vouching.endings import ending_of, read_run
from vibeguard.system.vouching.known import known_runs

_MOST_CHANGED = 20


def evidence(*, common: GlobalOptions) -> int:
    """Say in one line what is proven of this tree; 0 verified, 1 partly, 3 nothing is known."""
    answer = evidence_of(load(common), state_dir_of_runs(common))
    write_answer(answer, [evidence_line(answer)], as_json=common.json)
    return answer.exit_code


def evidence_of(loaded: Loaded, state_dir: str) -> Evidence:
    """What the runs of this state folder prove of the present tree and config."""
    digest = sha256(loaded.data).hexdigest()
    now = present_tree(loaded, state_dir)
    found = proven(_runs_of(loaded, digest, state_dir, now))
    outcomes = found.outcomes
    names = [check.id for check in loaded.config.checks]
    passed = tuple(name for name in names if outcomes.get(name) is Outcome.PASSED)
    not_passed = tuple(name for name in names if name in outcomes and name not in passed)
    nothing = ("", ())
    reason, changed = nothing if outcomes else _why_not(loaded, digest, state_dir, now)
    code = exit_code_for(passed, not_passed, len(names))
    return Evidence(
        verified=code == 0,
        exit_code=code,
        tree=now.content if now else "",
        config_sha256=digest,
        total=len(names),
        passed=passed,
        not_passed=not_passed,
        unknown=tuple(name for name in names if name not in outcomes),
        runs=found.runs,
        reused=tuple(name for name in passed if name in found.reused),
        changed=changed,
        reason=reason,
    )


def present_tree(loaded: Loaded, state_dir: str) -> VersionControl | None:
    """The identity of the present tree, every byte of it read; None where that is not known."""
    inputs = inputs_of_reusable(loaded.config)
    extent = Extent(loaded.located.folder, caller_environment(), state_dir, inputs)
    return tree_identity(extent)


def _runs_of(
    loaded: Loaded, config_sha256: str, state_dir: str, now: VersionControl | None
) -> Iterator[State]:
    """The whole, vouched runs of this config on this tree, newest first."""
    if now is None:
        return
    for run_id in reversed(known_runs(state_dir)):
        folder = run_folder(state_dir, run_id)
        state, reading = open_state(folder)
        if not is_of(state, config_sha256, loaded.config.checks, now):
            continue
        if ending_of(reading, folder, state).log_status is LogStatus.COMPLETE:
            yield state


def _why_not(
    loaded: Loaded, config_sha256: str, state_dir: str, now: VersionControl | None
) -> tuple[str, tuple[str, ...]]:
    """Why nothing is known of this tree, and what was written since the newest run."""
    if now is None:
        return "what is in this tree cannot be told: git or a file of it gives no answer", ()
    runs = known_runs(state_dir)
    if not runs:
        return "nothing has been run here: vibeguard run", ()
    folder = run_folder(state_dir, runs[-1])
    state, ending = read_run(folder)
    if ending.log_status is LogStatus.LIVE:
        return f"run {runs[-1]} goes on: vibeguard wait {runs[-1]}", ()
    if ending.log_status is not LogStatus.COMPLETE:
        return f"run {runs[-1]} proves nothing: {ending.problem}", ()
    if is_of(state, config_sha256, loaded.config.checks, now):
        what = "no check of it ran to its end on all of its files"
        return f"run {runs[-1]} is of this tree, and {what}", ()
    began = state.vcs
    if began is None or not began.content:
        what = f"run {runs[-1]} did not record its tree"
        return f"{what}: vibeguard run --record-tree", ()
    log = os.path.join(folder, LOG_NAME)
    written = written_since(loaded.located.folder, caller_environment(), log, state_dir)
    changed = tuple(sanitise(os.fsdecode(path)) for path in written[:_MOST_CHANGED])
    shown = ", ".join(changed[:3])
    more = f" and {len(written) - 3} more" if len(written) > 3 else ""
    what = f"written since: {shown}{more}" if changed else "the tree or the config is another"
    return f"run {runs[-1]} is of another tree or config; {what}", changed
