"""DESIGN sections 5 and 7 on a real terminal: Ctrl-C, Ctrl-Z and `fg` in an interactive shell."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.command import environment, project, vibeguard
from tests.helpers.processes import catches
from tests.helpers.waiting import PATIENCE_S, wait_until

pexpect = pytest.importorskip("pexpect")

PROMPT = "READY> "
CHECKS = """
settings: {grace: 1s}
checks:
  - {id: tick, run: "while :; do echo x >> ticks; sleep 0.05; done", timeout: 10m, async: false}
"""
VIBEGUARD = f"{shlex.quote(sys.executable)} -m vibeguard"


class Terminal:
    """An interactive bash on a pseudo terminal in `folder`."""

    def __init__(self, folder: Path, columns: int = 80) -> None:
        self.ticks = folder / "ticks"
        settings = environment(PS1=PROMPT, TERM="xterm")
        for name in ("CI", "NO_COLOR"):
            settings.pop(name, None)
        self.bash = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "-i"],
            cwd=str(folder),
            env=settings,
            encoding="utf-8",
            timeout=PATIENCE_S,
            dimensions=(24, columns),
        )
        self.bash.expect_exact(PROMPT)

    def wait_for_ticks(self) -> None:
        """Until the check has made a few more steps."""
        goal = self.count() + 3
        wait_until(lambda: self.count() >= goal, "the check stands still")

    def count(self) -> int:
        """How many steps the check has made."""
        return self.ticks.stat().st_size if self.ticks.exists() else 0

    def stop(self) -> None:
        """Ctrl-Z, until the shell has its prompt back."""
        self.bash.send("\x1a")
        self.bash.expect_exact("Stopped")
        self.bash.expect_exact(PROMPT)

    def exit_code(self) -> int:
        """The exit code of what has ended in the foreground."""
        self.bash.expect_exact(PROMPT)
        self.bash.sendline("echo code=$?")
        self.bash.expect(r"code=(\d+)")
        code = int(self.bash.match.group(1))
        self.bash.expect_exact(PROMPT)
        return code


@pytest.fixture
def terminal(tmp_path) -> Iterator[Terminal]:
    """A shell in a project whose only check goes on until it is ended."""
    project(tmp_path, CHECKS)
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.bash.close(force=True)
    vibeguard("cancel", cwd=tmp_path)
    vibeguard("wait", cwd=tmp_path)


def test_ctrl_z_stops_the_checks_and_fg_lets_them_go_on(terminal):
    terminal.bash.sendline(f"{VIBEGUARD} run")
    terminal.wait_for_ticks()
    terminal.stop()
    before = terminal.count()
    terminal.bash.sendline("sleep 0.3; echo slept")  # six steps, if it went on
    terminal.bash.expect_exact("\rslept")
    terminal.bash.expect_exact(PROMPT)
    assert terminal.count() == before
    terminal.bash.sendline("fg")
    terminal.wait_for_ticks()
    terminal.bash.send("\x03")
    assert terminal.exit_code() == 130


def test_ctrl_c_leaves_the_cursor_shown_and_the_last_word_to_the_verdict(terminal):
    terminal.bash.sendline(f"{VIBEGUARD} run")
    terminal.wait_for_ticks()
    terminal.bash.send("\x03")
    terminal.bash.expect_exact("CANCELLED")
    shown = terminal.bash.before
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0
    assert terminal.exit_code() == 130


@pytest.mark.parametrize("command", ["run", "tail"])
def test_a_quit_from_the_keyboard_is_a_second_ctrl_c_and_leaves_the_cursor_shown(
    terminal, tmp_path, command
):
    """The check of the run ignores SIGTERM and its grace is long: what is no kill does not end it."""
    if command == "run":
        project(tmp_path, STUBBORN)
    else:
        assert vibeguard("run", "--detach", cwd=tmp_path).returncode == 0
    terminal.bash.sendline(f"{VIBEGUARD} {command}; echo ended")
    terminal.wait_for_ticks()
    terminal.bash.expect_exact("running")
    shown = terminal.bash.before
    terminal.bash.send("\x1c")
    terminal.bash.expect_exact("ended\r\n")
    shown += terminal.bash.before
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0
    assert vibeguard("report", cwd=tmp_path).returncode == (5 if command == "tail" else 130)


def test_a_killed_front_leaves_the_cursor_shown(terminal):
    terminal.bash.sendline(f"{VIBEGUARD} run; echo en''ded")
    terminal.wait_for_ticks()
    terminal.bash.expect_exact("\x1b[?25l")
    os.kill(os.tcgetpgrp(terminal.bash.child_fd), signal.SIGKILL)
    terminal.bash.expect_exact("\x1b[?25h")


STUBBORN = """
settings: {grace: 10m}
checks:
  - id: tick
    run: "trap '' TERM; while :; do echo x >> ticks; sleep 0.05; done"
    timeout: 10m
    async: false
