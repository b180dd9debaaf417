"""How a run stands when its reader stops reading: verdict, exit code, what is wrong, its files."""

from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from vibeguard.core.fold.verdict import exit_code_so_far, fails_the_run
from vibeguard.core.model.event_parts import TreeChange
from vibeguard.core.model.events import RunFinished
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, ExitCode, LogStatus, StagedWay, Verdict
from vibeguard.core.report.reasons import shown_status
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.sentences import cancelled_because
from vibeguard.core.wording.units import some


class Ending(Struct, frozen=True):
    """What the reader of the log knows when it stops reading, and the events do not tell.

    `exit_code` is what the command will exit with; None means as the events say. `problem` says in
    a sentence what is wrong with the log, `hint` what the user can do to see the rest. `elapsed_ns`
    is how long a live run has been going on.
    """

    exit_code: int | None = None
    log_status: LogStatus | None = None
    problem: str = ""
    hint: str = ""
    elapsed_ns: int | None = None


NOTHING_MORE = Ending()


def exit_code_of(state: State, ending: Ending) -> int:
    """What the command that shows this exits with (DESIGN section 8)."""
    if ending.exit_code is not None:
        return ending.exit_code
    if ending.log_status is LogStatus.CORRUPT:
        return ExitCode.CORRUPT
    if ending.log_status is LogStatus.INCOMPLETE:
        return ExitCode.INCOMPLETE
    code = exit_code_so_far(state)
    unsealed = verdict_event(state, ending) is None
    return ExitCode.PENDING if unsealed and code == ExitCode.PASSED else code


def verdict_event(state: State, ending: Ending) -> RunFinished | None:
    """The event with the run's verdict; None unless the log that holds it is sealed.

    A supervisor may be killed between this event and the seal, and bytes after the seal are damage:
    such a run has no verdict (DESIGN section 6). An unknown log status means a whole log.
    """
    return state.finished if ending.log_status in (None, LogStatus.COMPLETE) else None


def run_problem(state: State, ending: Ending) -> str:
    """What is wrong with the run as a whole, which no check would show; untrusted, as it is."""
    if ending.problem:
        return ending.problem
    finished = verdict_event(state, ending)
    if finished is None:
        left = len(state.checks) - state.settled
        yet = " yet" if ending.log_status is LogStatus.LIVE else ""
        return f"the run has no verdict{yet}: {left} of {len(state.checks)} checks have not settled"
    if finished.verdict is Verdict.PASSED:
        return ""  # that nothing was concerned is a reason, and no trouble
    if finished.verdict is Verdict.CANCELLED and state.cancel is not None:
        return f"the run was cancelled {cancelled_because(state.cancel.reason, state.cancel.by)}"
    return finished.reason or _failed_without_a_failure(state)


def _failed_without_a_failure(state: State) -> str:
    """What fails a run in which no check failed: one was skipped because of a mere warning."""
    lost = [record for record in state.checks.values() if fails_the_run(record)]
    if any(record.outcome in UNPASSED for record in lost):
        return ""
    names = some([f"{record.planned.id} {shown_status(record)}" for record in lost], 5)
    return f"the run failed, since not every check passed: {names}"


def output_path(record: CheckRecord, run_folder: str) -> str:
    """Where the whole output of the last attempt is; empty when there is none."""
    return _in(run_folder, record.finished.output_path if record.finished else "")


def patch_path(state: State, run_folder: str) -> str:
    """Where the patch of a run with --staged is; empty where there is none."""
    return _in(run_folder, state.finished.patch if state.finished else "")


def _in(run_folder: str, path: str) -> str:
    if not path or path.startswith("/") or not run_folder:
        return path
    return f"{run_folder.rstrip('/')}/{path}"


def changed_meanwhile(state: State) -> TreeChange | None:
    """What is known of files that changed during the run; None where none did."""
    return state.finished.changed if state.finished else None


def about(state: State) -> str:
    """What the last line of a run adds: what was checked, and what was changed meanwhile."""
    return what_was_checked(state) + what_was_changed(state)


def what_was_checked(state: State) -> str:
    """Half a sentence for a run of what is staged, and where it was laid out; else empty."""
    view = state.started.staged if state.started else None
    if view is None:
        return ""
    if view.way is StagedWay.NAMESPACE:
        return "; of what is staged, at its own path"
    return f"; of what is staged, in a copy ({sanitise(view.why)})"


def what_was_changed(state: State) -> str:
    """Half a sentence that names files that were changed meanwhile; empty where none were."""
    found = changed_meanwhile(state)
    if found is None:
        return ""
    if found.untold:
        return f"; whether files were changed is not known ({sanitise(found.untold)})"
    more = f" and {found.left_out} more" if found.left_out else ""
    return f"; changed by checks or by somebody else: {sanitise(', '.join(found.files))}{more}"


def patch_lines(state: State, run_folder: str) -> Iterator[str]:
    """How to stage what checks have made of staged files, where they have."""
    path = patch_path(state, run_folder)
    if path:
        yield sanitise(
            f"checks changed staged files; to stage that: git apply --cached {quote(path)}"
        )
