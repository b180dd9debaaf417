"""The machine of `watch`: it is fed what is seen and says what comes next. No clock, no process.

A change supersedes the run that goes on: it is cancelled, its end is awaited, another starts. What
changes while checks run may be their own writing, and nothing tells who wrote a file; so:

- Only what was written between the start of the run and the end of its last check can be theirs.
- A file that changed during the run before as well, and was never seen to change between runs, is a
  suspect. Suspects alone do not end a run: it goes on to its end, and another follows it.
- What has changed during three whole runs, one after another, is taken for the checks' own, which
  is said. Such a file starts nothing any more, until it changes between runs.
- After thirty runs, one after another, during which anything changed, every file is a suspect: a
  check that writes another file each time comes to rest as well.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

WHOLE_RUNS = 3
RESTLESS_RUNS = 30
COARSEST_TICK_NS = 10_000_000  # a time stamp may lie so far before the moment of the writing


class Key(StrEnum):
    """What a person asks for."""

    RERUN = "r"
    FAILED = "f"
    QUIT = "q"


class TreeSeen(Struct, frozen=True):
    """The tree has been looked at: where it differs from the last look.

    For each path when it was written, in ns of wall-clock time; 0 where that is not known.
    """

    changed: Mapping[bytes, int] = {}


class RunEnded(Struct, frozen=True):
    """A run is over, and nothing of it is left; the tree has been looked at since.

    `passed` is None where there is no verdict: a config that is wrong, a run that was cancelled.
    Checks ran from `began_ns` to `over_ns` of wall-clock time; both are 0 if none did. Of a
    `problem` people were told instead of a verdict.
    """

    passed: bool | None
    failing: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()
    began_ns: int = 0
    over_ns: int = 0
    problem: bool = False

    def may_have_written(self, written_ns: int) -> bool:
        """Whether a check of this run can have written a file at that time."""
        if written_ns == 0:
            return True
        return self.began_ns - COARSEST_TICK_NS <= written_ns <= self.over_ns


class Interrupted(Struct, frozen=True):
    """A signal asks for the end; with the exit code that it means."""

    signal: str
    exit_code: int


class Start(Struct, frozen=True):
    """Start a run, of what fails alone if `failed_only`. What fails (None: unknown) goes first.

    `quiet`: a pass is no news.
    """

    failing: frozenset[str] | None = None
    failed_only: bool = False
    quiet: bool = False


class Cancel(Struct, frozen=True):
    """Have the run that goes on end, as by this signal."""

    signal: str = "SIGTERM"


class Say(Struct, frozen=True):
    """Tell people: the first words, and the paths that they are about."""

    text: str
    paths: tuple[bytes, ...] = ()


class Quit(Struct, frozen=True):
    """It is over."""

    exit_code: int


Fact = TreeSeen | RunEnded | Interrupted | Key
Move = Start | Cancel | Say | Quit

OWN_WRITING = "changed during each of the last runs, taken for a check's own writing"
NOTHING_FAILED = "nothing has failed: r runs everything again"


class _Run(Struct):
    """The run that goes on, and what has changed since its start."""

    failed_only: bool
    changed: dict[bytes, int]
    cancelled: bool = False


class Watch:
    """Feed it facts as they come; carry out moves until there is none."""

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self._moves: deque[Move] = deque()
        self._exit_code: int | None = None
        self._over = False
        self._tree_is_known = False
        self._run: _Run | None = None
        self._wanted: Key | None = None  # RERUN is of everything, whoever wants it
        self._failing: frozenset[str] | None = None
        self._green = False  # what was told last
        self._before: set[bytes] = set()  # what changed during the run before
        self._restless = 0  # runs, one after another, during which something changed
        self._whole: dict[bytes, int] = {}  # whole ones, one after another, by what changed
        self._edited: set[bytes] = set()  # seen to change between runs
        self._own: set[bytes] = set()

    def feed(self, fact: Fact) -> None:
        """Take note of what has happened."""
        match fact:
            case TreeSeen():
                self._tree_seen(fact.changed)
            case RunEnded():
                self._run_ended(fact)
            case Interrupted():
                self._quit(fact.exit_code, fact.signal)
            case Key.QUIT:
                self._quit(0, "SIGTERM")
            case Key.RERUN | Key.FAILED:
                self._asked_for(fact)

    def next_move(self) -> Move | None:
        """What comes next; None: wait for the next fact."""
        if self._moves:
            return self._moves.popleft()
        if self._run is not None:
            return None
        if self._exit_code is not None and not self._over:
            self._over = True
            return Quit(self._exit_code)
        if self._wanted is None or self._over:
            return None
        if self._wanted is Key.FAILED and not self._failing:
            self._wanted = None
            return Say(NOTHING_FAILED)
        failed_only, self._wanted = self._wanted is Key.FAILED, None
        self._run = _Run(failed_only, {})
        return Start(self._failing, failed_only, self._green)

    def _tree_seen(self, changed: Mapping[bytes, int]) -> None:
        run = self._run
        if not self._tree_is_known:
            self._tree_is_known = True
            self._wanted = Key.RERUN
        elif run is not None:
            run.changed.update(changed)
            if not run.cancelled and not all(map(self._may_be_written, run.changed)):
                self._cancel(run, "SIGTERM")
        elif changed:
            self._edit(changed)

    def _edit(self, paths: Iterable[bytes]) -> None:
        """Somebody has changed these files who is no check."""
        self._edited.update(paths)
        self._own.difference_update(paths)
        self._forget()
        self._wanted = Key.RERUN

    def _may_be_written(self, path: bytes) -> bool:
        """Whether a change of this file alone does not end the run: it is a suspect, or known."""
        if path in self._own:
            return True
        unedited = path in self._before and path not in self._edited
        return unedited or self._restless >= RESTLESS_RUNS

    def _forget(self) -> None:
        """Nothing is suspect any more."""
        self._before, self._whole, self._restless = set(), {}, 0

    def _run_ended(self, fact: RunEnded) -> None:
        """Learn from a run that is over who wrote what has changed, and whether another follows."""
        run, self._run = self._run, None
        if run is None:
            raise ValueError("no run goes on")
        if fact.failing or fact.passing:
            self._failing = (self._failing or frozenset()) - fact.passing | fact.failing
        if not run.cancelled:
            self._green = bool(fact.passed) and not run.failed_only
        elif fact.failing or fact.problem:
            self._green = False  # it was told, though the run had no verdict
        edited = {path for path, at in run.changed.items() if not fact.may_have_written(at)}
        changed = run.changed.keys() - edited - self._own
        if edited:
            self._edit(edited)
        elif not changed:
            self._forget()
        else:
            self._repeat(changed, whole=not run.cancelled)

    def _repeat(self, changed: set[bytes], *, whole: bool) -> None:
        """The run was not of one tree: another, or it is a check that does it every time."""
        before = self._whole if whole else {}
        self._before = changed
        self._restless += 1
        self._whole = {path: before.get(path, 0) + 1 for path in changed} if whole else {}
        settled = whole and min(self._whole.values()) >= WHOLE_RUNS
        if not settled and self._restless < RESTLESS_RUNS + WHOLE_RUNS:
            self._wanted = Key.RERUN
            return
        self._forget()
        self._own |= changed
        self._moves.append(Say(OWN_WRITING, tuple(sorted(changed))))

    def _asked_for(self, key: Key) -> None:
        self._wanted = key
        if key is Key.FAILED and not self._failing:
            return  # the run that goes on may find something
        self._green = False  # who asks wants an answer
        if self._run is not None and not self._run.cancelled:
            self._cancel(self._run, "SIGTERM")

    def _quit(self, exit_code: int, signal: str) -> None:
        """The first code stays; each further signal is passed on, for it ends all patience."""
        if self._exit_code is None:
            self._exit_code = exit_code
        if self._run is not None:
            self._cancel(self._run, signal)

    def _cancel(self, run: _Run, signal: str) -> None:
        run.cancelled = True
        self._moves.append(Cancel(signal))
