"""What the guardian of a worker does about one that stands still. Its clock stands still, too."""

import subprocess
import sys

from tests.helpers.waiting import PATIENCE_S, is_gone
from vibeguard.core.names import ExitCode

STANDS_STILL = """
import os, signal, subprocess, sys
from vibeguard.core.pool.worker import ENDING_S
from vibeguard.system.worker import guardian

guardian.clock.monotonic_s = lambda: 100.0

def work(page):
    child = subprocess.Popen(["sleep", "1000"])
    print(child.pid, flush=True)
    page.set(100.0 + ENDING_S / 2)
    os.kill(os.getpid(), signal.SIGSTOP)

sys.exit(guardian.guard(work, lambda why: print(why, file=sys.stderr)))
"""


def test_a_worker_that_stands_still_is_ended_with_its_tree_before_its_lease_is_over() -> None:
    """A tree that is gone within the lease has to be ended earlier."""
    done = subprocess.run(
        [sys.executable, "-c", STANDS_STILL], capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == ExitCode.INCOMPLETE
    assert is_gone(int(done.stdout))
    assert done.stderr == b"it stood still until its leases were nearly over\n"
