"""Holds checks with `on_change: fail` to what they say: they leave the files of the tree alone.

Nothing else runs beside such a check (`core.scheduling.slots`), so that what differs between its
start and its end was its own doing, or somebody's outside.
"""

import os
from collections.abc import Callable
from typing import Final

import msgspec

from vibeguard.core.judge import Judgement, changed_files, unknown_changes
from vibeguard.core.model.plan import PlannedCheck, stands_alone
from vibeguard.core.names import Outcome
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.differing import Named
from vibeguard.system.reuse import left_alone
from vibeguard.system.reuse.left_alone import Look
from vibeguard.system.rundir.files import told
from vibeguard.system.supervisor.host import CutShort, Fork

# Here it decides a check, so that it may take longer than where it is only said.
TIMEOUT_S: Final = 30.0
_encode = msgspec.msgpack.Encoder().encode


class Untouched:
    """What the tree was when each of these checks began."""

    def __init__(self, launch: Launch, fork: Fork) -> None:
        self._folder = os.fsdecode(launch.folder)
        self._environment = launch.environment
        self._fork = fork
        self._before: dict[str, Look] = {}
        self._latest = Look(Named())  # of which a later look reads only what is another

    async def begin(self, planned: PlannedCheck) -> None:
        """An attempt of the check is about to start."""
        # Compared with the tree as it was just now, and nothing runs beside it: else a change could
        # be anybody's (ADR 0136).
        if not stands_alone(planned):
            return
        known = {entry.path: entry for entry in self._latest.entries}
        try:
            looked = await self._forked(
                lambda: left_alone.look(self._folder, self._environment, TIMEOUT_S, known)
            )
        except CutShort as cut:
            self._before[planned.id] = Look(Named(untold=str(cut)))
            return
        self._latest = self._before[planned.id] = msgspec.msgpack.decode(looked, type=Look)

    async def ruled(self, planned: PlannedCheck, judgement: Judgement) -> Judgement:
        """The judgement of an attempt, in the light of what it changed.

        A failure is no less one, but it might be tried again, or excused by a quarantine.
        """
        before = self._before.pop(planned.id, None)
        if before is None or judgement.outcome is Outcome.ERROR:
            return judgement
        try:
            looked = await self._forked(
                lambda: left_alone.changed_since_look(
                    self._folder, self._environment, before, TIMEOUT_S
                )
            )
        except CutShort as cut:
            return unknown_changes(judgement, str(cut))
        paths, untold = msgspec.msgpack.decode(looked, type=tuple[list[bytes], str])
        if untold:
            return unknown_changes(judgement, untold)
        return changed_files(judgement, [_text(path) for path in paths]) if paths else judgement

    async def _forked(self, look: Callable[[], object]) -> bytes:
        try:
            return await self._fork(lambda: _encode(look()), 2 * TIMEOUT_S)
        except OSError as error:
            raise CutShort(f"no process is to be had that looks: {told(error)}") from error


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
