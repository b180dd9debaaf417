"""The real command, as a shell would run it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

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
) -> subprocess.CompletedProcess[str]:
    """Run `python -m vibeguard` and return what it said; the bound is one that only a hang reaches."""
    return subprocess.run(
        [sys.executable, "-m", "vibeguard", *argv],
        cwd=cwd,
        env=environment(**(env or {})),
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
