"""What a worker that starts does about workers that are gone."""

import fcntl
import os
import subprocess
from pathlib import Path

from tests.helpers.waiting import PATIENCE_S
from vibeguard.system.worker.process import _sweep_others


def test_what_a_worker_left_in_another_folder_is_swept_and_what_a_living_one_has_is_not(
    tmp_path: Path,
) -> None:
    children = {}
    for name in ("gone", "alive"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "identity").write_text(f"{name}-{os.getpid()}")
        mark = {"VIBEGUARD_WORKER": f"{name}-{os.getpid()}"}
        children[name] = subprocess.Popen(["sleep", "1000"], env={**os.environ, **mark})
    try:
        with open(tmp_path / "alive" / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _sweep_others(str(tmp_path))
        assert children["gone"].wait(PATIENCE_S) == -9
        assert children["alive"].poll() is None
        assert not (tmp_path / "gone" / "identity").exists()
    finally:
        for child in children.values():
            child.kill()
            child.wait()
