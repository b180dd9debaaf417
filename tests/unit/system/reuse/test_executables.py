"""What a tool says of itself is read in bounded time and memory, whatever the tool does."""

import os
import signal
from pathlib import Path

import pytest

from vibeguard.system.reuse import executables
from vibeguard.system.reuse.executables import ToolSilent, answer_of

ENVIRONMENT = dict(os.environb)


def test_a_server_that_a_tool_leaves_behind_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(executables, "TIMEOUT_S", 0.3)
    pid = tmp_path / "pid"
    with pytest.raises(ToolSilent, match="takes longer"):
        answer_of(f"setsid sh -c 'echo $$ >{pid}; exec sleep 12' & echo 1", b"/", ENVIRONMENT)
    server = int(pid.read_text())
    assert Path(f"/proc/{server}/cmdline").read_bytes().startswith(b"sleep")
    os.kill(server, signal.SIGKILL)


def test_a_tool_that_never_stops_talking_is_stopped(monkeypatch):
    monkeypatch.setattr(executables, "TIMEOUT_S", 60.0)
    with pytest.raises(ToolSilent, match="says too much"):
        answer_of("exec yes", b"/", ENVIRONMENT)


@pytest.mark.parametrize(
    ("command", "told"), [("echo 1; echo 2 >&2", b"1\n2\n"), ("exec >&- 2>&-", b"")]
)
def test_what_a_tool_says_is_all_that_it_writes(command, told):
    assert answer_of(command, b"/", ENVIRONMENT) == told


@pytest.mark.parametrize(
    ("command", "why"), [("exit 3", "ends with 3"), ("kill $$", "ends with -15")]
)
def test_a_tool_that_fails_says_nothing(command, why):
    with pytest.raises(ToolSilent, match=why):
        answer_of(command, b"/", ENVIRONMENT)
