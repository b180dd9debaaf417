"""Following a run that somebody else conducts: for `tail` and `wait`. Changes nothing of it."""

import signal
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.formats.base import Ending, Stream
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.loop import Loop
from vibeguard.system.front.output import Output
from vibeguard.system.front.signals import EXIT_CODES, Signals, stop_here
from vibeguard.system.front.view import View
from vibeguard.system.journal.endings import ending_of
from vibeguard.system.journal.follow import Follower

Enough = Callable[[State], bool]


class Watch(Struct, frozen=True):
    """How long to follow: until `enough` says so, or `deadline` (monotonic seconds) has come.

    `hint` is said at the end if the run goes on then; the seal, once there is one, goes to
    `seal_to`.
    """

    enough: Enough
    deadline: float | None = None
    hint: str = ""
    seal_to: Stream | None = None


def follow(follower: Follower, view: View, output: Output, watch: Watch) -> int:
    """Show the log in `view` until it ends; the exit code of DESIGN section 8.

    A signal ends the command with its own code and leaves the run alone.
    """
    loop, signals = Loop(output), Signals()
    interrupted: list[int] = []
    loop.watch(signals.descriptor, lambda: _hear(signals, view, interrupted))
    view.read(follower)
    while not interrupted and not _over(follower, view, watch, output):
        now = monotonic_s()
        due = [now + min(follower.poll_s, view.tick_period_s()), *_next_look(loop, follower, now)]
        if watch.deadline is not None:
            due.append(watch.deadline)
        loop.turn(min(due))
        view.read(follower)
        view.tick()
    if interrupted:
        view.clear()
        return interrupted[0]
    ending = ending_of(follower.reading(), follower.folder, view.problem)
    if ending.log_status is LogStatus.LIVE:
        ending = replace(ending, hint=watch.hint)
    view.finish(ending)
    if watch.seal_to is not None and follower.seal is not None:
        output.write(watch.seal_to, f"{follower.seal.sha256}\n")
    while output.waiting() and not interrupted:
        loop.turn(monotonic_s() + 1.0)
    return exit_code_of(view, ending)


def exit_code_of(view: View, ending: Ending) -> int:
    """The exit code that an ending means."""
    if ending.exit_code is None:
        return exit_code_so_far(view.state)
    return ending.exit_code


def _next_look(loop: Loop, follower: Follower, now: float) -> list[float]:
    """Be woken when the log changes; where it changes often, when the next look is due."""
    notify, due = follower.fileno(), follower.next_look()
    if notify is None:
        return []
    if now < due:
        loop.forget(notify)
        return [due]
    loop.watch(notify, lambda: None)  # every turn reads
    return []


def _over(follower: Follower, view: View, watch: Watch, output: Output) -> bool:
    if view.problem is not None:
        return not output.is_full()
    enough = watch.enough(view.state)  # asked first: it may object, however the run stands
    if follower.finished:
        return not output.is_full()
    if enough or (watch.deadline is not None and monotonic_s() >= watch.deadline):
        return True
    return follower.writer_gone() is not False and _read_all(view, follower)


def _read_all(view: View, follower: Follower) -> bool:
    """Whether nothing came after the writer was found gone."""
    before = view.state.next_seq
    view.read(follower)
    return view.state.next_seq == before and not follower.finished


def _hear(signals: Signals, view: View, interrupted: list[int]) -> None:
    for number in signals.received():
        if number in EXIT_CODES:
            interrupted.append(EXIT_CODES[number])
        elif number == signal.SIGTSTP:
            view.clear()
            stop_here()
        elif number == signal.SIGWINCH:
            view.resize()
