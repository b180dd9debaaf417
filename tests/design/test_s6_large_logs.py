"""A log may be as large as it likes: what reads it needs memory for its checks, not for its events."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.bench_log import events_of, write_stamped
from tests.helpers.command import environment

MOST_GROWTH_MIB = 12


# The kernel's own account, as rusage counts what the parent had before exec(2), too.
PROGRAM = """
import sys
from vibeguard.cli import main
code = main(sys.argv[2:])
sys.stdout.flush()
with open("/proc/self/status") as status, open(sys.argv[1], "w") as copy:
    copy.write(status.read())
sys.exit(code)
"""


def peak_mib(folder: Path, *words: str) -> float:
    """The most memory that `report` of the folder has at once."""
    account = folder / "status"
    with (folder / "said").open("wb") as said:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(account), "report", str(folder), *words],
            env=environment(),
            cwd=folder,
            stdout=said,
            stderr=said,
            check=False,
        )
    assert done.returncode == 0, (folder / "said").read_text()[-2000:]
    (line,) = (one for one in account.read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def log_of(folder: Path, attempts: int) -> float:
    """A run folder with the log of a thousand checks that need so many attempts; MiB of it."""
    folder.mkdir(parents=True)
    log = folder / "events.jsonl"
    write_stamped(str(log), events_of(attempts))
    return log.stat().st_size / (1 << 20)


def grows_by(folder: Path, attempts: int, words: tuple[str, ...]) -> float:
    """MiB that the report of a long log needs beyond that of a short one of the same checks."""
    short, long = folder / "short" / "r", folder / "long" / "r"  # as the run is called
    sizes = log_of(short, 1), log_of(long, attempts)
    assert sizes[1] - sizes[0] > 2 * MOST_GROWTH_MIB
    return peak_mib(long, *words) - peak_mib(short, *words)


@pytest.mark.parametrize("words", [("--format", "jsonl"), ()], ids=["jsonl", "text"])
def test_a_report_of_many_events_needs_no_more_memory(words, tmp_path):
    """What was said is not kept until the end."""
    assert grows_by(tmp_path, 40, words) < MOST_GROWTH_MIB


@pytest.mark.nightly  # it writes and reads a gigabyte
@pytest.mark.parametrize("words", [(), ("--format", "json")], ids=["text", "json"])
def test_a_report_of_a_gigabyte_needs_no_more_memory(words, tmp_path):
    """Text and document."""
    assert grows_by(tmp_path, 800, words) < MOST_GROWTH_MIB
