"""What a check does to its own run's log while it runs is found out: exit 4, naming what changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.adversary import forged
from tests.helpers.command import environment, project, vibeguard
from tests.helpers.processes import is_running
from tests.helpers.waiting import wait_until
from vibeguard.system.rundir.ids import run_ids

R = ".vibeguard/runs/$VIBEGUARD_RUN"
# What `later`, the supervisor or who follows the log sees that looks just between two commands.
BETWEEN = "is gone|cannot be read any more"

# What a check does, and a word of what is said about it. `earlier` has run and has an output.
DEEDS = {
    "appends a line": (f"echo x >> {R}/events.jsonl", "log"),
    "appends without a newline": (f"printf x >> {R}/events.jsonl", "log"),
    "appends through the link": ("echo x >> .vibeguard/latest/events.jsonl", "log"),
    "overwrites": (f"printf X | dd of={R}/events.jsonl bs=1 seek=30 conv=notrunc 2>&1", "log"),
    "empties": (f": > {R}/events.jsonl", "log"),
    "cuts": (f"truncate -s 100 {R}/events.jsonl", "log"),
    "deletes": (f"rm {R}/events.jsonl", "log"),
    "renames": (f"mv {R}/events.jsonl {R}/other", "log"),
    "replaces by a copy": (f"cp {R}/events.jsonl x && mv x {R}/events.jsonl", "log"),
    "hard-links": (f"ln {R}/events.jsonl {R}/other", "hard links"),
    "hard-links outside": (f"ln {R}/events.jsonl kept", "hard links"),
    "replaces the log by a link": (
        f"mv {R}/events.jsonl kept; ln -s $PWD/kept {R}/events.jsonl",
        "log",
    ),
    "swaps the run folder": (f"cp -a {R} x; mv {R} y; mv x {R}", f"log|{BETWEEN}"),
    "links the run folder": (f"mv {R} y; ln -s $PWD/y {R}", ""),
    "removes the run folder": (f"rm -rf {R}", ""),
    "copies the state folder": (
        "cp -a .vibeguard x; mv .vibeguard y; mv x .vibeguard",
        f"log|{BETWEEN}",
    ),
    "links the state folder": (
        "mv .vibeguard y; ln -s y .vibeguard",
        f"symbolic link|{BETWEEN}",
    ),
    "links runs": (
        "mv .vibeguard/runs y; ln -s ../y .vibeguard/runs",
        f"symbolic link|{BETWEEN}",
    ),
    "replaces the outputs' folder": (
        f"cp -a {R}/output x; rm -r {R}/output; mv x {R}/output",
        "output",
    ),
    "points latest elsewhere": ("ln -sfn runs/19990101 .vibeguard/latest", "latest"),
    "removes latest": ("rm .vibeguard/latest", "latest"),
    "appends to an output": (f"echo x >> {R}/output/earlier.1.log", "output/earlier.1.log"),
    "overwrites an output": (
        f"printf X | dd of={R}/output/earlier.1.log bs=1 conv=notrunc 2>&1",
        "output/earlier.1.log",
    ),
    "deletes an output": (f"rm {R}/output/earlier.1.log", "output/earlier.1.log"),
    "replaces an output by a copy": (
        f"cp {R}/output/earlier.1.log x && mv x {R}/output/earlier.1.log",
        "output/earlier.1.log",
    ),
    "deletes its own output": (f"rm {R}/output/deed.1.log", "output/deed.1.log"),
    "writes through the supervisor's descriptor": (
        "for f in /proc/$PPID/fd/*; do readlink $f | grep -q events.jsonl && echo x >> $f; done",
        "log",
    ),
}
# Here the folder that was looked into is no longer there, or no longer trusted.
# The supervisor may see the first half of these, and end the check before the second: no run is left.
# A note of it may also come into the folder that is just being removed, which then stays; and none
# where no folder is, just before the second half puts a copy there: a log without an end.
MOVES = (f"mv {R} ", "mv .vibeguard ", "mv .vibeguard/runs ", f"rm -rf {R}")
HALF_DONE = {name for name, (deed, _) in DEEDS.items() if any(move in deed for move in MOVES)}
UNTRUSTED = {"links the state folder"}
ELSE = HALF_DONE | UNTRUSTED

CONFIG = """version: "1"
checks:
  - {{id: earlier, run: "echo something"}}
  - {{id: deed, run: {deed!r}, requires: [earlier]}}
  - {{id: later, run: "true", requires: [earlier]}}
