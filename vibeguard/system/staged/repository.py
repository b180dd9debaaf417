"""A repository as it is asked about: git with the variables that are meant, in bounded time."""

import subprocess
from collections.abc import Mapping
from typing import Final

from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.tree import AS_THEY_LIE
from vibeguard.system.discovery.vcs import Git, no_git

# Filters may fetch what they put in: bounded all the same.
TIMEOUT_S: Final = 300.0
NOT_LAID_OUT: Final = "what is staged cannot be laid out: "


class Repository:
    """Asks git about the work tree at `root` with this environment."""

    def __init__(
        self, root: str, environment: Mapping[bytes, bytes], timeout_s: float = TIMEOUT_S
    ) -> None:
        self.root = root
        self._git = Git(root, environment, timeout_s)

    def git(self, *arguments: str, given: bytes | None = None) -> bytes:
        """What git prints, with `given` as its input. Raises UsageError with its first words.

        No setting says what files are: what is staged is what others will check out.
        """
        try:
            return self._git.ask(*AS_THEY_LIE, *arguments, given=given)
        except OSError as error:
            raise no_git(error) from error
        except subprocess.TimeoutExpired:
            raise _refused(arguments[0], f"no answer within {self._git.timeout_s:g} s") from None
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").strip().splitlines()
            raise _refused(arguments[0], lines[0] if lines else "no message") from None

    def names(self, *arguments: str, given: bytes | None = None) -> list[bytes]:
        """What git lists with -z."""
        return self.git(*arguments, given=given).split(b"\0")[:-1]


def _refused(command: str, why: str) -> UsageError:
    what = f"{NOT_LAID_OUT}git {command}: {sanitise(why)}"
    return UsageError(what, "mend that, or leave out --staged to check the work tree")
