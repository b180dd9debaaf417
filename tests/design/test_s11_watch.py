"""DESIGN section 11, "Watch", with real processes: a terminal, pipes, a system without inotify."""

import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.processes import is_running
from tests.helpers.refusing import can_refuse, refusing
from tests.helpers.waiting import PATIENCE_S, is_gone, wait_until
from vibeguard.core.watch.machine import OWN_WRITING

pexpect = pytest.importorskip("pexpect")

CHECKS = """
version: "1"
checks:
  - {id: fmt, run: "true"}
  - {id: unit, run: "cat code; ! grep -q bad code", requires: [fmt]}
"""


class Watched:
    """A `vibeguard watch` on a terminal of its own, in `folder`."""

    def __init__(self, folder: Path, *argv: str, prefix: tuple[str, ...] = ()) -> None:
        self.folder = folder
        settings = environment(TERM="xterm", NO_COLOR="1")
        settings.pop("CI", None)
        command = [*prefix, sys.executable, "-m", "vibeguard", "watch", *argv]
        self.terminal = pexpect.spawn(
            command[0],
            command[1:],
            cwd=str(folder),
            env=settings,
            encoding="utf-8",
            timeout=PATIENCE_S,
            dimensions=(24, 200),
            echo=True,
        )

    def until(self, *texts: str) -> str:
        """Wait until these texts have come, in order; what came until then."""
        seen = ""
        for text in texts:
            self.terminal.expect_exact(text)
            seen += self.terminal.before + text
        return seen

    def save(self, name: str, text: str) -> None:
        """Save as editors do: a file beside it takes its place."""
        (self.folder / f".{name}.swp").write_text(text)
        (self.folder / f".{name}.swp").rename(self.folder / name)

    def press(self, keys: str) -> None:
        self.terminal.send(keys)

    def runs(self) -> list[Path]:
        return sorted(self.folder.glob(".vibeguard/runs/*"))

    def end(self, keys: str = "q") -> int:
        """Press these keys and wait for the end: the exit code."""
        self.press(keys)
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git("init", "-q", cwd=tmp_path)
    (tmp_path / ".gitignore").write_text(".*.swp\n/pid\n")
    (tmp_path / "code").write_text("good\n")
    return project(tmp_path, CHECKS)


@pytest.fixture
def watched(folder) -> Iterator[Watched]:
    watched = Watched(folder)
    watched.until("passed: 2 checks")
    yield watched
    watched.terminal.close(force=True)


def test_a_save_is_checked_and_only_news_is_told(watched):
    watched.save("code", "good still\n")
    wait_until(lambda: len(watched.runs()) == 2)
    watched.save("code", "bad\n")
    told = watched.until("FAILED unit", "| bad", "FAILED in", "1 failed (unit), 1 passed")
    assert "passed:" not in told
    os.utime(watched.folder / "code")
    (watched.folder / "code").write_text("bad\n")
    watched.save("code", "good again\n")
    assert "FAILED" not in watched.until("passed: 2 checks")
    count = len(watched.runs())
    assert watched.end() == 0
    assert count in (3, 4)  # a save that comes in two steps may be seen in two


def test_keys_run_again_what_failed_or_all(watched):
    before = termios.tcgetattr(watched.terminal.child_fd)
    assert not before[3] & termios.ICANON
    watched.press("f")
    watched.until("nothing has failed")
    watched.press("r")
    watched.until("passed: 2 checks")
    watched.save("code", "bad\n")
    watched.until("1 failed (unit), 1 passed")
    watched.press("f")
    watched.until("FAILED unit", "1 failed (unit), 1 passed")
    watched.press("xyz\n")
    assert watched.end() == 0
    assert vibeguard("report", cwd=watched.folder).returncode == 1


SLOW = """
version: "1"
settings: {parallel: 1, grace: 1s}
checks:
  - {id: slow, run: "grep -q fast code || { echo $$ >pid; exec sleep 1000; }", timeout: 1h, async: false}
  - {id: unit, run: "! grep -q bad code"}
"""


def pid_of_sleep(folder: Path) -> int:
    def is_there() -> bool:
        return (folder / "pid").exists() and (folder / "pid").read_text().endswith("\n")

    wait_until(is_there)
    return int((folder / "pid").read_text())


