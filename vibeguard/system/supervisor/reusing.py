"""What a run reuses and records: looked up when checks become ready, written once it is sealed."""

import os
from collections.abc import Callable, Mapping
from functools import partial

from msgspec import msgpack
from msgspec.structs import replace

from vibeguard.core.model.differing import Differing
from vibeguard.core.model.events import CheckReused
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import UNPASSED, CheckState, Outcome
from vibeguard.core.reuse.record import Record, why_never
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.differing import ask_ahead, differing
from vibeguard.system.discovery.vcs import TIMEOUT_S
from vibeguard.system.reuse.lookup import LOOK_UP_S, Before, Found, look_up, prove
from vibeguard.system.reuse.moment import Subject, subject_of
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.standing import is_plain_pass, lost_something
from vibeguard.system.supervisor.aftermath import remembers_bytes, wants_changes
from vibeguard.system.supervisor.host import CutShort, Fork

Answer = tuple[tuple[Record, ...], Differing | None]


class Reusing:
    """The passes that a run rests on, and those that it leaves to later ones."""

    def __init__(self, launch: Launch, fork: Fork, found: Found | None) -> None:
        """`found` is what has been looked up already."""
        self._subject = subject_of(launch)
        self._fork = fork
        self._decided: dict[str, CheckReused] = dict(found.passes) if found else {}
        self._before: dict[str, Before] = dict(found.before) if found else {}
        self._looked_up = frozenset(found.ready if found else ())
        self._unproven: list[str] = []
        self._proven: list[Record] = []
        self._launch = launch
        self.at_the_end: Differing | None = None  # once nothing of the run can be written any more

    @property
    def checks(self) -> frozenset[str]:
        """The checks whose passes may be reused, in this run or a later one."""
        return frozenset(c for c, planned in self._subject.checks.items() if not why_never(planned))

    def decided(self, check: str) -> CheckReused | None:
        """The pass that stands for a check, where that was decided with what it requires."""
        return self._decided.get(check)

    async def look_up(self, checks: tuple[str, ...], state: State) -> None:
        """Decide for these ready checks, and take down what the others depend on.

        Where files cannot be read, or it takes too long, nothing stands for them.
        """
        unknown = [check for check in checks if check not in self._looked_up]
        if not unknown:
            return
        passed = [c for c, record in state.checks.items() if record.outcome is Outcome.PASSED]
        settled = [c for c, r in state.checks.items() if r.state is CheckState.SETTLED]
        answer = await self._forked(partial(look_up, self._subject, unknown, passed, settled))
        found = msgpack.decode(answer, type=Found) if answer else Found()
        self._decided.update(found.passes)
        self._before.update(found.before)

    def forget_contradicted(self, settled: CheckRecord) -> None:
        """Forget the passes that this check, or the one that it confirms, had under its key."""
        if not _contradicts(settled):
            return
        records = Records(self._subject.state_dir)
        before = self._before.get(settled.planned.id)
        if before is not None:
            records.forget(settled.planned.id, before.key)
        reused = self._decided.get(settled.planned.confirms)
        if reused is not None:
            records.forget(settled.planned.confirms, reused.key)

    def note_passed(self, check: str) -> bool:
        """A check that ran has passed. Whether `prove` is to be called, which it is not yet."""
        if check not in self._before:
            return False
        self._unproven.append(check)
        return len(self._unproven) == 1

    async def prove(self, state: State) -> None:
        """Look whether what the passed checks depend on is as it was before they ran.

        Where no check of the run is left, git is asked what has become of its files as well.
        """
        while self._unproven:
            passes = {check: self._before[check] for check in self._unproven}
            last = state.settled == len(state.checks) and wants_changes(state)
            work = partial(_prove, self._launch, self._subject, passes, last)
            answer = await self._forked(work)
            self._unproven = [check for check in self._unproven if check not in passes]
            if answer:
                proven, self.at_the_end = msgpack.decode(answer, type=Answer)
                self._proven += proven

    def keep(self, state: State, seal: str) -> None:
        """The run is sealed: record its passes. Raises OSError."""
        if lost_something(state):
            return
        records = Records(self._subject.state_dir)
        run = state.run_id
        for record in self._proven:
            if is_plain_pass(state.checks[record.check]):
                records.write(replace(record, run=run, seal=seal))

    async def _forked(self, work: Callable[[], object]) -> bytes:
        try:
            return await self._fork(lambda: msgpack.encode(work()), LOOK_UP_S)
        except (CutShort, OSError):
            return b""


def _prove(launch: Launch, subject: Subject, passes: Mapping[str, Before], last: bool) -> Answer:
    """Prove the passes, and have git look meanwhile at the tree that the run leaves."""
    if not last or launch.differing is None or remembers_bytes(launch):
        return prove(subject, passes), None
    folder, environment = os.fsdecode(launch.folder), launch.environment
    ahead = ask_ahead(folder, environment)
    try:
        return prove(subject, passes), differing(folder, environment, TIMEOUT_S, ahead)
    finally:
        if ahead is not None:
            ahead.discard()


def _contradicts(check: CheckRecord) -> bool:
    """Whether an attempt of the check did not pass."""
    return check.flaky or check.outcome in UNPASSED
