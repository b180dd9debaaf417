"""Five hundred checks at once, a gigabyte of output, and `yes`: nothing is left, nothing grows."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import environment, project, vibeguard
from tests.helpers.running import running
from tests.helpers.waiting import wait_until

PATIENCE_S = 120
MANY = 500
MIB = 1 << 20
MOST_GROWTH_BYTES = 10 * MIB

# A child starts with the peak of whoever spawned it: this one has a small one.
MEASURE = """
import resource, subprocess, sys
run = [sys.argv[1], "-m", "vibeguard", "run"]
subprocess.run(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")


def config_of_many() -> str:
    """`before`, then all of the many at once, each until a line comes through a fifo; `after`."""
    # The fewest of some looks: the supervisor opens its control folder now and then.
    count = "for i in 1 2 3 4 5 6 7 8; do ls /proc/$PPID/fd | wc -l; sleep 0.05; done"
    look = f"{count} | sort -n | head -n 1 >{{0}}.descriptors; "
    look += "cat /proc/$PPID/task/*/children >{0}.children"
    names = [f"check-{number}" for number in range(MANY)]
    checks = [f"  - {{id: before, run: '{look.format('before')}'}}"]
    checks += [f"  - {{id: {name}, requires: [before], run: 'read line <gate'}}" for name in names]
    checks += [f"  - {{id: after, requires: [{', '.join(names)}], run: '{look.format('after')}'}}"]
    return f"settings: {{parallel: {MANY}}}\nchecks:\n" + "\n".join(checks) + "\n"


@pytest.fixture
def gate(tmp_path) -> Iterator[int]:
    """A fifo in the project, open at both ends so that nobody waits to open it."""
    os.mkfifo(tmp_path / "gate")
    descriptor = os.open(tmp_path / "gate", os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def marked_with(run_id: str) -> list[str]:
    """The processes that carry the run's mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            marked = f"VIBEGUARD_RUN={run_id}".encode() in (folder / "environ").read_bytes()
        except OSError:
            continue
        if marked:
            found.append(folder.name)
    return found


@needs_proc
@pytest.mark.slow
def test_five_hundred_at_once_leave_no_descriptor_no_process_and_no_file(tmp_path, gate):
    project(tmp_path, config_of_many())
    with nothing_left_behind(reap_adopted=True), running(tmp_path, "run") as run:
        wait_until(
            lambda: started(tmp_path) > MANY or run.process.poll() is not None,
            "not all of them were started at once",
            patience_s=PATIENCE_S,
        )
        assert run.process.poll() is None
        os.write(gate, b"\n" * MANY)
        exit_code, _, said = run.end()
    assert exit_code == 0, said
    before, after = (tmp_path / f"{name}.descriptors" for name in ("before", "after"))
    assert after.read_text() == before.read_text()
    assert len((tmp_path / "after.children").read_text().split()) == 1  # itself
    folder = (tmp_path / ".vibeguard/latest").resolve()
    assert marked_with(folder.name) == []
    assert len(list((folder / "output").iterdir())) == MANY + 2
    kept = {each.name for each in folder.iterdir()} - {"bytes"}  # which notes what the run takes
    assert kept == {"control", "events.jsonl", "output"}


def started(folder: Path) -> int:
    """How many checks the log says were started."""
    log = folder / ".vibeguard/latest/events.jsonl"
    return log.read_bytes().count(b'"check.started"') if log.exists() else 0


def peak_bytes(
    folder: Path, command: str, limit_bytes: int = 2 << 30
) -> tuple[int, dict[str, object]]:
    """The largest resident size of front, supervisor and check in a run; how the attempt ended."""
    check = f"{{id: a, output_limit: {limit_bytes >> 20}MiB, run: '{command}'}}"
    project(folder, f"checks: [{check}]\n")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (folder / ".vibeguard/latest/events.jsonl").read_bytes().splitlines()
    finished = next(e for e in map(json.loads, lines) if e["type"] == "check.attempt_finished")
    return int(done.stdout) * 1024, finished


@pytest.fixture
def no_op_bytes(tmp_path) -> int:
    """The peak of a run whose check does nothing."""
    return peak_bytes(tmp_path / "no-op", "true")[0]


@pytest.mark.nightly  # by day the flood below is thirty times what the memory may grow by
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit")
def test_a_gigabyte_of_output_takes_no_memory(tmp_path, no_op_bytes):
    folder = tmp_path / "much"
    peak, finished = peak_bytes(folder, "head -c 1073741824 /dev/zero")
    shutil.rmtree(folder / ".vibeguard")
    assert finished["output_bytes"] == 1 << 30
    assert peak < no_op_bytes + MOST_GROWTH_BYTES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit")
def test_a_flood_that_does_not_end_takes_no_memory_and_no_more_disk_than_its_limit(
    tmp_path, no_op_bytes
):
    folder = tmp_path / "flood"
    limit = 300 * MIB
    peak, finished = peak_bytes(folder, "yes", limit)
    stored = (folder / ".vibeguard/latest/output/a.1.log").stat().st_size
    report = vibeguard("report", cwd=folder)
    shutil.rmtree(folder / ".vibeguard")
    assert stored == finished["output_bytes"] == limit
    assert report.returncode == 1
    assert "300 MiB" in report.stderr
    assert peak < no_op_bytes + MOST_GROWTH_BYTES
