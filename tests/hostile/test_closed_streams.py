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
