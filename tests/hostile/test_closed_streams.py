"""Standard streams that the caller closed: `<&- >&- 2>&-`, as daemons and some CI services do."""

import os
import shlex
import subprocess
import sys

import pytest

from tests.helpers.command import environment, project, vibeguard
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


COMMANDS = ("run", "run --format json", "run --detach", "wait", "tail", "report", "list")
STREAMS = "tests.helpers.streams"


def test_a_run_and_its_readers_need_no_standard_stream(tmp_path):
    project(tmp_path, CHECKS)
    for arguments in COMMANDS:
        assert shell(tmp_path, arguments, "<&- >&- 2>&-") == 0, arguments


@pytest.mark.parametrize("number", ["0", "1", "2"])
def test_each_standard_stream_may_be_the_only_one_that_is_closed(tmp_path, number):
    project(tmp_path, CHECKS)
    for arguments in COMMANDS:
        done = vibeguard(*arguments.split(), cwd=tmp_path, before=(STREAMS, "closed", number))
        assert done.returncode == 0, arguments


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


AFTER_A_FAILURE = {
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


@pytest.fixture
def failed(tmp_path):
    """A folder in which a check has failed that had much to say."""
    project(tmp_path, "checks: [{id: bad, run: seq 2000; exit 1}]\n")
    assert vibeguard("run", cwd=tmp_path).returncode == 1
    return tmp_path


def test_a_reader_that_has_gone_changes_no_exit_code(failed):
    """`report | head -1` ends with the run's exit code, however much it had to say."""
    for arguments, code in AFTER_A_FAILURE.items():
        done = vibeguard(*arguments.split(), cwd=failed, before=(STREAMS, "gone"))
        assert done.returncode == code, arguments


def test_nor_does_one_that_has_gone_where_nothing_is_buffered(failed):
    """The same of interpreters that write each piece at once."""
    reading, writing = os.pipe()
    os.close(reading)
    variables = {**environment(), "PYTHONUNBUFFERED": "1"}
    for arguments, code in AFTER_A_FAILURE.items():
        command = [sys.executable, "-m", "vibeguard", *arguments.split()]
        done = subprocess.run(
            command, cwd=failed, env=variables, stdout=writing, stderr=writing, check=False
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
