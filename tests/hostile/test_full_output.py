"""A stream without room for what is written ends no run, and hides no pass that was not told."""

import json
import os

import pytest

from tests.helpers.command import project, vibeguard

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
