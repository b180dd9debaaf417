"""A stream without room for what is written ends no run, and hides no pass that was not told."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.command import environment, project, vibeguard
from tests.helpers.running import PATIENCE_S

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")

CONFIG = "checks: [{id: a, run: ':'}, {id: b, run: 'exit CODE', requires: [a]}]"


def run(folder, code: int, *words: str, full: int) -> tuple[int, str]:
    """Exit code of a run of which a stream is full, and what it says on stderr if that is not."""
    project(folder, CONFIG.replace("CODE", str(code)))
    done = vibeguard(*words, cwd=folder, before=("tests.helpers.streams", "full", str(full)))
    return done.returncode, done.stderr


@pytest.mark.parametrize(("code", "expected"), [(0, 3), (1, 1)])
@pytest.mark.parametrize(("form", "full"), [("jsonl", 1), ("json", 1), ("text", 2)])
def test_the_run_goes_on_to_its_end_and_only_a_pass_is_3(tmp_path, form, full, code, expected):
    ended, said = run(tmp_path, code, "run", "--format", form, full=full)
    assert ended == expected
    if full == 1:
        assert said.count("cannot write the output: No space left on device") == 1
    assert vibeguard("report", cwd=tmp_path).returncode == code


def test_commands_that_only_show_end_with_3(tmp_path):
    assert vibeguard("run", cwd=project(tmp_path, CONFIG.replace("CODE", "0"))).returncode == 0
    assert run(tmp_path, 0, "tail", "--format", "jsonl", full=1)[0] == 3


def test_a_detached_run_is_a_document_where_one_is_asked_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    project(tmp_path, "checks: [{id: held, run: 'read line < fifo', timeout: 10m}]")
    done = vibeguard("run", "--detach", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert (document["state"], document["verdict"]) == ("running", None)
    with open(tmp_path / "fifo", "w") as fifo:
        fifo.write("go on\n")
    assert vibeguard("wait", document["run_id"], cwd=tmp_path).returncode == 0


MANY = "checks:\n" + "".join(f"- {{id: c{i}, run: ': {'x' * 1000}'}}\n" for i in range(300))


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_does_not_block_gets_every_byte(tmp_path, unbuffered):
    """A parent such as Node has made it so: what one write did not take was lost, with exit code 0."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "vibeguard", "list", "--json"],
        cwd=project(tmp_path, MANY),
        env=environment(PYTHONUNBUFFERED=unbuffered),
        stdout=writing,
    )
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert len(json.loads(pipe.read())["checks"]) == 300
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_file_that_takes_a_part_is_told(tmp_path, unbuffered):
    """Where nothing is buffered, nobody looked how much of a write was taken."""
    with open(tmp_path / "list.json", "wb") as file:
        done = subprocess.run(
            ["prlimit", "--fsize=65536", sys.executable, "-m", "vibeguard", "list", "--json"],
            cwd=project(tmp_path, MANY),
            env=environment(PYTHONUNBUFFERED=unbuffered),
            stdout=file,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 3
    assert b"cannot write the output: File too large" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        *(("report", "-o", "out", "--format", form) for form in ("junit", "json", "html", "jsonl")),
        ("report", "--open", "-o", "out"),
        ("runs", "--format", "html", "-o", "out"),
        ("init", "-t", "bash", "-o", "out"),
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_written_to_its_end_is_not_there(tmp_path, words):
    """Half a report has fewer failures than there were, half a config fewer checks."""
    assert vibeguard("run", cwd=project(tmp_path, CONFIG.replace("CODE", "0"))).returncode == 0
    ulimit = ("prlimit", "--fsize=100", "--")
    done = vibeguard(*words, cwd=tmp_path, within=ulimit)
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stdout + done.stderr
    assert not list(tmp_path.glob("*out*"))
