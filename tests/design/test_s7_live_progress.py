"""DESIGN section 7: live progress on a real pseudo terminal, and none where nothing can move."""

import re
import shlex
import sys

import pytest

from tests.helpers.command import environment, project, vibeguard
from tests.helpers.waiting import PATIENCE_S

pexpect = pytest.importorskip("pexpect")

# The check goes on until it is told: no test depends on how long anything takes.
CHECKS = """
settings: {grace: 1s}
checks:
  - {id: talks, run: "echo the-last-line; until test -e go; do sleep 0.05; done", timeout: 30m, async: false}
  - {id: one, run: "exit 1"}
  - {id: two, run: "echo error: wrong in src/x.py; exit 1"}
"""


def started(folder, columns: int, **env: str):
    """`run` on a terminal of that width."""
    project(folder, CHECKS)
    settings = environment(**{"TERM": "xterm", "LC_ALL": "C", **env})
    for name in ("CI", "NO_COLOR"):
        settings.pop(name, None)
    return pexpect.spawn(
        sys.executable,
        ["-m", "vibeguard", "run"],
        cwd=str(folder),
        env=settings,
        encoding="utf-8",
        timeout=PATIENCE_S,
        dimensions=(24, columns),
    )


def everything(child, folder) -> str:
    """What is written from here to the end, which is let come."""
    (folder / "go").touch()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    return child.before


def test_a_wide_terminal_shows_what_a_check_writes_and_a_bar_in_ascii(tmp_path):
    child = started(tmp_path, 200)
    child.expect(r"talks [^\r\n]*  the-last-line")
    child.expect(r"\[#*\.+\] \d/3")
    rest = everything(child, tmp_path)
    assert rest.isascii()
    assert re.search(r"  .*failed.*  one +\S+  exit code 1\r\n", rest)
    assert re.search(r"  .*failed.*  two +\S+  error: wrong in src/x\.py\r\n", rest)


def test_a_terminal_of_another_size_gets_rows_that_fit_it(tmp_path):
    child = started(tmp_path, 200)
    child.expect("the-last-line")
    child.setwinsize(24, 30)
    child.expect(r"talks \d\S* of 30m\S*\r\n[-/|\\] 2/3, 2 failed, 1 run")
    everything(child, tmp_path)


def test_nothing_moves_on_a_dumb_terminal(tmp_path):
    child = started(tmp_path, 80, TERM="dumb")
    child.expect("FAILED two")
    text = child.before + everything(child, tmp_path)
    assert "\x1b" not in text
    assert "\r" not in text.replace("\r\n", "")


def test_a_command_shows_its_own_options_and_names_the_global_ones_in_a_line(tmp_path):
    shown = vibeguard("run", "--help", cwd=tmp_path).stdout
    assert shown.index("--max-wait") < shown.index("Global options: --config -c")
    assert "Foreground slots" not in shown
    assert "Foreground slots" in vibeguard("--help", cwd=tmp_path).stdout
    for word in re.findall(r"--[a-z-]+", shown.partition("Global options:")[2].split(";")[0]):
        assert word in vibeguard("--help", cwd=tmp_path).stdout, shlex.quote(word)
