"""DESIGN section 11: a run of which everything is reused needs no Trio, and is a run like any other."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.running import running
from tests.helpers.waiting import wait_until

CONFIG = """
version: "1"
settings: {redact: [SECRET]}
prompts: [{id: done, description: d, content: "all is well"}]
checks:
  - {id: base, run: "true", reuse: true, inputs: [a.txt], tools: [], outputs: [], on: {success: [done]}}
  - {id: unit, run: "true", reuse: true, inputs: ["*.txt"], tools: [./tool], requires: [base]}
  - {id: late, run: "true", reuse: true, inputs: [a.txt], tools: [], async: true, outputs: []}
  - {id: last, run: "true", reuse: true, inputs: [b.txt], tools: [], requires: [unit, late]}
"""
TOOL = "#!/bin/sh\necho asked >> asked\n"
COMMAND = "from vibeguard.cli import command; command()"
# The way of every other run, with what was looked up dropped; and one that cannot take that way.
SLOW = (
    f"import vibeguard.system.supervisor.reused as r; r.Looking.begin = lambda _: None; {COMMAND}"
)
WITHOUT_TRIO = f"import sys; sys.modules['trio'] = None; {COMMAND}"
# Whose turn is later than this one's comes when `behind` has passed.
SETTLED = ".check.settled.,.seq.:[0-9]*,.t.:[0-9]*,.check.:.behind"
WAITS = f"until grep -q {SETTLED} .vibeguard/runs/*/events.jsonl; do sleep 0.01; done"
# What differs between any two runs.
TIMES = {
    "t",
    "run_id",
    "wall_time",
    "pid",
    "pid_start",
    "monotonic_ns",
    "elapsed_ns",
    "jitter_seed",
}
OF_THE_BYTES = {"bytes", "sha256"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = project(tmp_path / "p", CONFIG)
    (root / "a.txt").write_text("1")
    (root / "b.txt").write_text("2")
    tool(root, TOOL)
    (root / ".gitignore").write_text("asked\nleft\nready\n")
    git("init", "-q", cwd=root)
    assert vibeguard("run", cwd=root).returncode == 0
    (root / "asked").unlink()
    return root


def tool(root: Path, text: str) -> None:
    (root / "tool").write_text(text)
    (root / "tool").chmod(0o755)


def run(program: str, root: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, "run", "--reuse", *argv],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def events(root: Path) -> list[dict]:
    log = root / ".vibeguard/latest/events.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()]


def but_for_the_time(event: dict) -> dict:
    left_out = TIMES | OF_THE_BYTES if event["type"] == "log.sealed" else TIMES
    kept = {key: value for key, value in event.items() if key not in left_out}
    if "settings" in kept:
        kept["settings"] = {k: v for k, v in kept["settings"].items() if k not in TIMES}
    return kept


def test_the_log_is_that_of_any_other_run(folder):
    copy = folder.with_name("copy")
    shutil.copytree(folder / ".vibeguard", copy, symlinks=True)
    quick = run(COMMAND, folder)
    found = [but_for_the_time(event) for event in events(folder)]
    assert sum(event["type"] == "check.reused" for event in found) == 4
    shutil.rmtree(folder / ".vibeguard")
    copy.rename(folder / ".vibeguard")
    slow = run(SLOW, folder)
    assert found == [but_for_the_time(event) for event in events(folder)]
    assert (quick.returncode, quick.stdout) == (slow.returncode, slow.stdout) == (0, "")
    assert quick.stderr.rpartition(" in ")[0] == slow.stderr.rpartition(" in ")[0]
    report = vibeguard("report", cwd=folder)
    assert (report.returncode, report.stderr.count("all of them in run")) == (0, 1)


def test_trio_is_needed_only_where_a_check_has_to_run(folder):
    assert run(WITHOUT_TRIO, folder).returncode == 0
    (folder / "b.txt").write_text("3")
    assert run(WITHOUT_TRIO, folder).returncode == 3  # this test can fail


def test_where_a_check_has_to_run_what_was_looked_up_first_is_not_looked_up_again(folder):
    """One check runs: of two, each may be looked at anew when it has passed, or both at once."""
    (folder / "b.txt").write_text("3")
    done = vibeguard("run", "--reuse", "unit", cwd=folder)
    assert "passed: 2 checks, 1 of them in run" in done.stderr
    asked = (folder / "asked").read_text().split()
    (folder / "b.txt").write_text("4")
    (folder / "asked").unlink()
    assert run(SLOW, folder, "unit").returncode == 0
    assert len((folder / "asked").read_text().split()) == len(asked)
    assert vibeguard("run", "--reuse", "unit", cwd=folder).stderr.count("all of them") == 1


def test_a_pass_stands_after_those_that_its_check_need_not_wait_for(tmp_path: Path) -> None:
    """With all of the run, and where another check has to run."""
    declared = 'run: "true", reuse: true, inputs: [a.txt], tools: [], outputs: []'
    checks = f"""
  - {{id: first, {declared}}}
  - {{id: behind, {declared}, async: true, requires: [first]}}
  - {{id: last, {declared}, requires: [{{check: behind, while_pending: skip}}]}}
  - {{id: other, run: {WAITS!r}, reuse: true, inputs: [b.txt], tools: []}}"""
    root = project(tmp_path / "p", f'version: "1"\nsettings: {{parallel: 1}}\nchecks:{checks}\n')
    for name in ("a.txt", "b.txt"):
        (root / name).write_text("1")
    git("init", "-q", cwd=root)
    first = vibeguard("run", cwd=root)
    assert (first.returncode, "skipped" in first.stderr) == (0, False), first.stderr
    for changed, said in (("", "4 checks, all of them in"), ("2", "4 checks, 3 of them in")):
        (root / "b.txt").write_text(changed or "1")
        done = vibeguard("run", "--reuse", cwd=root)
        assert (done.returncode, said in done.stderr) == (0, True), done.stderr


def test_it_outlives_its_command_like_any_other(folder):
    done = vibeguard("run", "--reuse", "--detach", cwd=folder)
    waited = vibeguard("wait", done.stdout.strip(), cwd=folder)
    assert (done.returncode, waited.returncode) == (0, 0)
    assert events(folder)[0]["detached"]


def test_what_a_tool_has_left_behind_is_ended_as_in_any_other_run(folder):
    tool(folder, "#!/bin/sh\nif test -e left; then setsid sleep 1000 >/dev/null 2>&1 & fi\n")
    assert vibeguard("run", cwd=folder).returncode == 0
    (folder / "left").touch()
    done = vibeguard("run", "--reuse", cwd=folder)
    assert (done.returncode, done.stderr.count("4 checks, all of them")) == (0, 1)
    (folder / "left").unlink()
    assert not [p for p in Path("/proc").glob("[0-9]*") if of_this(p, folder)]


def of_this(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").resolve() == folder and b"sleep" in (
            process / "cmdline"
        ).read_bytes()
    except OSError:
        return False


@pytest.mark.parametrize("way", ["signal", "request"])
def test_a_cancel_ends_a_lookup_and_with_it_the_run(folder, way):
    tool(folder, "#!/bin/sh\ntest ! -e left || { touch ready; exec sleep 1000; }\n")
    assert vibeguard("run", cwd=folder).returncode == 0
    (folder / "left").touch()
    with running(folder, "run", "--reuse") as started:
        wait_until((folder / "ready").exists)
        if way == "signal":
            started.process.send_signal(signal.SIGINT)
        else:
            assert vibeguard("cancel", cwd=folder).returncode == 0
        code = started.end()[0]
    assert code == (130 if way == "signal" else 143)
    assert [e["outcome"] for e in events(folder) if e["type"] == "check.settled"] == [
        "cancelled"
    ] * 4
    assert vibeguard("report", cwd=folder).returncode == code
    assert not [p for p in Path("/proc").glob("[0-9]*") if of_this(p, folder)]


@pytest.mark.parametrize(("first", "outcomes", "code"), [
    (2, ["passed"] * 2 + ["cancelled"] * 2, 4),  # while the first frontier is written
    (11, ["passed"] * 4, 0),  # every check has settled on what was kept free: the verdict stands
])  # fmt: skip
def test_a_disk_that_fills_ends_it_sealed_as_any_other_run(folder, first, outcomes, code):
    disk = ("tests.helpers.failing_disk", "torn", str(errno.ENOSPC), str(first))
    done = vibeguard("run", "--reuse", cwd=folder, before=disk)
    found = events(folder)
    assert [e["outcome"] for e in found if e["type"] == "check.settled"] == outcomes
    assert (done.returncode, found[-1]["type"]) == (code, "log.sealed")
    assert vibeguard("report", cwd=folder).returncode == code


def test_a_disk_that_fails_for_good_is_no_defect(folder):
    disk = ("tests.helpers.failing_disk", "lasting", str(errno.EIO), "4")
    done = vibeguard("run", "--reuse", cwd=folder, before=disk)
    assert (done.returncode, os.strerror(errno.EIO) in done.stderr) == (4, True)
    assert "defect" not in done.stderr


def test_who_asked_to_be_told_is_told(folder):
    notify = 'settings: {redact: [SECRET], notify: [{command: "cat > left"}]}'
    (folder / "vibeguard.yaml").write_text(CONFIG.replace("settings: {redact: [SECRET]}", notify))
    assert run(WITHOUT_TRIO, folder).returncode == 0
    wait_until(lambda: (folder / "left").exists() and (folder / "left").read_text().endswith("}\n"))
    told = json.loads((folder / "left").read_text())
    assert [check["reason"] for check in told["checks"]] == ["reused"] * 4
