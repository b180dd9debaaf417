"""The real command, as a shell would run it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.helpers import forking
from tests.helpers.environment import ROOT, environment

__all__ = ["ROOT", "environment", "git", "project", "vibeguard"]


def vibeguard(
    *argv: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout_s: float = 120,
    fresh: bool = False,
    within: tuple[str, ...] = (),
    before: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run `python -m vibeguard` and return what it said; the bound is one that only a hang reaches.

    A fork of an interpreter that has the imports behind it, unless `fresh` or something in the
    environment that an interpreter reads when it begins asks for one of its own. `within` are
    words before the command line that make a world for it, the same for many commands;
    `before` is a module of the tests that prepares the process, and its words (tests.helpers.forking).
    """
    whole = environment(**(env or {}))
    if not fresh and forking.can_fork(whole):
        command = forking.Command(list(argv), cwd, whole, within=within, before=before)
        return forking.finish(command, stdin, timeout_s)
    assert not before, "an interpreter of its own is not prepared"
    return subprocess.run(
        [*within, sys.executable, "-m", "vibeguard", *argv],
        cwd=cwd,
        env=whole,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )


def project(folder: Path, config: str, name: str = "vibeguard.yaml") -> Path:
    """A folder with a config in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(config, encoding="utf-8")
    return folder


def git(*argv: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run git, with our tools on PATH for its hooks."""
    return subprocess.run(
        ["git", *argv],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=check,
    )
