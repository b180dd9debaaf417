"""DESIGN section 6: the seal, printed, pinned and explained; outputs held against their digests."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, git, project, vibeguard
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder, run_ids

CONFIG = """\
version: "1"
checks:
  - {id: says, run: echo some words}
"""
SHA256 = re.compile(r"[0-9a-f]{64}\n")


def newest(folder: Path) -> Path:
    state = str(folder / ".vibeguard")
    return Path(run_folder(state, run_ids(state)[-1]))


@pytest.fixture
def folder(tmp_path) -> Path:
    """A project with one passed run."""
    project(tmp_path, CONFIG)
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    return tmp_path


def test_run_prints_the_seal_that_report_prints_and_that_stands_in_the_log(tmp_path):
    project(tmp_path, CONFIG)
    ran = vibeguard("run", "--print-seal", cwd=tmp_path)
    assert ran.returncode == 0
    assert SHA256.fullmatch(ran.stdout)
    assert vibeguard("report", "--print-seal", cwd=tmp_path).stdout == ran.stdout
    _, reading = open_state(str(newest(tmp_path)))
    assert reading.seal is not None
    assert ran.stdout == f"{reading.seal.sha256}\n"


def test_beside_a_machine_format_the_seal_is_on_stderr(folder):
    said = vibeguard("report", "--json", "--print-seal", cwd=folder)
    assert said.stdout.startswith("{")
    assert any(SHA256.fullmatch(line) for line in said.stderr.splitlines(keepends=True))


def test_the_seal_can_be_checked_without_us_as_the_docs_show(folder):
    page = (ROOT / "docs/log.md").read_text(encoding="utf-8")
    script = next(s for s in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if "sha256sum" in s)
    call = ["sh", "-c", script]
    assert subprocess.run(call, cwd=folder, check=False).returncode == 0
    log = newest(folder) / "events.jsonl"
    log.write_bytes(log.read_bytes().replace(b"passed", b"failed", 1))
    assert subprocess.run(call, cwd=folder, check=False).returncode == 1


def test_a_pinned_seal_is_the_only_one_that_is_accepted(folder):
    seal = vibeguard("report", "--print-seal", cwd=folder).stdout.strip()
    for same in (seal, seal.upper(), f" {seal} "):
        assert vibeguard("report", "--expect-seal", same, cwd=folder).returncode == 0
    for other in ("0" * 64, seal[:-1], "nonsense", ""):
        refused = vibeguard("report", f"--expect-seal={other}", cwd=folder)
        assert refused.returncode == 4, other
        assert seal in refused.stderr


def test_a_log_that_lost_its_seal_has_not_the_expected_one(folder):
    seal = vibeguard("report", "--print-seal", cwd=folder).stdout.strip()
    log = newest(folder) / "events.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    assert open_state(str(newest(folder)))[1].status is LogStatus.INCOMPLETE
    refused = vibeguard("report", "--expect-seal", seal, cwd=folder)
    assert refused.returncode == 4
    assert "missing" in refused.stderr
    assert vibeguard("report", "--print-seal", cwd=folder).stdout == ""


@pytest.mark.parametrize("whose", ["ours", "somebody else's"])
def test_a_run_of_elsewhere_is_believed_for_a_pinned_seal_alone(folder, whose):
    """Another name, another owner, no state folder around it: what a download of CI looks like."""
    seal = vibeguard("report", "--print-seal", cwd=folder).stdout.strip()
    there = folder / "artifacts/from-ci"
    shutil.copytree(newest(folder), there)
    if whose != "ours":
        try:
            os.chown(there / "events.jsonl", 65534, 65534)
        except PermissionError:
            pytest.skip("only root can give a file away")
    for path in (there, there / "events.jsonl"):
        assert vibeguard("report", str(path), cwd=folder).returncode == 4
        assert vibeguard("report", str(path), "--expect-seal", seal, cwd=folder).returncode == 0
        assert vibeguard("report", str(path), "--expect-seal", "0" * 64, cwd=folder).returncode == 4
    nowhere = vibeguard("report", "./nowhere", cwd=folder)
    assert nowhere.returncode == 2
    assert "no run at ./nowhere" in nowhere.stderr


@pytest.mark.parametrize("change", ["altered", "cut", "removed", "replaced by a link"])
def test_verify_names_the_output_that_is_not_what_was_recorded(folder, change):
    assert vibeguard("report", "--verify", cwd=folder).returncode == 0
    output = newest(folder) / "output/says.1.log"
    text = output.read_bytes()
    output.unlink()
    if change == "altered":
        output.write_bytes(text.replace(b"some", b"same"))
    elif change == "cut":
        output.write_bytes(text[:-1])
    elif change == "replaced by a link":
        (folder / "copy").write_bytes(text)
        output.symlink_to(folder / "copy")
    found = vibeguard("report", "--verify", cwd=folder)
    assert found.returncode == 4
    assert "output/says.1.log is not the output that was recorded" in found.stderr
    assert vibeguard("report", cwd=folder).returncode == 0


def test_report_warns_when_the_config_is_not_the_one_that_was_run(folder):
    assert "has changed" not in vibeguard("report", cwd=folder).stderr
    config = folder / "vibeguard.yaml"
    config.write_text(CONFIG + "# another one\n")
    warned = vibeguard("report", cwd=folder)
    assert warned.returncode == 0
    assert "vibeguard.yaml has changed since this run" in warned.stderr
    config.unlink()
    assert "vibeguard.yaml was removed since this run" in vibeguard("report", cwd=folder).stderr


def test_report_warns_when_the_commit_is_not_the_one_that_was_checked(tmp_path):
    project(tmp_path, CONFIG)
    git("init", "-q", cwd=tmp_path)
    git("add", "vibeguard.yaml", cwd=tmp_path)
    git("commit", "-q", "-m", "one", cwd=tmp_path)
    first = git("rev-parse", "HEAD", cwd=tmp_path).stdout.strip()
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    assert "commit" not in vibeguard("report", cwd=tmp_path).stderr
    git("commit", "-q", "--allow-empty", "-m", "two", cwd=tmp_path)
    second = git("rev-parse", "HEAD", cwd=tmp_path).stdout.strip()
    warned = vibeguard("report", cwd=tmp_path)
    assert warned.returncode == 0
    said = f"this run was of commit {first[:12]}; the present one is {second[:12]}"
    assert f"{said}, of the same tree\n" in warned.stderr
    project(tmp_path, CONFIG + "# another one\n")
    git("commit", "-q", "-am", "three", cwd=tmp_path)
    assert "the same tree" not in vibeguard("report", cwd=tmp_path).stderr
    machine = vibeguard("report", "--json", cwd=tmp_path)
    assert json.loads(machine.stdout)["verdict"] == "passed"
    assert "this run was of commit" in machine.stderr


def test_report_says_so_when_what_was_checked_has_been_committed_since(tmp_path):
    """As by the hook: the run is of the commit before, and of the tree of the new one."""
    project(tmp_path, CONFIG)
    git("init", "-q", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path)
    assert vibeguard("run", "--record-tree", cwd=tmp_path).returncode == 0
    git("add", "vibeguard.yaml", cwd=tmp_path)
    git("commit", "-q", "-m", "two", cwd=tmp_path)
    assert ", of the same tree\n" in vibeguard("report", cwd=tmp_path).stderr


def promise(text: str) -> str:
    """What a text says that the seal promises, without markup and line ends."""
    words = " ".join(re.sub(r"[`*]", "", text).split())
    found = re.search(r"What the seal promises.*?: (it detects damage.*?the present one\.)", words)
    assert found, "the promise is not there"
    return found[1]


@pytest.mark.parametrize("argv", [("--help",), ("report", "--help")])
def test_help_docs_and_design_promise_the_same(tmp_path, argv):
    design = promise((ROOT / "docs/design.md").read_text(encoding="utf-8"))
    assert "It does not authenticate" in design
    assert promise((ROOT / "docs/log.md").read_text(encoding="utf-8")) == design
    assert promise(vibeguard(*argv, cwd=tmp_path).stdout) == design
