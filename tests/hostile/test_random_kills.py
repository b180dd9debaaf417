"""Whenever front or supervisor is SIGKILLed, nothing of the run is left a moment later."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import project
from tests.helpers.running import running
from vibeguard.system.process import proc

KILLS = 200
BATCH = 20

CONFIG = """version: "1"
settings: {parallel: 8}
checks:
  - {id: quick, run: "echo hi"}
  - {id: daemon, run: "(setsid sleep 1000 &); (env -i setsid sleep 1000 >/dev/null 2>&1 &); sleep 1000"}
  - {id: deaf, run: "trap '' TERM; while :; do sleep 0.01; done"}
  - {id: leaver, run: "sleep 1000 & exit 0"}
  - {id: after, run: "sleep 1000", requires: [quick]}
"""


@pytest.mark.nightly
@pytest.mark.parametrize("batch", range(KILLS // BATCH))
def test_a_kill_at_any_moment_leaves_nothing(batch: int, tmp_path: Path) -> None:
    """From the first millisecond of the command to some time after all checks are up."""
    chance = random.Random(batch)
    project(tmp_path, CONFIG)
    for _ in range(BATCH):
        delay_s = chance.uniform(0, 0.6)
        victim = chance.choice(["front", "supervisor"])
        with (
            nothing_left_behind(reap_adopted=True),
            running(tmp_path, "run") as run,
        ):
            time.sleep(delay_s)
            below = proc.children_of(run.pid)
            target = below[0] if victim == "supervisor" and below else run.pid
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                continue
            try:
                run.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                pytest.fail(f"{victim} killed after {delay_s:.3f} s: the command hangs")
