"""`vibeguard report`."""

import os
from collections.abc import Callable
from hashlib import sha256
from itertools import chain, repeat

from msgspec.structs import replace

from vibeguard.commands.log_options import ReportOptions, only_for_agents
from vibeguard.commands.opening import open_run
from vibeguard.commands.options import GlobalOptions, RunNameOrPath, page_or_document
from vibeguard.commands.page import open_page
from vibeguard.commands.streams import unwritable_is_told, write_err, write_exact, write_out
from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.formats.base import Ending, Format, FormatOptions, Stream
from vibeguard.core.formats.registry import make_format
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.events import CheckAttemptFinished, Event, RunPlanned
from vibeguard.core.model.state import State
from vibeguard.core.problems import LogCorrupt, UsageError
from vibeguard.core.report.config_advice import placement_advice
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.front.shown import format_options
from vibeguard.system.history import load_estimates
from vibeguard.system.journal.creation import LOG_NAME
from vibeguard.system.journal.reader import LogReading, read_log
from vibeguard.system.journal.tamper import altered_output
from vibeguard.system.rundir.files import whole_or_gone
from vibeguard.system.rundir.ids import place_of
from vibeguard.system.rundir.notes import untold
from vibeguard.system.vouching.endings import ending_of

PAGE = "report.html"
PIECE_CHARACTERS = 1 << 20  # a page is said in one piece, by `finish`


def report(
    run: RunNameOrPath = "latest",
    /,
    *,
    common: GlobalOptions,
    options: ReportOptions,
) -> int:
    """Replay a run from its log; run nothing; end with its exit code."""
    form_name = page_or_document(common, options.format, page=options.open)
    folder = _folder_at(run) if os.sep in run else open_run(run, common)
    only_for_agents(options.since, form_name)
    shown = _format_options(folder, form_name, common, options)
    form = make_format(form_name, shown)
    pieces = Pieces(_writer(folder, form, options))
    altered: list[str] = []
    state, reading = _replay(folder, form, pieces, altered if options.verify else None)
    ending = _ending(reading, folder, state, altered, options)
    pieces.add(form.finish(state, ending))
    if options.compare is not None:
        compared = _comparison(state, shown.former(state))
        if form.stream is Stream.HUMAN or form_name == "agent":
            pieces.add(compared)
        else:
            write_err(compared)
    pieces.flush()
    if ending.problem and (form.stream is Stream.MACHINE or options.output is not None):
        write_err(f"vibeguard: {sanitise(ending.problem)}\n")
    if options.print_seal and reading.seal is not None:
        human = form.stream is Stream.HUMAN
        (write_out if human else write_err)(f"{reading.seal.sha256}\n")
    state_dir, _ = place_of(folder)
    for sentence in untold(folder):
        write_err(f"vibeguard: {sanitise(sentence)}\n")
    _warn_of_changes(state)
    _advise(state, state_dir)
    return exit_code_so_far(state) if ending.exit_code is None else ending.exit_code


def _format_options(
    folder: str, form: str, common: GlobalOptions, options: ReportOptions
) -> FormatOptions:
    shown = format_options(
        run_folder=folder, verbose=common.verbose, since=options.since, budget=options.budget
    )
    shown = replace(shown, whole=True)
    if options.compare is not None:
        from vibeguard.system.front.former import former_run  # noqa: PLC0415 - only then

        former = former_run(place_of(folder)[0], options.compare)
        shown = replace(shown, former=former, compare=True)
    if form == "html":
        here = os.getcwd()
        editor = options.editor or os.environ.get("VIBEGUARD_EDITOR", "")
        shown = replace(shown, editor=editor, root=repository_root(here) or here)
    if options.output is not None:
        shown = replace(shown, colour=False, columns=0)  # the terminal is not where it goes
    return shown


def _folder_at(path: str) -> str:
    """The run folder at a path: one that came from elsewhere, as an artifact of CI does."""
    folder = os.path.realpath(path)
    if os.path.basename(folder) == LOG_NAME:
        folder = os.path.dirname(folder)
    if not os.path.isfile(os.path.join(folder, LOG_NAME)):
        raise UsageError(
            f"there is no run at {path}: no {LOG_NAME} in it",
            "name the folder of a run, or a run: vibeguard runs",
        )
    return folder


def _comparison(state: State, before: State | None) -> str:
    """What has changed since another run, in lines."""
    if before is None or before.started is None:
        return "nothing to compare with: no run before this one has finished\n"
    from vibeguard.core.report.comparing import comparison_lines  # noqa: PLC0415 - if asked for

    return "".join(f"{line}\n" for line in comparison_lines(state, before))


