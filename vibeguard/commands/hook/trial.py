"""A hook of ours, tried out: its real payload, and a stub in the place of the checks."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from msgspec import Struct

from vibeguard.commands.hook.git_files import LENT_BY_GIT
from vibeguard.commands.hook.targets import Target
from vibeguard.core.problems import UsageError
from vibeguard.system.own_group import ask

# The hooks' own commands are the real ones; what runs or reads checks answers as it is told.
_STUB = """#!/bin/sh
case "$1 $2" in
'hook stop' | 'hook wake') exec {python} -m vibeguard "$@" ;;
'hook failures') exit 3 ;;
'run --detach') echo stub; exit 0 ;;
'wait stub') test "$STUB_ANSWER" = 1 && echo stub >&2 && exit 2; exit 0 ;;
esac
echo stub
exit "$STUB_ANSWER"
"""
# What our scripts call beside it.
_TOOLS = ("sh", "git", "cat", "dirname", "head", "env")
_TRIAL_S = 60
SITUATIONS: Mapping[str, int | None] = {"pass": 0, "fail": 1, "pending": 5, "missing command": None}


class Trial(Struct, frozen=True):
    """How a hook is called: the words, from where, and what it gets on stdin."""

    words: tuple[str, ...]
    cwd: str
    stdin: str = ""
    environ: Mapping[str, str] = {}


class Ended(Struct, frozen=True):
    """How it has ended; no exit code where it had to be stopped."""

    exit_code: int | None
    stdout: str = ""


@contextmanager
def stubbed() -> Iterator[Path]:
    """A folder with the stub in `stub`, tools without it in `tools`, and room for counts.

    Raises UsageError where nothing may be executed there: each hook would seem to refuse.
    """
    with tempfile.TemporaryDirectory(prefix="vibeguard-doctor-") as name:
        folder = Path(name)
        for below in ("stub", "tools", "state"):
            (folder / below).mkdir(mode=0o700)
        stub = folder / "stub" / "vibeguard"
        stub.write_text(_STUB.format(python=quote(sys.executable)), encoding="utf-8")
        stub.chmod(0o700)
        if not os.access(stub, os.X_OK):
            what = f"no program can be run in the temporary folder {tempfile.gettempdir()}"
            raise UsageError(what, "name another one: TMPDIR")
        for tool in _TOOLS:
            found = shutil.which(tool)
            if found:
                (folder / "tools" / tool).symlink_to(found)
        yield folder


def attempt(trial: Trial, code: int | None, folder: Path) -> Ended:
    """Call the hook where the checks end with this code; None is for no program at all."""
    # Called as its caller would, with all but the checks real: reading a script does not tell
    # whether it stops anything (ADR 0118).
    known = {k: v for k, v in os.environ.items() if k not in LENT_BY_GIT}
    stub = "" if code is None else f"{folder / 'stub'}{os.pathsep}"
    known |= {
        **trial.environ,
        "PATH": f"{stub}{folder / 'tools'}",
        "STUB_ANSWER": str(code),
        "VIBEGUARD_STATE_DIR": str(folder / "state"),
    }
    try:
        done = ask(trial.words, _TRIAL_S, os.fsencode(trial.stdin), cwd=trial.cwd, env=known)
    except (OSError, subprocess.TimeoutExpired):
        return Ended(None)
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"))


def is_refused(target: Target, ended: Ended) -> bool:
    """Whether the agent takes this for "go on working": it looks like what `block` answers."""
    sample = target.block("x")
    if sample.exit_code:
        return ended.exit_code == sample.exit_code
    try:
        said, known = json.loads(ended.stdout), json.loads(sample.stdout)
    except (ValueError, RecursionError):
        return False
    return ended.exit_code == 0 and isinstance(said, dict) and set(said) == set(known)