"""


def test_a_second_ctrl_c_kills_at_once_and_two_in_one_moment_are_one(terminal, tmp_path):
    """The check ignores SIGTERM, and its grace is longer than anybody's patience."""
    project(tmp_path, STUBBORN)
    terminal.bash.sendline(f"{VIBEGUARD} run")
    terminal.wait_for_ticks()
    terminal.bash.send("\x03\x03")
    for _ in range(4):  # 12 steps of 50 ms: longer than the 250 ms in which two are one
        terminal.wait_for_ticks()
    terminal.bash.send("\x03")
    assert terminal.exit_code() == 130
    steps = terminal.count()
    assert vibeguard("report", cwd=tmp_path).returncode == 130  # sealed, or it were 3
    assert terminal.count() == steps


def test_a_terminal_of_20_columns_shows_the_live_lines_once(tmp_path):
    """Lines that were cut too long would wrap, and every redrawing would leave some behind."""
    pyte = pytest.importorskip("pyte")
    name = "a-check-whose-name-is-longer-than-the-terminal-is-wide"
    held = "while test ! -e go; do sleep 0.05; done"
    check = f"{{id: {name}, run: '{held}', timeout: 10m, async: false}}"
    project(tmp_path, f"checks: [{check}]\n")
    terminal = Terminal(tmp_path, columns=20)
    screen = pyte.HistoryScreen(20, 24, history=1000)
    stream = pyte.Stream(screen)
    terminal.bash.sendline(f"clear; {VIBEGUARD} run")
    terminal.bash.expect_exact("\x1b[?25l")  # the live lines hide the cursor
    stream.feed(terminal.bash.after)
    for _ in range(8):  # so many drawings
        terminal.bash.expect(r"a-ch")
        stream.feed(terminal.bash.before + terminal.bash.after)
    (tmp_path / "go").touch()
    terminal.bash.expect_exact("\x1b[?25h")
    stream.feed(terminal.bash.before)
    drawn = [line for line in screen.display if "a-ch" in line]
    assert len(drawn) <= 2, screen.display  # the live line, or what settled
    assert not screen.history.top
    assert terminal.exit_code() == 0
    terminal.bash.close(force=True)


@pytest.mark.parametrize("follower", ["tail", "wait", "tail --check tick"])
def test_ctrl_z_stops_who_only_follows_and_the_run_goes_on(terminal, follower):
    terminal.bash.sendline(f"{VIBEGUARD} run --detach")
    terminal.bash.expect_exact(PROMPT)
    terminal.wait_for_ticks()
    terminal.bash.sendline(f"{VIBEGUARD} {follower}")
    _wait_for_handlers(terminal)
    terminal.stop()
    terminal.wait_for_ticks()
    terminal.bash.sendline("fg")
    terminal.bash.expect("fg")
    terminal.bash.send("\x03")
    assert terminal.exit_code() == 130


def _wait_for_handlers(terminal: Terminal) -> None:
    """Until the shell's foreground process catches SIGTSTP itself."""

    def there_is_one() -> bool:
        group = os.tcgetpgrp(terminal.bash.child_fd)
        return group != terminal.bash.pid and catches(group, signal.SIGTSTP)

    wait_until(there_is_one, "no handler of SIGTSTP appeared")
