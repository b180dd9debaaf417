"""The one loop of whoever follows a log: `run`, `tail`, `wait`, `tail --check` and a joined run.

It paces the reading, hands over output and knows when all of a log has been shown. `follow` is
what everybody does who watches a run and changes nothing of it; the front that guards a run adds
its own policy (guarding.py).
"""

import contextlib
import signal
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.formats.base import Ending, Stream
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.channel import Sealed
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.signals import EXIT_CODES, Signals, stop_here, take_over_signals
from vibeguard.system.journal.follow import Follower
from vibeguard.system.vouching.endings import ending_of, is_unvouched

Enough = Callable[[State], bool]
# How long a turn lasts at most while nothing but readers of the output is waited for.
DRAIN_S = 1.0
# How often a supervisor is asked whether it vouches for a seal that has been read.
UNVOUCHED_POLL_S = 0.02


class Shown:
    """What a follower makes of a log: a format on a terminal, or the output of one check.

    `state` is the fold of what was read; `problem` is set once the log turned out damaged.
    """

    def __init__(self) -> None:
        self.state = State()
        self.problem: LogCorrupt | None = None

    def read(self, follower: Follower) -> bool:
        """Take in and show what is new, while the readers keep up; whether there was anything."""
        raise NotImplementedError

    def tick(self) -> None:
        """Show what is due because time has passed."""

    def tick_period_s(self) -> float:
        """How often `tick` and `read` are worth calling, whatever else happens."""
        raise NotImplementedError

    def resize(self) -> None:
        """The terminal has another size."""

    def clear(self) -> None:
        """Take away what would be in the way of a message, or of the shell."""

    def finish(self, ending: Ending) -> None:
        """Show the end."""
        raise NotImplementedError


class Following:
    """A log that is shown as it grows."""

    def __init__(self, loop: Loop, follower: Follower, shown: Shown) -> None:
        self.follower = follower
        self.shown = shown
        self.loop = loop

    def read(self) -> bool:
        """Read on now, however often the log changes; whether there was anything new."""
        return self.shown.read(self.follower)

    def turn(self, *deadlines: float) -> None:
        """Wait for a change of the log, for whatever else the loop watches or for a deadline.

        Then show what is new. Deadlines are monotonic seconds; beside them a turn is never longer
        than it takes to notice what announces itself by nothing.
        """
        self.loop.turn(min(*self._own_deadlines(), *deadlines))
        self.read()
        self.shown.tick()

    def all_is_shown(self) -> bool:
        """Whether the log has ended, by its seal, by damage or with its writer, and was shown."""
        ended = self.shown.problem is not None or self.follower.finished
        if not ended and self.follower.writer_gone() is False:
            return False
        return not self.read() and not self.loop.output.is_full()

    def finish(self, ending: Ending, seal_to: Stream | None) -> int:
        """Show how the log ends, and the seal if it is asked for; the exit code of section 8."""
        self.shown.finish(ending)
        believed = ending.log_status is LogStatus.COMPLETE
        if seal_to is not None and self.follower.seal is not None and believed:
            self.loop.output.write(seal_to, f"{self.follower.seal.sha256}\n")
        if ending.exit_code is None:
            return exit_code_so_far(self.shown.state)
        return ending.exit_code

    def close(self) -> None:
        """Follow the log no more; what was shown of it stays."""
        notify = self.follower.fileno()
        if notify is not None:
            self.loop.forget(notify)
        self.follower.close()

    def _own_deadlines(self) -> tuple[float, float]:
        """Have a change of the log end the turn, but where it changes often only after a pause.

        Whoever is woken by every event of thousands of short checks takes the processor from them.
        """
        now = monotonic_s()
        tick = now + self.shown.tick_period_s()
        notify, next_look = self.follower.fileno(), self.follower.next_look()
        if notify is None:
            return tick, max(now + self.follower.poll_s, next_look)
        patience = min(now + self.follower.poll_s, tick)
        if now < next_look:
            self.loop.forget(notify)
            return patience, next_look
        self.loop.watch(notify, lambda: None)  # every turn reads
        return patience, patience