"""


def config(deed: str) -> str:
    """A check that does the deed, quickly and with success."""
    return CONFIG.format(deed=f"echo $PPID > pid; {deed}; true")


def skip_where_the_kernel_refuses(name: str) -> None:
    """Only root may open another process's descriptors when that process hides."""
    if "descriptor" in name and os.geteuid() != 0:
        pytest.skip("the kernel refuses it")


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEDS)
def test_run_exits_4_and_names_what_changed(tmp_path: Path, name: str) -> None:
    skip_where_the_kernel_refuses(name)
    deed, word = DEEDS[name]
    result = vibeguard("run", cwd=project(tmp_path, config(deed)))
    assert result.returncode == 4, result.stderr
    assert any(each in result.stderr for each in word.split("|")), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        # The same comparison as above: by day every other deed, and those that may end otherwise.
        pytest.param(name, marks=[] if number % 2 or name in ELSE else [pytest.mark.nightly])
        for number, name in enumerate(DEEDS)
    ],
)
def test_a_run_in_the_background_is_found_out_too(tmp_path: Path, name: str) -> None:
    """By `wait`, which must not say 0, and by `report` once the supervisor has ended."""
    skip_where_the_kernel_refuses(name)
    deed, word = DEEDS[name]
    project(tmp_path, config(f"while test ! -e go; do sleep 0.01; done; {deed}"))
    run_id = vibeguard("run", "--detach", cwd=tmp_path).stdout.strip()
    (tmp_path / "go").touch()
    waited = vibeguard("wait", run_id, cwd=tmp_path)
    assert waited.returncode in (2, 3, 4), waited.stderr
    wait_for_the_end_of(tmp_path / "pid")
    report = vibeguard("report", run_id, cwd=tmp_path)
    if name in UNTRUSTED:
        assert report.returncode == 2
    elif name in HALF_DONE and report.returncode != 4:
        assert report.returncode in (2, 3)
    else:
        assert report.returncode == 4, report.stderr
        assert any(each in report.stderr for each in word.split("|")), report.stderr
        assert '"exit_code":4' in vibeguard("runs", "--json", cwd=tmp_path).stdout.replace(" ", "")