def test_a_change_supersedes_the_run_that_goes_on(folder):
    project(folder, SLOW)
    watched = Watched(folder)
    pid = pid_of_sleep(folder)
    watched.save("code", "fast\n")
    told = watched.until("passed: 2 checks")
    assert not is_running(pid)
    assert "CANCELLED" not in told
    watched.save("code", "fast bad\n")
    watched.until("FAILED unit", "FAILED in")
    watched.save("code", "bad: what fails is told before what takes long\n")
    watched.until("FAILED unit")
    assert watched.end() == 0


def test_ctrl_c_ends_what_runs_and_is_130(folder):
    project(folder, SLOW)
    watched = Watched(folder)
    pid = pid_of_sleep(folder)
    assert watched.end("\x03") == 130
    assert not is_running(pid)
    assert vibeguard("report", cwd=folder).returncode == 130


def test_ctrl_c_at_rest_is_130_and_the_terminal_is_as_it_was(folder):
    bash = pexpect.spawn(
        "bash", ["--norc", "-i"], cwd=str(folder), encoding="utf-8", timeout=PATIENCE_S,
        env=environment(PS1="READY> ", TERM="dumb"),
    )  # fmt: skip
    bash.expect_exact("READY> ")
    bash.sendline(f"{sys.executable} -m vibeguard watch")
    bash.expect_exact("passed: 2 checks")
    bash.send("\x1a")
    bash.expect_exact("Stopped")
    bash.sendline("fg")
    bash.expect("vibeguard watch")
    (folder / "code").write_text("bad\n")
    bash.expect_exact("FAILED in")
    bash.send("\x03")
    bash.expect_exact("READY> ")
    bash.sendline("echo code=$?")
    bash.expect_exact("code=130")
    bash.sendline("stty -a")
    assert bash.expect_exact([" icanon", "-icanon"]) == 0
    bash.close(force=True)


def test_killed_it_leaves_nothing_behind(folder):
    project(folder, SLOW)
    watched = Watched(folder)
    pid = pid_of_sleep(folder)
    watched.terminal.kill(signal.SIGKILL)
    wait_until(lambda: not is_running(pid))
    watched.terminal.close(force=True)


def test_a_broken_config_is_said_and_recovered_from(watched):
    watched.save("vibeguard.yaml", CHECKS + "  - {id: [\n")
    watched.until("vibeguard.yaml:", "this [ is not closed")
    watched.save("vibeguard.yaml", CHECKS + '  - {id: more, run: "true"}\n')
    watched.until("passed: 3 checks")
    (watched.folder / "vibeguard.yaml").unlink()
    watched.until("name one with --config")
    watched.save("vibeguard.yaml", CHECKS)
    watched.until("passed: 2 checks")
    assert watched.end() == 0


@pytest.mark.parametrize(
    ("writes", "runs"), [("date +%s%N >out", 4), ("sed -i s/good/fine/ code", 2)]
)
def test_a_check_that_writes_into_the_tree_does_not_loop(folder, writes, runs):
    config = f'version: "1"\nchecks: [{{id: writes, run: "{writes}"}}]\n'
    watched = Watched(project(folder, config))
    watched.until("passed: 1 check")
    if runs == 4:
        assert "out: " in watched.until(OWN_WRITING)
    wait_until(lambda: len(watched.runs()) == runs)
    watched.save("other", "something else")
    wait_until(lambda: len(watched.runs()) == runs + 1)
    assert watched.end() == 0
    assert len(watched.runs()) == runs + 1


@pytest.mark.skipif(can_refuse() != "", reason=can_refuse())
def test_without_inotify_it_looks_now_and_then(folder):
    watched = Watched(folder, prefix=tuple(refusing(inotify_init1="EMFILE")))
    watched.until("passed: 2 checks")
    (folder / "below").mkdir()
    (folder / "below" / "new").write_text("untracked, and it counts")
    wait_until(lambda: len(watched.runs()) == 2)
    watched.save("code", "bad\n")
    watched.until("1 failed (unit), 1 passed")
    assert watched.end() == 0