class Pieces:
    """What a format says, written in pieces: memory does not grow with the log."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._texts: list[str] = []
        self._characters = 0

    def add(self, text: str) -> None:
        """Some lines more."""
        if text:
            self._texts.append(text)
            self._characters += len(text)
            if self._characters >= PIECE_CHARACTERS:
                self.flush()

    def flush(self) -> None:
        """Write what has not been written."""
        text = "".join(self._texts)
        self._texts.clear()
        self._characters = 0
        self._write(text)


def _replay(
    folder: str, form: Format, pieces: Pieces, altered: list[str] | None
) -> tuple[State, LogReading]:
    """Fold and show every event that can be trusted; `altered`: say which outputs are others."""
    state = State()

    def visit(event: Event) -> None:
        apply(state, event)
        if altered is not None and isinstance(event, CheckAttemptFinished):
            altered.extend(altered_output(folder, event))
        pieces.add(form.feed(state, event))

    return state, read_log(folder, visit)


def _ending(
    reading: LogReading, folder: str, state: State, altered: list[str], options: ReportOptions
) -> Ending:
    """What the reading of the log, and what it is held against, say beside the events."""
    problem = None
    if reading.problem is None:
        seal = "" if reading.seal is None else reading.seal.sha256
        if options.expect_seal is not None and options.expect_seal.strip().lower() != seal:
            problem = LogCorrupt(f"the log's seal is {seal or 'missing'}, not the expected one")
        elif altered:
            problem = LogCorrupt("; ".join(altered))
    return ending_of(reading, folder, state, problem, pinned=options.expect_seal is not None)


def _writer(folder: str, form: Format, options: ReportOptions) -> Callable[[str], None]:
    """Where the text goes: to a page, a file, or the stream of the format."""
    if options.open:
        return lambda text: open_page(text, options.output, os.path.join(folder, PAGE))
    if options.output is None:
        if form.exact:
            return write_exact
        return write_out if form.stream is Stream.MACHINE else write_err
    path = options.output
    modes = chain("w", repeat("a"))

    def write(text: str) -> None:
        with (
            unwritable_is_told(path, "name a file that can be written"),
            open(path, next(modes), encoding="utf-8", errors="backslashreplace") as file,
            whole_or_gone(path),
        ):
            file.write(text)
            file.flush()

    return write


def _warn_of_changes(state: State) -> None:
    """A report may be of another commit or another config than the present ones; say so."""
    started, planned = state.started, state.planned
    if started is None or planned is None:
        return
    changed = _config_change(started.cwd, planned)
    if changed:
        write_err(f"vibeguard: {sanitise(planned.config_path)} {changed} since this run\n")
    if started.vcs is not None and started.vcs.head:
        from vibeguard.system.discovery.vcs import present_head  # noqa: PLC0415 - starts git

        head = present_head(started.cwd, os.environb)
        if head and head != started.vcs.head:
            same = ", of the same tree" if _of_tree(started.vcs, started.cwd) else ""
            write_err(
                f"vibeguard: this run was of commit {started.vcs.head[:12]}; "
                f"the present one is {head[:12]}{same}\n"
            )


def _of_tree(vcs: VersionControl, folder: str) -> bool:
    """Whether the run saw just what the present commit holds: a hook runs before the commit."""
    from vibeguard.system.discovery.vcs import tree_of_commit  # noqa: PLC0415 - starts git

    tree = vcs.tree
    if not tree and not vcs.dirty:
        tree = tree_of_commit(folder, os.environb, vcs.head)
    return tree != "" and tree == tree_of_commit(folder, os.environb, "HEAD")


def _config_change(folder: str, planned: RunPlanned) -> str:
    """What has happened to the config of a run; empty when nothing has, or nobody can tell."""
    path = os.path.join(folder, planned.config_path)
    if os.path.exists(path) and not os.path.isfile(path):
        return ""  # a pipe or a terminal: what it gave then it will not give again
    try:
        with open(path, "rb") as file:
            same = sha256(file.read()).hexdigest() == planned.config_sha256
    except FileNotFoundError:
        return "was removed" if os.path.isdir(folder) else ""  # a log of another machine
    except OSError:
        return ""
    return "" if same else "has changed"


def _advise(state: State, state_dir: str) -> None:
    """Name the checks that history would place elsewhere; they stay where they are."""
    if state.planned is None:
        return
    checks = state.planned.checks
    placed = [(check, check.pool) for check in checks]
    limit = state.planned.settings.async_after_ns
    for sentence in placement_advice(placed, load_estimates(state_dir, checks), limit):
        write_err(f"vibeguard: {sanitise(sentence)}\n")
