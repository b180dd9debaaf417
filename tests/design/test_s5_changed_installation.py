"""DESIGN section 5: a check that replaces VibeGuard itself changes nothing of its run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, project, vibeguard
from tests.helpers.receivers import receiver
from tests.helpers.waiting import wait_until

PACKAGE = Path(__file__).parents[2] / "vibeguard"
# Each ends in a way that nothing before it needs; `fixed` has advice, `slow` hangs.
CHECKS = """
settings: {grace: 100ms}
checks:
  - {id: replace, run: "mv lib/vibeguard lib/old; mkdir lib/vibeguard; echo 1/0 >lib/vibeguard/__init__.py"}
  - {id: slow, run: "echo 'tests/a.py::test_b'; exec sleep 60", timeout: 300ms, requires: [replace]}
  - {id: judged, run: "echo cov=7", grok: 'cov=%{INT:c}', assert: c > 80, requires: [replace]}
  - {id: leaves, run: "setsid sleep 60 & :", requires: [replace]}
  - {id: skipped, run: "true", requires: [judged]}
  - id: fixed
    run: "echo 'a.py:3:4: E501 bad'; exit 1"
    grok: 'a.py:%{INT:line}'
    suggestion: "{{if .line}}line {{.line}}{{end}}"
    fix: "mend {{.line}}"
    requires: [replace]
"""
COMMAND = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path[:] = [{lib!r}, *(path for path in sys.path if path and path != {root!r})]
sys.argv = ["vibeguard", *sys.argv[1:]]
from vibeguard.cli import command
command()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with an installation of its own, in which a run has failed before."""
    made = project(tmp_path, CHECKS)
    shutil.copytree(PACKAGE, made / "lib" / "vibeguard")
    assert run(made, "judged", "--no-deps").returncode == 1
    return made


def run(folder: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command = COMMAND.format(lib=str(folder / "lib"), root=str(PACKAGE.parent))
    return subprocess.run(
        [sys.executable, "-c", command, "run", *words],
        cwd=folder,
        env=environment(PYTHONPATH="", **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", ["", "-v", "--format agent", "--max-wait foreground"])
def test_each_format_shows_the_run_to_its_end(folder: Path, words: str) -> None:
    done = run(folder, *words.split())
    assert not (folder / "lib" / "vibeguard" / "cli.py").exists()
    assert done.returncode == 1, done.stderr
    said = done.stdout + done.stderr
    assert "defect" not in said
    assert "mend 3" in said
    assert "test_b" in said


def test_the_document_is_whole(folder: Path) -> None:
    document = json.loads(run(folder, "--json").stdout)
    assert {check["id"]: check["status"] for check in document["checks"]} == {
        "replace": "passed",
        "slow": "timeout",
        "judged": "failed",
        "leaves": "passed",
        "skipped": "skipped",
        "fixed": "failed",
    }
    assert [each["fix"] for each in document["violations"] if each["id"] == "fixed"] == ["mend 3"]


@pytest.mark.parametrize("flag", ["-v", "--detach"])
def test_those_who_asked_are_told_of_the_end(folder: Path, flag: str) -> None:
    (folder / "key").write_text("k" * 32)
    (folder / "key").chmod(0o600)
    with receiver(204) as server:
        notify = f"notify: [{{command: 'cat >got'}}, {{webhook: '{server.url}'}}]"
        config = CHECKS.replace("grace: 100ms", f"grace: 100ms, {notify}")
        (folder / "vibeguard.yaml").write_text(config)
        run(folder, flag, "replace", VIBEGUARD_NOTIFY_KEY_FILE=str(folder / "key"))
        wait_until(lambda: bool(list(folder.glob(".vibeguard/runs/*/notified.jsonl"))))
    assert [json.loads(body)["verdict"] for _, body in server.requests] == ["passed"]
    assert json.loads((folder / "got").read_bytes())["verdict"] == "passed"


# A front that takes long to import what it can need.
LATE = """
import time
import vibeguard.system.front.guarding as guarding
def late(*_):
    time.sleep(0.4)
    open("ready", "w").close()
guarding.import_ahead = late
from vibeguard.cli import command
command()
"""
DECLARES = "reuse: true, inputs: [a.txt], tools: [test -e ready]"


@pytest.mark.parametrize(("declares", "reused"), [
    ("", "1 check in"),
    (DECLARES, "1 check, all of them in"),  # its tool is a command, too
    (DECLARES.replace("test -e ready", ""), "1 check in"),  # found to run before the front is ready
])  # fmt: skip
def test_no_command_is_started_before_the_front_has_all_that_it_needs(
    tmp_path: Path, declares: str, reused: str
) -> None:
    """Reused or run, where each needs the file that is written then."""
    made = project(tmp_path, f"checks: [{{id: a, run: 'test -e ready', {declares}}}]\n")
    (made / "a.txt").write_text("1")
    (made / "ready").touch()
    assert vibeguard("run", cwd=made).returncode == 0
    (made / "ready").unlink()
    if "tools: []" in declares:
        (made / "a.txt").write_text("2")
    words = [sys.executable, "-c", LATE, "run", *["--reuse"][: bool(declares)]]
    done = subprocess.run(
        words, cwd=made, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, f"passed: {reused}" in done.stderr) == (0, True), done.stderr