def test_jsonl_is_the_events_of_every_run(folder, tmp_path):
    out = tmp_path / ".out.swp"
    command = f"exec {sys.executable} -m vibeguard watch --format jsonl unit >{out}"
    watched = Watched(folder, prefix=("sh", "-c", command))

    def seals() -> int:
        return out.read_text().count('"log.sealed"') if out.exists() else 0

    wait_until(lambda: seals() == 1)
    watched.save("code", "bad\n")
    wait_until(lambda: seals() == 2)
    assert watched.end() == 0
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert [e["exit_code"] for e in events if e["type"] == "run.finished"] == [0, 1]
    assert [e["seq"] for e in events].count(0) == 2


@pytest.mark.parametrize(("words", "told_on"), [("--format jsonl", "1"), ("", "2")])
def test_it_ends_when_nobody_reads_its_verdicts_any_more(folder, words, told_on):
    """Not at the next verdict, which may never come."""
    command = f"({sys.executable} -m vibeguard watch {words} {told_on}>&3; echo $?) 3>&1 >code"
    reading = subprocess.Popen(
        ["sh", "-c", command], cwd=folder, env=environment(), stdout=subprocess.PIPE
    )
    assert reading.stdout is not None
    assert reading.stdout.read(1)
    reading.stdout.close()
    assert reading.wait(timeout=60) == 0
    assert (folder / "code").read_text().endswith("0\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_its_whole_group_is_its_end_and_no_loss(folder, number, code):
    """As `timeout` and a service manager send it, while the tree is looked at and between runs."""
    watching = subprocess.Popen(
        [sys.executable, "-m", "vibeguard", "watch", "--format", "jsonl"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert watching.stdout is not None
    assert watching.stdout.readline()
    os.killpg(watching.pid, number)
    _, said = watching.communicate(timeout=60)
    assert (watching.returncode, said) == (code, b"")


def test_a_document_of_a_watch_is_refused(folder):
    done = vibeguard("watch", "--json", cwd=folder)
    assert (done.returncode, "use --format jsonl" in done.stdout) == (2, True)


def test_outside_of_git_and_without_a_terminal(tmp_path):
    """Every file counts; a signal is all that ends it."""
    folder = project(tmp_path, CHECKS)
    (folder / "code").write_text("good\n")
    log = tmp_path.parent / f"{tmp_path.name}.log"
    command = f"exec {sys.executable} -m vibeguard watch 2>{log} </dev/null"
    watched = Watched(folder, prefix=("sh", "-c", command))
    wait_until(lambda: log.exists() and "passed: 2 checks" in log.read_text())
    watched.save("code", "bad\n")
    wait_until(lambda: "1 failed (unit), 1 passed" in log.read_text())
    watched.terminal.kill(signal.SIGTERM)
    watched.terminal.expect(pexpect.EOF)
    watched.terminal.close()
    assert watched.terminal.exitstatus == 143


MATCHING = """
version: "1"
checks:
  - {id: unit, run: "true", results: {matcher: .vibeguard/matcher.json}}
"""


def test_a_file_that_the_config_names_is_followed_wherever_it_lies(tmp_path):
    """Here where nobody looks for files of the tree. A state folder is no file of the tree."""
    matcher = tmp_path / ".vibeguard" / "matcher.json"
    matcher.parent.mkdir(mode=0o700)
    pattern = {"problemMatcher": [{"owner": "x", "pattern": [{"regexp": "x(.*)", "file": 1}]}]}
    matcher.write_text(json.dumps(pattern))
    watched = Watched(project(tmp_path, MATCHING), "--state-dir=kept")
    watched.until("passed: 1 check")
    matcher.write_text("{}")
    watched.until("no problem matcher")
    matcher.write_text(json.dumps(pattern))
    watched.until("passed: 1 check")
    assert len(list(tmp_path.glob("kept/runs/*"))) == 2
    assert watched.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_git_that_does_not_answer_is_ended_with_it(folder, tmp_path, number):
    """It is in a session of its own, so nothing but its asker's end ends it."""
    pid = tmp_path / "pid"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(
        f"#!/bin/sh\necho $$ >{pid}.new; mv {pid}.new {pid}\nexec sleep 987\n"
    )
    (tmp_path / "bin" / "git").chmod(0o755)
    settings = environment(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    command = (sys.executable, "-m", "vibeguard", "watch")
    with subprocess.Popen(command, cwd=folder, env=settings, stdin=subprocess.DEVNULL) as watch:
        wait_until(pid.exists)
        watch.send_signal(number)
    wait_until(lambda: is_gone(int(pid.read_text())))
