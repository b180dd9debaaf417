"""A `vibeguard` that is under way: started, watched through its log, ended with it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.helpers.command import environment
from tests.helpers.forking import Command, can_fork
from tests.helpers.waiting import PATIENCE_S, wait_until
from vibeguard.core.model.events import CheckStarted, Event, RunStarted
from vibeguard.system.journal.follow import Follower
from vibeguard.system.rundir.ids import run_folder, run_ids

Process = Command | subprocess.Popen[str]


class Running:
    """One command under way in `folder`."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def pid(self) -> int:
        return self.process.pid

    def run_folder(self) -> Path:
        """The newest run of the folder, once it is there."""
        state = str(self.folder / ".vibeguard")
        wait_until(lambda: bool(run_ids(state)), "no run folder was made")
        return Path(run_folder(state, run_ids(state)[-1]))

    def wait_for(self, *kinds: type[Event], count: int = 1) -> Event:
        """The `count`th event of one of these kinds, read from the log as it grows."""
        follower = Follower(str(self.run_folder()))
        try:
            seen = 0
            while True:
                for event in follower.read():
                    if isinstance(event, kinds):
                        seen += 1
                        if seen == count:
                            return event
                assert not follower.finished, f"the run ended without {kinds}"
                follower.wait(PATIENCE_S)
        finally:
            follower.close()

    def wait_until_running(self, count: int = 1) -> None:
        """Until that many attempts have started."""
        self.wait_for(CheckStarted, count=count)

    def supervisor(self) -> int:
        """The pid of the supervisor, as the log tells it."""
        event = self.wait_for(RunStarted)
        assert isinstance(event, RunStarted)
        return event.pid

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, once it has ended."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.wait(), out, err


def start(
    folder: Path,
    *argv: str,
    program: str = "",
    fresh: bool = False,
    within: tuple[str, ...] = (),
    env: Mapping[str, str],
) -> Process:
    """Start `python -m vibeguard ARGV` in `folder`, with nothing to read.

    `program` is Python text that does the same in another way, `within` what runs that command
    line; `fresh` is as in `vibeguard`, and for a program that has to come before any import.
    """
    environ = environment(**env)
    if not (fresh or within) and can_fork(environ):
        command = Command(list(argv), folder, environ, program=program)
        command.stdin.close()
        return command
    words = ["-c", program] if program else ["-m", "vibeguard"]
    return subprocess.Popen(
        [*within, sys.executable, *words, *argv],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(
    folder: Path,
    *argv: str,
    program: str = "",
    fresh: bool = False,
    within: tuple[str, ...] = (),
    **env: str,
) -> Iterator[Running]:
    """The same under way; it never outlives the block."""
    process = start(folder, *argv, program=program, fresh=fresh, within=within, env=env)
    try:
        yield Running(process, folder)
    finally:
        process.kill()
        process.communicate()
