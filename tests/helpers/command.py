"""The real command, as a shell would run it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.helpers import forking
from tests.helpers.forking import of_the_interpreter

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """The caller's environment, with this checkout importable and our tools first on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = {"PATH": path, "PYTHONPATH": str(ROOT)}
    return os.environ | known | more


def vibeguard(
    *argv: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout_s: float = 120,
    fresh: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m vibeguard` and return what it said; the bound is one that only a hang reaches.

    A fork of an interpreter that has the imports behind it, unless `fresh` or the environment asks
    for one of its own.
    """
    whole = environment(**(env or {}))
    if not fresh and of_the_interpreter(whole) == of_the_interpreter(environment()):
        return forking.run(list(argv), cwd, whole, stdin, timeout_s)
    return subprocess.run(
        [sys.executable, "-m", "vibeguard", *argv],
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
