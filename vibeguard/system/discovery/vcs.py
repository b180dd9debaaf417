"""Git, asked in bounded time: without optional locks, and without the monitor, which is a hook.

Nor does it believe what a user may have told it to for speed, instead of looking.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Mapping

from msgspec import Struct

from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.environment import without_git_locals
from vibeguard.system.discovery.whereabouts import repository_root
from vibeguard.system.own_group import Program, answer_of, begin_asking, end_group

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


class Git(Struct, frozen=True):
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
        began: Callable[[Program], None] = lambda _: None,
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

    def begin(self, *arguments: str, given: bytes | None = None) -> Program:
        """Start git without waiting for its answer. Raises OSError if it is missing."""
        words, env = [*_GIT, *arguments], {**self.environment, b"LC_ALL": b"C"}
        return begin_asking(words, given, cwd=self.folder, env=env)


def no_git(error: OSError) -> UsageError:
    """What is told where git cannot be started, and nothing can be done without its answer."""
    missing = isinstance(error, FileNotFoundError)
    do = "install git" if missing else "let the limits or the sandbox allow it"
    return UsageError(f"git cannot be started: {error.strerror}", do)


class AskedAhead(Struct, frozen=True):
    """Git, at work on what it is going to be asked about a repository."""

    root: str
    process: Program

    def discard(self) -> None:
        """Nobody wants to know any more; harmless where it has told."""
        if self.process.returncode is None:
            with self.process:
                end_group(self.process)


def answer_of_git(
    process: Program,
    timeout_s: float,
    given: bytes | None = None,
    *,
    began: Callable[[Program], None] = lambda _: None,
) -> bytes:
    """What the git that was begun prints, as `Git.ask` has it. Raises SubprocessError."""
    told = answer_of(process, timeout_s, given, began=began)
    told.check_returncode()
    return told.stdout


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


def paths_told(folder: str, ask: Callable[..., bytes], *questions: tuple[str, ...]) -> list[str]:
    """The paths that `rev-parse` tells in this folder, all of them by one git.

    Where a path holds line ends, which divide the answers, each is asked for by itself.
    """
    words = [word for question in questions for word in question]
    told = ask("rev-parse", *words).splitlines(keepends=True)
    if len(told) != len(questions):
        told = [ask("rev-parse", *question) for question in questions]
    return [os.path.join(folder, os.fsdecode(path.removesuffix(b"\n"))) for path in told]


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
