"""The reports of an attempt: what stood in their place when it began, and what they say after it.

Whether a report is of this attempt is told by comparing it with what stood there before (inode,
ctime, content), never by comparing clocks: DESIGN section 10.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from io import FileIO
from itertools import islice

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import Findings, ResultsSource, is_pattern
from vibeguard.core.names import StalePolicy
from vibeguard.core.results.base import MakeReader, Sink, UnreadableReport
from vibeguard.core.results.collecting import Collector
from vibeguard.core.results.paths import Places
from vibeguard.core.results.registry import reader_of
from vibeguard.core.results.ruling import Evidence
from vibeguard.core.wording.units import size
from vibeguard.system.clock import today
from vibeguard.system.discovery.filestate import FileState, state_of
from vibeguard.system.discovery.named import named, note_unlisted
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.executors.base import AttemptResult
from vibeguard.system.rundir.files import open_below, open_regular

MOST_BYTES = 256 << 20  # of one report
MOST_FILES = 10_000  # that one pattern names
MOST_GUESSED = 100
CHUNK_BYTES = 256 << 10

Standing = dict[bytes, FileState]  # what stands in the place of reports, by path


def states_of(check: PlannedCheck, folder: str) -> Standing:
    """What stands in the place of each report of a check, by path."""
    in_files = (source for source in check.results if source.file)
    return _states((path for source in in_files for path in _paths(source, folder)), folder)


def _states(paths: Iterable[str], folder: str) -> Standing:
    """What lies at these paths below the folder, as far as it can be opened."""
    states: Standing = {}
    for path in paths:
        with suppress(OSError), _opened(path, folder) as file:
            states[os.fsencode(path)] = state_of(file.fileno())
    return states


def read_reports(
    check: PlannedCheck,
    *,
    folder: str,
    cwd: str,
    output_path: str,
    before: Standing | str,
    returned: AttemptResult | None,
) -> Evidence:
    """Everything that the reports of an attempt say, and what is wrong with them.

    `folder` is what the paths of a config are relative to, `cwd` where the check ran; `before` is
    what `states_of` gave when the attempt began, or why that cannot be told. Of an attempt
    elsewhere what it `returned` counts.
    """
    collector = Collector(_places(folder, cwd, returned))
    if returned is not None:
        folder, names = returned.returned, map(os.fsdecode, returned.unchanged)
        before = _states((os.path.join(folder, name) for name in names), folder)
    problems: list[str] = []
    if isinstance(before, str):
        problems, before = [before], {}
    for source in check.results:
        make = reader_of(source)
        if not source.file:
            problems.extend(
                _read(make, collector.add, partial(_open_output, output_path), "the output")
            )
            continue
        paths = list(_paths(source, folder, partial(note_unlisted, problems)))
        lost = lines_about(source.file, returned.left_out if returned is not None else ())
        problems.extend(lost)
        if len(paths) > MOST_FILES:
            problems.append(f"{source.file} names more than {MOST_FILES:,} files")
        for path in paths[:MOST_FILES]:
            name = os.path.relpath(path, folder)
            known = None if check.stale is StalePolicy.ALLOW else before.get(os.fsencode(path))
            sink = collector.add
            if is_pattern(source.file) or source.reader == "tap":
                sink = collector.apart(name)
            problems.extend(_read(make, sink, partial(_opened, path, folder), name, known))
        if not paths and not lost:
            problems.append(f"no file {source.file}")
    return Evidence(collector.gathered(), tuple(problems[:20]), today=today())


def lines_about(name: str, left_out: Iterable[str]) -> list[str]:
    """What is said of a file, or of what a pattern names, that did not come back."""
    return [line for line in left_out if line.startswith(f"{name}: ")]


def guess(
    make: MakeReader, output: bytes, *, folder: str, cwd: str, result: AttemptResult
) -> Findings | None:
    """What a reader finds in an output that was not declared to hold results, if anything."""
    collector = Collector(_places(folder, cwd, result))
    reader = make(collector.add)
    try:
        reader.feed(output)
        reader.finish()
    except UnreadableReport:
        pass  # nobody said that it could be read
    gathered = collector.gathered()
    if not gathered.results:
        return None
    shown = gathered.results[:MOST_GUESSED]
    left_out = gathered.left_out + len(gathered.results) - len(shown)
    return Findings(guessed=True, results=shown, left_out=left_out)


def _read(
    make: MakeReader,
    sink: Sink,
    opened: Callable[[], FileIO],
    name: str,
    before: FileState | None = None,
) -> Iterator[str]:
    """Read one report; give what is wrong with it."""
    try:
        with opened() as file:
            descriptor = file.fileno()
            if before is not None and state_of(descriptor) == before:
                yield f"{name} is stale: it is as it was before this attempt"
                return
            if os.fstat(descriptor).st_size > MOST_BYTES:
                yield f"{name} is larger than {size(MOST_BYTES)}"
                return
            reader = make(sink)
            while chunk := os.read(descriptor, CHUNK_BYTES):
                reader.feed(chunk)
            reader.finish()
    except UnreadableReport as problem:
        yield f"{name} cannot be read: {problem}"
    except OSError as error:
        yield f"{name} cannot be read: {error.strerror}"


def _paths(
    source: ResultsSource, folder: str, unlisted: Callable[[str, OSError], None] = lambda *_: None
) -> Iterator[str]:
    """The file of a source, or the files that its pattern names, in their order."""
    if "\0" in source.file:
        return
    if not is_pattern(source.file):
        path = os.path.join(folder, source.file)
        if os.path.lexists(path):
            yield path
        return
    found = named(folder, source.file, hidden=False, unlisted=unlisted)
    yield from sorted(os.path.join(folder, name) for name in islice(found, MOST_FILES + 1))


def _opened(path: str, folder: str) -> FileIO:
    return open(open_below(folder, path), "rb", buffering=0)


def _open_output(path: str) -> FileIO:
    return open(open_regular(path), "rb", buffering=0)


def _places(folder: str, cwd: str, result: AttemptResult | None) -> Places:
    repository = repository_root(folder) or folder
    return Places(
        repository,
        cwd,
        lambda path: os.path.isfile(os.path.join(repository, path)),
        elsewhere=os.fsdecode(result.top) if result is not None else "",
    )