@contextlib.contextmanager
def restored(shown: Shown) -> Iterator[None]:
    """However the following ends, live progress is removed and the cursor is shown again."""
    try:
        yield
    finally:
        shown.clear()


# A log of which a command may end with a code of its own: nothing is wrong with it.
_SOUND = (LogStatus.LIVE, LogStatus.COMPLETE)


def never(_: State) -> bool:
    """Nothing but the end of the run is enough."""
    return False


class Until(Struct, frozen=True):
    """How long to follow: until `enough` says so, or `deadline` (monotonic seconds) has come.

    `hint` is said at the end if the run goes on then; the seal, once there is one, goes to
    `seal_to`. `exit_code` is for a command that does not end with the run's, and so for what it
    shows.
    """

    enough: Enough = never
    deadline: float | None = None
    hint: str = ""
    seal_to: Stream | None = None
    exit_code: int | None = None

    @property
    def deadlines(self) -> list[float]:
        """The deadline, where there is one."""
        return [] if self.deadline is None else [self.deadline]

    def is_late(self) -> bool:
        """Whether the deadline has come."""
        return self.deadline is not None and monotonic_s() >= self.deadline


def follow(follower: Follower, shown: Shown, output: Output, until: Until) -> int:
    """Show the log until it ends; the exit code of DESIGN section 8.

    A signal ends the command, as KeyboardInterrupt with its name, and leaves the run alone.
    """
    signals = take_over_signals()
    try:
        return _follow(Following(Loop(output), follower, shown), signals, until)
    finally:
        signals.give_back()


def _follow(following: Following, signals: Signals, until: Until) -> int:
    loop, follower, shown = following.loop, following.follower, following.shown

    def on_signal(number: signal.Signals) -> None:
        if number in EXIT_CODES:
            raise KeyboardInterrupt(number.name)
        if number == signal.SIGTSTP:
            shown.clear()
            stop_here()
        elif number == signal.SIGWINCH:
            shown.resize()

    loop.watch(signals.descriptor, lambda: signals.dispatch(on_signal))
    with restored(shown):
        following.read()
        while not _is_over(following, until):
            following.turn(*until.deadlines)
        ending = _ending(following)
        while not until.is_late() and is_unvouched(ending, follower.reading()):
            loop.turn(min([monotonic_s() + UNVOUCHED_POLL_S, *until.deadlines]))
            ending = _ending(following)
        if ending.log_status is LogStatus.LIVE:
            ending = replace(ending, hint=until.hint)
        if until.exit_code is not None and ending.log_status in _SOUND:
            ending = replace(ending, exit_code=until.exit_code)
        code = following.finish(ending, until.seal_to)
    while loop.output.waiting():
        loop.turn(monotonic_s() + DRAIN_S)
    return code


def _ending(following: Following) -> Ending:
    follower, shown = following.follower, following.shown
    return ending_of(follower.reading(), follower.folder, shown.state, shown.problem)


def _is_over(following: Following, until: Until) -> bool:
    shown, follower = following.shown, following.follower
    if shown.problem is None:
        enough = until.enough(shown.state)  # asked first: it may object, however the run stands
        if (enough or until.is_late()) and not follower.finished:
            return True
    return following.all_is_shown()


def differences_from(sealed: Sealed | None, view: Shown, follower: Follower) -> str:
    """Where log, seal and the supervisor's word (None: none yet) are not the same; else empty."""
    differences = () if sealed is None else sealed.differences
    if view.problem is not None:
        return "; ".join((_located(view.problem), *differences))
    if sealed is None:
        return ""
    if differences:
        return "; ".join(differences)
    seal, finished = follower.seal, view.state.finished
    if seal is None or finished is None:
        return "the log has no seal, but its supervisor wrote one"
    followed = (seal.sha256, seal.events, finished.exit_code)
    if followed != (sealed.sha256, sealed.events, sealed.exit_code):
        return "the log that was followed is not the one that the supervisor wrote"
    return ""


def _located(problem: LogCorrupt) -> str:
    if not problem.line:
        return problem.what
    return f"line {problem.line}, byte {problem.byte} of the log: {problem.what}"