def wait_for_the_end_of(pid_file: Path) -> None:
    """Until the process whose pid is in the file is gone."""
    wait_until(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
    pid = int(pid_file.read_text())
    wait_until(lambda: not is_running(pid))


INJECT = """
import json, os, sys, time
log = os.environ["LOG"]
size = os.stat(log).st_size
last = json.loads(open(log).read().splitlines()[-1])
with open(log, "a") as file:
    file.write(json.dumps({"type": "run.paused", "seq": last["seq"] + 1, "t": last["t"] + 1}) + "\\n")
while "run.paused" not in open("shown").read():
    time.sleep(0.01)
os.truncate(log, size)
"""


@pytest.mark.slow
def test_an_injected_event_that_was_seen_is_found_out_even_if_it_is_taken_back(
    tmp_path: Path,
) -> None:
    """The follower has shown it: the bytes at the end are the right ones, and still it is 4."""
    (tmp_path / "inject.py").write_text(INJECT)
    deed = f"LOG=$PWD/{R}/events.jsonl {sys.executable} inject.py"
    project(tmp_path, f'version: "1"\nchecks:\n  - {{id: deed, run: {deed!r}, timeout: 20s}}\n')
    command = f"{sys.executable} -m vibeguard run --format jsonl > shown"
    result = shell(command, tmp_path)
    assert result.returncode == 4, result.stderr
    assert "the log" in result.stderr


def shell(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell in a folder, with this checkout's command."""
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


FORGE = """
import os, signal, sys, time
from tests.helpers.histories import History, check
from tests.helpers.logs import encode_log
supervisor, log = os.getppid(), os.environ["LOG"]
history = History(check("deed"))
history.ready("deed")
history.passes("deed")
history.finish()
open("forged", "wb").write(encode_log(history.events))
if "pause" in sys.argv:
    os.kill(supervisor, signal.SIGSTOP)
if "kill" in sys.argv:
    os.replace("forged", log)
    os.kill(supervisor, signal.SIGKILL)
else:
    os.kill(supervisor, signal.SIGKILL)
    os.replace("forged", log)
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["kill", "pause kill", "late"])
def test_a_check_that_kills_its_supervisor_and_writes_a_whole_new_log(
    tmp_path: Path, way: str
) -> None:
    """`run` knows (3 or 4, never 0), and so does who pinned a seal; a bare `report` cannot."""
    (tmp_path / "forge.py").write_text(FORGE)
    deed = f"LOG=$PWD/{R}/events.jsonl exec {sys.executable} forge.py {way}"
    project(tmp_path, f'version: "1"\nchecks:\n  - {{id: deed, run: {deed!r}}}\n')
    result = vibeguard("run", cwd=tmp_path)
    assert result.returncode in (3, 4), result.stderr
    (run_id,) = run_ids(str(tmp_path / ".vibeguard"))
    assert vibeguard("report", run_id, "--expect-seal", "0" * 64, cwd=tmp_path).returncode in (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["kill", "pause kill", "late"])
def test_a_log_that_was_forged_in_the_background_does_not_pass(tmp_path: Path, way: str) -> None:
    """The guardian has seen the supervisor die without a seal, and notes it for every reader."""
    (tmp_path / "forge.py").write_text(FORGE)
    forge = f"LOG=$PWD/{R}/events.jsonl exec {sys.executable} forge.py {way}"
    deed = f"echo $PPID > pid; while test ! -e go; do sleep 0.01; done; {forge}"
    project(tmp_path, f'version: "1"\nchecks:\n  - {{id: deed, run: {deed!r}}}\n')
    run_id = vibeguard("run", "--detach", cwd=tmp_path).stdout.strip()
    (tmp_path / "go").touch()
    wait_for_the_end_of(tmp_path / "pid")
    wait_until((tmp_path / f".vibeguard/runs/{run_id}/supervisor-killed").exists)
    for command in ("wait", "report", "tail"):
        result = vibeguard(command, run_id, cwd=tmp_path)
        # The late forger may have been swept before it had forged anything: then there is no seal.
        assert result.returncode in ((3, 4) if way == "late" else (4,)), (command, result.stderr)
        assert result.returncode == 3 or "its supervisor was killed" in result.stderr


@pytest.mark.slow
def test_a_supervisor_that_was_only_killed_leaves_an_incomplete_log(tmp_path: Path) -> None:
    """The counter-test: the note says nothing of a log that has no seal."""
    deed = "echo $PPID > pid; kill -KILL $PPID; exec sleep 600"
    project(tmp_path, f'version: "1"\nchecks:\n  - {{id: deed, run: {deed!r}}}\n')
    run_id = vibeguard("run", "--detach", cwd=tmp_path).stdout.strip()
    wait_until((tmp_path / f".vibeguard/runs/{run_id}/supervisor-killed").exists)
    for command in ("wait", "report", "tail"):
        assert vibeguard(command, run_id, cwd=tmp_path).returncode == 3, command


LATER = "20991124T070000.000001Z-0868"
PLANT = f"mkdir .vibeguard/runs/{LATER}; cp forged .vibeguard/runs/{LATER}/events.jsonl"


@pytest.mark.parametrize("failing", [f"echo x >> {R}/events.jsonl", f"rm {R}/events.jsonl", "true"])
def test_a_later_run_that_a_check_plants_is_no_run_even_if_the_log_fails(
    tmp_path: Path, failing: str
) -> None:
    """A supervisor that has to give up its log looks all the same at what lies beside it."""
    (tmp_path / "forged").write_bytes(forged(LATER))
    deed = f"{PLANT}; echo '{LATER} -' >> .vibeguard/order; {failing}"
    run = vibeguard("run", cwd=project(tmp_path, config(deed)))
    assert run.returncode == 4, run.stderr
    assert LATER not in run_ids(str(tmp_path / ".vibeguard"))
    assert vibeguard("report", cwd=tmp_path).returncode in (2, 4)


@pytest.mark.parametrize(
    ("moved", "by"),
    [
        (".vibeguard/runs", "mv .vibeguard/runs ../kept; touch .vibeguard/runs"),
        (".vibeguard/runs", "mv .vibeguard/runs ../kept"),
        (".vibeguard/runs", "mv .vibeguard/runs ../kept; mkdir .vibeguard/runs"),
        (".vibeguard", "mv .vibeguard ../kept; mkdir .vibeguard"),
        (".", "mv $PWD ../kept"),
    ],
)
def test_a_later_run_is_none_either_where_it_was_moved_from_under_the_supervisor(
    tmp_path: Path, moved: str, by: str
) -> None:
    """Who puts a folder back by hand must not find a planted run in the record."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "forged").write_bytes(forged(LATER))
    deed = f"{PLANT}; echo '{LATER} -' >> .vibeguard/order; {by}"
    run = vibeguard("run", cwd=project(work, config(deed)))
    assert run.returncode == 4, run.stderr
    subprocess.run(["rm", "-rf", os.path.normpath(work / moved)], check=True)
    (tmp_path / "kept").rename(work / moved)
    assert vibeguard("report", cwd=work).returncode in (2, 3, 4)


@pytest.mark.slow
def test_what_only_looks_changes_nothing(tmp_path: Path) -> None:
    """The counter-test: a check that reads everything passes."""
    deed = f"cat {R}/events.jsonl {R}/output/*; ls -lR .vibeguard"
    assert vibeguard("run", cwd=project(tmp_path, config(deed))).returncode == 0
