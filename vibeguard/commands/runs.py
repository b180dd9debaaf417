"""`vibeguard runs`."""

import os
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from msgspec import Struct

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.columns import columns
from vibeguard.commands.opening import tell_leftovers
from vibeguard.commands.options import GlobalOptions, OpenPage, OutputFile, page_or_document
from vibeguard.commands.page import open_page, write_page
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.commands.streams import write_answer, write_err, write_out
from vibeguard.core.fold.verdict import outcome_counts
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import UsageError
from vibeguard.core.report.conclusion import Ending, exit_code_of
from vibeguard.core.report.tally import settled_in_words
from vibeguard.core.report.unstable import Unstable, unstable_checks
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import MILLISECOND_NS, duration, some
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder, run_ids
from vibeguard.system.vouching.endings import REMOVED, read_run

RunsFormat = Literal["text", "json", "html"]
PAGE = "history.html"


class RunsOptions(Options, frozen=True, kw_only=True):
    """`runs`: all of them, or what they say together."""

    unstable: Annotated[
        bool, Parameter(help="Only the checks that passed and failed on one and the same tree.")
    ] = False
    format: Annotated[
        RunsFormat | None,
        Parameter(help="What to write: text, json, or a page with the history of the runs."),
    ] = None
    output: OutputFile = None
    open: OpenPage = False


class ListedRun(Struct, frozen=True):
    """One run: what its log is, and what it says.

    `state` is live, complete, incomplete or corrupt; `verdict` and `exit_code` are null where the
    log does not say. `counts` are by outcome, whatever the severity. Times of an
    unfinished run end with its last event.
    """

    run_id: str
    state: str
    verdict: str | None
    exit_code: int | None
    started_at: str
    duration_ms: int
    counts: dict[str, int]
    checks: int
    path: str


class RunList(Struct, frozen=True):
    """`runs --json`, newest first."""

    runs: tuple[ListedRun, ...]


class UnstableList(Struct, frozen=True):
    """`runs --unstable --json`: by check, then the newest run first."""

    unstable: tuple[Unstable, ...]


def runs(*, common: GlobalOptions, options: RunsOptions) -> int:
    """List the runs of this folder, newest first."""
    state_dir = state_dir_of_runs(common)
    tell_leftovers(state_dir)
    form = page_or_document(common, options.format, page=options.open)
    if form == "html":
        return _tell_history(state_dir, options)
    if options.output is not None:
        raise UsageError("--output is for --format html", "redirect what is printed")
    if options.unstable:
        return _tell_unstable(state_dir, as_json=form == "json")
    newest_first = reversed(run_ids(state_dir))
    listed = [_listed(*run) for run in _kept(state_dir, newest_first)]
    if not listed and form == "text":
        write_err(f"There are no runs in {sanitise(state_dir)}.\n")
    rows = columns([_row(run, counts) for run, counts in listed])
    write_answer(RunList(tuple(run for run, _ in listed)), rows, as_json=form == "json")
    return 0


def _tell_history(state_dir: str, options: RunsOptions) -> int:
    """The kept runs as a page: to a file, to stdout, or to a browser. Raises UsageError."""
    from vibeguard.core.pages.history import history_page  # noqa: PLC0415 - seldom asked for
    from vibeguard.system.front.assets import read_asset  # noqa: PLC0415

    if options.open and not os.path.isdir(state_dir):
        raise UsageError(f"there is no run in {state_dir}", "start one: vibeguard run")
    page = "".join(history_page([*_told_runs(state_dir)], read_asset("page.css")))
    if options.open:
        open_page(page, options.output, os.path.join(state_dir, PAGE))
    elif options.output is not None:
        write_page(page, os.path.abspath(options.output))
    else:
        write_out(page)
    return 0


def _told_runs(state_dir: str) -> Iterator[tuple[State, str]]:
    """Every run that has begun, the oldest first, with its verdict or the state of its log."""
    for _, state, ending in _kept(state_dir, run_ids(state_dir)):
        status = ending.log_status or LogStatus.INCOMPLETE
        if state.started is not None:
            finished = state.finished if status is LogStatus.COMPLETE else None
            yield state, finished.verdict.value if finished else status.value


def _tell_unstable(state_dir: str, *, as_json: bool) -> int:
    """List what came to both outcomes on one tree; exit 0, whatever there is."""
    found = unstable_checks(_whole_runs(state_dir))
    if not found and not as_json:
        write_err("No check has passed and failed on the same tree in the runs that are kept.\n")
    rows = columns([_unstable_row(one) for one in found])
    write_answer(UnstableList(found), rows, as_json=as_json)
    return 0


def _whole_runs(state_dir: str) -> Iterator[State]:
    for run_id in reversed(run_ids(state_dir)):
        state, reading = open_state(run_folder(state_dir, run_id))
        if reading.status is LogStatus.COMPLETE:
            yield state


def _unstable_row(one: Unstable) -> list[str]:
    counts = f"{one.passed} passed, {one.failed} failed"
    return [one.check, counts, f"tree {one.tree[:12]}", one.last_run, some(one.tests, 3)]


def _kept(state_dir: str, ids: Iterable[str]) -> Iterator[tuple[str, State, Ending]]:
    """The folder of each run, and what it comes to, but of one that is pruned meanwhile."""
    for run_id in ids:
        folder = run_folder(state_dir, run_id)
        state, ending = read_run(folder)
        if ending.problem != REMOVED:
            yield folder, state, ending


def _listed(folder: str, state: State, ending: Ending) -> tuple[ListedRun, str]:
    """The run, and its checks counted in words."""
    status = ending.log_status or LogStatus.INCOMPLETE
    finished = state.finished if status is LogStatus.COMPLETE else None
    run = ListedRun(
        run_id=os.path.basename(folder),
        state=status.value,
        verdict=finished.verdict.value if finished else None,
        exit_code=None if status is LogStatus.LIVE else exit_code_of(state, ending),
        started_at=state.started.wall_time if state.started else "",
        duration_ms=(finished.elapsed_ns if finished else state.last_t) // MILLISECOND_NS,
        counts=outcome_counts(state),
        checks=len(state.checks),
        path=os.path.join(folder, LOG_NAME),
    )
    return run, settled_in_words(state) or "nothing ran" * (finished is not None)


def _row(run: ListedRun, counts: str) -> list[str]:
    took = duration(run.duration_ms * MILLISECOND_NS)
    return [run.run_id, run.verdict or run.state, took, run.started_at, counts]
