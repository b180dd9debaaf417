"""Standard streams that the caller closed: `<&- >&- 2>&-`, as daemons and some CI services do."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.helpers.command import environment, project
from tests.helpers.running import PATIENCE_S

CHECKS = """
checks:
  - {id: quick, run: "echo out; echo err >&2; ls -l /proc/self/fd"}
  - {id: later, run: "cat", requires: [quick], async: true}
"""


def shell(folder, arguments: str, redirections: str) -> int:
    """The exit code of a command line whose streams are redirected by a shell."""
    line = f"{shlex.quote(sys.executable)} -m vibeguard {arguments} {redirections}"
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment(), timeout=PATIENCE_S, check=False
    ).returncode


@pytest.mark.parametrize("redirections", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_run_and_its_readers_need_no_standard_stream(tmp_path, redirections):
    project(tmp_path, CHECKS)
    for arguments in ("run", "run --format json", "run --detach", "wait", "tail", "report", "list"):
        assert shell(tmp_path, arguments, redirections) == 0, arguments


def test_a_check_gets_its_own_streams_however_many_the_caller_closed(tmp_path):
    project(tmp_path, CHECKS)
    assert shell(tmp_path, "run", "<&- >&- 2>&-") == 0
    [output] = (tmp_path / ".vibeguard" / "latest" / "output").glob("quick.1.log")
    lines = output.read_text().splitlines()
    assert lines[:2] == ["out", "err"]
    links = [line.split(" -> ")[1] for line in lines if " -> " in line]
    assert sum(link.startswith("/proc/") for link in links) == 1  # what `ls` itself reads
    assert links[0] == os.devnull
    assert len(links) == 4


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_changes_no_exit_code(tmp_path, unbuffered):
    """`report | head -1` ends with the run's exit code, however much it had to say."""
    project(tmp_path, "checks: [{id: bad, run: seq 2000; exit 1}]\n")
    assert shell(tmp_path, "run", "2>/dev/null") == 1
    reading, writing = os.pipe()
    os.close(reading)
    variables = {**environment(), "PYTHONUNBUFFERED": unbuffered}
    expected = {
        "report --verbose": 1,
        "report --format html": 1,
        "report --json": 1,
        "tail": 1,
        "wait": 1,
        "status": 0,
        "run --help": 0,
        "--version": 0,
        "run no-such-check": 2,
    }
    for arguments, code in expected.items():
        command = [sys.executable, "-m", "vibeguard", *arguments.split()]
        done = subprocess.run(
            command, cwd=tmp_path, env=variables, stdout=writing, stderr=writing, check=False
        )
        assert done.returncode == code, arguments
    os.close(writing)


def test_the_version_on_a_full_disk_is_a_message_and_no_traceback(tmp_path):
    """What could not be written is said in one line."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vibeguard", "--version"],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == b"vibeguard: cannot write the output: No space left on device\n"
