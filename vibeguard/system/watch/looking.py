"""The process that looks at the tree, so that no key and no signal waits for a large one.

It looks when there is a hint and when it is asked, and now and then all the same. Looking takes a
twentieth of a core at most while nothing changes, and a tenth while hints come one after another,
unless that were a rest of more than ten seconds; the first hints after a rest are looked into at
once.
"""

import os
import select
import signal
from typing import Final

import msgspec

from vibeguard.system.clock import monotonic_s, sleep_s
from vibeguard.system.detach import in_a_child_with_pipe, signal_when_orphaned
from vibeguard.system.ending_signals import ignore
from vibeguard.system.front.signals import leave_to_the_parent
from vibeguard.system.rundir.files import write_all
from vibeguard.system.watch.hints import Hints
from vibeguard.system.watch.seen_tree import Tree, TreeUnknown

HINTED_PERIOD_S: Final = 1.0
POLL_PERIOD_S: Final = 0.2
IDLE_SHARE: Final = 20  # one part of looking in so many
BUSY_SHARE: Final = 10
CREDIT_S: Final = 1.0  # so much rest can be used up at once
LONGEST_REST_S: Final = 10.0  # on a busy machine looks take long that cost little
STILL_S: Final = 0.015  # a tree that did not change for so long is reported
MOST_LOOKS: Final = 8  # then it is reported as it is
PARTING_BOUND_S: Final = 2.0
_CHUNK: Final = 1 << 16
_LEAVE: Final = signal.SIGUSR1  # SIGKILL would leave a git alive that does not answer


class Look(msgspec.Struct, frozen=True):
    """What one look has brought. It began after the `answers`th question had come."""

    changed: tuple[tuple[bytes, int], ...] = ()
    answers: int = 0
    problem: str = ""


class Looker(msgspec.Struct):
    """The other process, as the loop of `watch` knows it. `descriptor` is readable for looks."""

    descriptor: int
    questions: int
    pid: int
    asked: int = 0
    buffer: bytes = b""

    def ask(self) -> int:
        """Have the tree looked at now; the number of the question."""
        self.asked += 1
        os.write(self.questions, b"?")
        return self.asked

    def read(self) -> list[Look] | None:
        """The looks that have come; None when there will be none any more."""
        data = os.read(self.descriptor, _CHUNK)
        if not data:
            return None
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        return [msgspec.json.decode(line, type=Look) for line in lines]

    def end(self) -> None:
        """End the process, and the git that it asks; harmless when it has ended."""
        os.close(self.questions)
        os.kill(self.pid, _LEAVE)
        bound = monotonic_s() + PARTING_BOUND_S
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        while poller.poll(max(0.0, bound - monotonic_s()) * 1000) and os.read(
            self.descriptor, _CHUNK
        ):
            pass  # what it has seen last is wanted by nobody
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def start_looking(tree: Tree) -> Looker:
    """Start the process that looks at the tree."""
    questions_read, questions_write = os.pipe()

    def look_on(looks: int) -> None:
        os.close(questions_write)
        # A signal to the whole group is the parent's; whose end ends this process.
        leave_to_the_parent()
        ignore()
        signal.signal(_LEAVE, _leave)
        signal_when_orphaned(_LEAVE)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        _look_on(tree, looks, questions_read)

    pid, looks = in_a_child_with_pipe(look_on)
    os.close(questions_read)
    return Looker(looks, questions_write, pid)


def _leave(*_: object) -> None:
    raise SystemExit


def _look_on(tree: Tree, looks: int, questions: int) -> None:
    """Look until the parent has gone."""
    hints, asked, told = Hints(), 0, Look(answers=-1)
    rested = 0.0  # the moment when the looks so far have had their rest
    while True:
        began = monotonic_s()
        look = _still_look(tree, asked)
        if look.changed or (look.answers, look.problem) != (told.answers, told.problem):
            write_all(looks, msgspec.json.encode(look) + b"\n")
            told = look
        # What was written to a new folder before it was watched is seen by one look more.
        again = hints.follow(tree.folders())
        took_s = monotonic_s() - began
        rested = rested_after(rested, began, took_s)
        answered = 0 if again else _wait(hints, questions, rested, took_s * IDLE_SHARE)
        if answered is None:
            return
        asked += answered


def rested_after(rested: float, began: float, took_s: float) -> float:
    """When a look that began then has had its rest, too: after that of the looks before it."""
    due = max(rested, began - CREDIT_S) + took_s * BUSY_SHARE
    return min(due, began + took_s + LONGEST_REST_S)


def _still_look(tree: Tree, asked: int) -> Look:
    """Look until nothing has changed for a moment: a branch that is switched is one change."""
    changed: dict[bytes, int] = {}
    try:
        for _ in range(MOST_LOOKS):
            fresh = tree.look()
            if not fresh:
                break
            changed.update(fresh)
            sleep_s(STILL_S)
    except TreeUnknown as why:
        return Look(tuple(changed.items()), asked, str(why))
    return Look(tuple(changed.items()), asked)


def _wait(hints: Hints, questions: int, rested: float, idle_s: float) -> int | None:
    """Wait until it is worth looking again; the number of questions that came, None at the end.

    That is for a hint, but not before `rested` (monotonic seconds), and for `idle_s` without any.
    """
    period_s = POLL_PERIOD_S if hints.descriptor is None else HINTED_PERIOD_S
    idle_until = monotonic_s() + max(period_s, idle_s)
    for descriptor, until in ((None, rested), (hints.descriptor, max(rested, idle_until))):
        poller = select.poll()
        poller.register(questions, select.POLLIN)
        if descriptor is not None:
            poller.register(descriptor, select.POLLIN)
        ready = {found for found, _ in poller.poll(max(0.0, until - monotonic_s()) * 1000)}
        if questions in ready:
            return len(os.read(questions, _CHUNK)) or None
        if ready:
            break
    hints.drain()
    return 0
