"""What a tool says of itself is read in bounded time and memory, whatever the tool does."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from vibeguard.system import own_group
from vibeguard.system.own_group import begin_asking
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


def test_a_tool_that_sigkill_does_not_end_is_not_waited_for(tmp_path, monkeypatch):
    """A setuid program gets no signal of ours, and a dead disk lets nothing end."""
    monkeypatch.setattr(executables, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(own_group, "_LAST_S", 0.01)
    with monkeypatch.context() as patch, pytest.raises(ToolSilent, match="takes longer"):
        patch.setattr(os, "killpg", refuse)
        answer_of(f"echo $$ >{tmp_path / 'pid'}; exec sleep 300", b"/", ENVIRONMENT)
    tool = int((tmp_path / "pid").read_text())
    os.kill(tool, signal.SIGKILL)
    assert os.waitpid(tool, 0)[1] == signal.SIGKILL  # it was still there


def refuse(*_):
    raise PermissionError


def test_nor_is_git_or_whatever_else_is_asked(monkeypatch):
    monkeypatch.setattr(own_group, "_LAST_S", 0.01)
    began = []
    with monkeypatch.context() as patch, pytest.raises(subprocess.TimeoutExpired):
        patch.setattr(os, "killpg", refuse)
        program = begin_asking(["sleep", "300"], None, cwd=None, env=None)
        own_group.answer_of(program, 0.01, began=began.append)
    os.kill(began[0].pid, signal.SIGKILL)
    assert os.waitpid(began[0].pid, 0)[1] == signal.SIGKILL


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
