"""Simulated processes and pipes, and their numbers."""

import os
from collections.abc import Mapping
from typing import Any

TICK_NS = 10_000_000
SECOND_NS = 1_000_000_000
INIT, FRONT, SUPERVISOR = 1, 2, 3


def refuse(number: int, path: str | None = None) -> OSError:
    """The error that the system would raise."""
    return OSError(number, os.strerror(number), path)


class Pipe:
    """What a command writes into, and the supervisor reads from."""

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.content = bytearray()
        self.writers = 1  # our own end, until it is closed
        self.open = True

    @property
    def readable(self) -> bool:
        return bool(self.content) or not self.writers


class Process:
    """One process. `owner` is the attempt that it belongs to, whatever it tells of itself."""

    def __init__(self, pid: int, start: int, parent: "Process | None", owner: str) -> None:
        self.pid, self.start, self.parent, self.owner = pid, start, parent, owner
        self.children: list[Process] = []
        self.group = self.session = pid
        self.state = "S"
        self.program: list[Any] = []
        self.at = 0
        self.command = ""
        self.environment: Mapping[bytes, bytes] = {}
        self.pipe: Pipe | None = None
        self.on_term: str | int = "die"
        self.status = 0
        self.put: dict[str, Any] = {}  # the files that it has written, and what it wrote last
        self.files: list[bytes] = []  # that it was handed
        self.reaped_ns: int | None = None  # when the supervisor was told of its end
        self.stuck = False
        self.pending: list[int] = []
        self.stopped_ns = 0  # since when it is
        self.continued_ns = 0  # when SIGCONT came last: the end of a pause is recorded after it
        self.may_not_obey = False  # it was stopped when SIGTERM came
        self.turn = 0  # an event of an earlier turn is void
        self.left_ns = 0  # of the sleep that a stop interrupted
        self.due_ns = 0
        self.remote = False  # it runs on another machine
        self.watched = parent is None or parent.pid != SUPERVISOR

    @property
    def alive(self) -> bool:
        return self.state != "Z"

    @property
    def is_traceable(self) -> bool:
        """Whether anything of it tells whose it is: else it belongs to nobody until the end."""
        return bool(self.environment) or self.pipe is not None

    @property
    def is_found(self) -> bool:
        """Whether whoever looks for all of an attempt finds it: by what it descends from.

        Where the supervisor gets no orphans, they come to others, and are found with the run's end.
        """
        top = self
        while top.parent is not None and top.parent.pid > SUPERVISOR:
            top = top.parent
        is_elsewhere = top.parent is not None and top.parent.pid < SUPERVISOR
        return top.is_traceable and not is_elsewhere
