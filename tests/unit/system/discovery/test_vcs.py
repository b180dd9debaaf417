"""Git as it is asked: in bounded time, and answered when it has answered."""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from vibeguard.system.discovery.vcs import Git


def git_that(folder: Path, does: str) -> Mapping[bytes, bytes]:
    """An environment with a git that gives its pipes back before its end, as git does."""
    (folder / "git").write_text(f"#!/bin/sh\necho told; exec >&- 2>&-; {does}\n")
    (folder / "git").chmod(0o755)
    return {**os.environb, b"PATH": os.fsencode(folder) + b":" + os.environb[b"PATH"]}


def test_the_end_of_an_answer_is_not_looked_for_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: float) -> None:
        raise AssertionError("it was looked for later")

    monkeypatch.setattr(subprocess, "time", type("", (), {"sleep": refuse}))
    assert Git(str(tmp_path), git_that(tmp_path, "sleep 0.05"), 60.0).ask("x") == b"told\n"


@pytest.mark.parametrize("missing", [False, True], ids=["pidfd", "none"])
def test_who_does_not_end_in_time_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    if missing:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        Git(str(tmp_path), git_that(tmp_path, "exec sleep 60"), 0.2).ask("x")
    assert time.monotonic() - began < 50
