"""Git, asked in bounded time: without optional locks, and without the monitor, which is a hook.

Nor does it believe what a user may have told it to for speed, instead of looking.
"""

import errno
import os
import select
import stat
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.ending_signals import kill_group

TIMEOUT_S = 1.0
SUBMODULE = b"160000"


def with_settings(*settings: str) -> tuple[str, ...]:
    """The words by which git takes these settings for one command."""
    return tuple(word for setting in settings for word in ("-c", setting))


_GIT = (
    *("git", "--no-optional-locks"),
    *with_settings("core.fsmonitor=false", "core.untrackedCache=false"),
    *with_settings("core.trustctime=true", "core.checkStat=default"),
)


class Git(NamedTuple):
    """Git, asked about the repository around a folder, with these variables, in bounded time.

    It and what it starts (filters) end with the time that they have.
    """

    folder: str
    environment: Mapping[bytes, bytes]
    timeout_s: float

    def ask(
        self,
        *arguments: str,
        given: bytes | None = None,
        began: Callable[["subprocess.Popen[bytes]"], None] = lambda _: None,
    ) -> bytes:
        """What git prints, with `given` as its input; `began` gets the process, and may end it.

        Raises OSError if it is missing, SubprocessError if it is slow or fails: then `stderr` of
        the error has its words.
        """
        return answer_of_git(
            self.begin(*arguments, given=given), self.timeout_s, given, began=began
        )

    def try_to(self, *arguments: str, given: bytes | None = None) -> bytes | None:
        """The same; None where there is no answer: it is missing, slow, or fails."""
        try:
            return self.ask(*arguments, given=given)
        except (OSError, subprocess.SubprocessError):
            return None

    def begin(self, *arguments: str, given: bytes | None = None) -> "subprocess.Popen[bytes]":
        """Start git without waiting for its answer. Raises OSError if it is missing."""
        begin = partial(
            _Asked,
            [*_GIT, *arguments],
            cwd=self.folder,
            env={**self.environment, b"LC_ALL": b"C"},
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            return begin(start_new_session=True)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOSYS):
                raise
            return begin(process_group=0)  # a sandbox refuses sessions


def no_git(error: OSError) -> UsageError:
    """What is told where git cannot be started, and nothing can be done without its answer."""
    missing = isinstance(error, FileNotFoundError)
    do = "install git" if missing else "let the limits or the sandbox allow it"
    return UsageError(f"git cannot be started: {error.strerror}", do)


class _Asked(subprocess.Popen[bytes]):
    """Waits for an end as it comes: Popen looks after 1 ms, 2, 4, and most answers take two."""

    def wait(self, timeout: float | None = None) -> int:
        """As Popen's. Raises TimeoutExpired."""
        if timeout is not None and self.returncode is None:
            with suppress(AttributeError, OSError), open(os.pidfd_open(self.pid), "rb", 0) as ended:
                looked = select.poll()
                looked.register(ended, select.POLLIN)
                looked.poll(max(0.0, timeout) * 1000)
        return super().wait(timeout)


class AskedAhead(NamedTuple):
    """Git, at work on what it is going to be asked about a repository."""

    root: str
    process: "subprocess.Popen[bytes]"

    def discard(self) -> None:
        """Nobody wants to know any more; harmless where it has told."""
        if self.process.returncode is None:
            kill_group(self.process.pid)
            with self.process:
                self.process.communicate()


def answer_of_git(
    process: "subprocess.Popen[bytes]",
    timeout_s: float,
    given: bytes | None = None,
    *,
    began: Callable[["subprocess.Popen[bytes]"], None] = lambda _: None,
) -> bytes:
    """What the git that was begun prints, as `Git.ask` has it. Raises SubprocessError."""
    with process:
        try:
            began(process)
            output, complaint = process.communicate(given, timeout=timeout_s)
        except BaseException:
            kill_group(process.pid)
            raise
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args, output, complaint)
    return output


def present_head(folder: str, environment: Mapping[bytes, bytes]) -> str:
    """The commit that the repository around `folder` is at; empty where nothing tells."""
    return "" if repository_root(folder) is None else _object_id("HEAD", folder, environment)


def tree_of_commit(folder: str, environment: Mapping[bytes, bytes], commit: str) -> str:
    """The id of a commit's tree; empty where nothing tells."""
    return _object_id(f"{commit}^{{tree}}", folder, environment)


def _object_id(name: str, folder: str, environment: Mapping[bytes, bytes]) -> str:
    git = Git(folder, without_git_locals(environment), TIMEOUT_S)
    told = git.try_to("rev-parse", "--verify", name) or b""
    return told.strip().decode("ascii", "replace")


def path_told(folder: str, told: bytes) -> str:
    """The path that `rev-parse` told in this folder: one a question, for it may hold line ends."""
    return os.path.join(folder, os.fsdecode(told.removesuffix(b"\n")))


def quoted_path(path: str) -> bytes:
    """A path as git reads it from a list, which colons or line ends divide (git(1))."""
    return b'"' + os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def mode_in_git(mode: int) -> bytes:
    """How git calls the mode of a link or a file; empty for what it does not keep."""
    if stat.S_ISLNK(mode):
        return b"120000"
    if not stat.S_ISREG(mode):
        return b""
    return b"100755" if mode & stat.S_IXUSR else b"100644"
