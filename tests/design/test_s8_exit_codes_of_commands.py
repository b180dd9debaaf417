"""DESIGN section 8, for what ends a command before it has begun: always 2, always said how."""

import json
import os
import subprocess
import sys

import pytest

from tests.helpers.command import environment, project, vibeguard
from tests.helpers.journals import recorded_runs
from vibeguard.system.rundir.refused import forget_refused, refused_since

CONFIG = "checks: [{id: a, run: 'true', tags: [fast]}]\n"

WRONG = [
    (["rnu"], 'Did you mean "run"'),
    (["list", "--nope"], "--nope"),
    (["list", "--tag", "a"], "--tags"),
    (["list", "extra"], "extra"),
    (["-c"], "-c"),
    (["list", "-c", "missing.yaml"], "missing.yaml"),
    (["list", "-p", "x"], "x"),
    (["list", "-p", "0"], "--parallel"),
    (["list", "--error-exit-code", "256"], "--error-exit-code"),
    (["list", "--error-exit-code=-1"], "--error-exit-code"),
    (["list", "--json=maybe"], "--json"),
    (["list", "--tags", "nope"], "nope"),
    (["run", "--tags", "nope"], "nope"),
    (["run", "--format", "xml"], "xml"),
    (["run", "--max-wait", "soon"], "soon"),
    (["run", "--format", "text", "--stream"], "formats"),
    (["completion", "tcsh"], "tcsh"),
    (["init", "-t", "cobol"], "cobol"),
    (["hook"], "KIND"),
    (["--", "list"], "--"),
]


@pytest.mark.parametrize(("argv", "said"), WRONG)
def test_a_usage_error_is_2_on_stderr(tmp_path, argv, said):
    """Nothing on stdout, no traceback, no state folder."""
    folder = project(tmp_path, CONFIG)
    done = vibeguard(*argv, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.startswith("vibeguard: ")
    assert "Traceback" not in done.stderr


def test_words_that_start_no_run_leave_no_older_pass_to_be_replayed(tmp_path):
    """Which flags there are is known later than that a run was asked for."""
    folder = project(tmp_path, CONFIG)
    state = str(tmp_path / "state")
    where = ("--state-dir", state)
    assert vibeguard("run", *where, cwd=folder).returncode == 0
    starts = [(argv, said) for argv, said in WRONG if argv[0] == "run"]
    for argv, said in [*starts, (["-p", "x", "check"], "x"), (["run", "--nope"], "--nope")]:
        assert vibeguard(*argv, f"--state-dir={state}", cwd=folder).returncode == 2
        refusal = refused_since(state, recorded_runs(state))
        assert refusal is not None
        assert said in refusal.problems[0].what
        assert vibeguard("list", "--nope", *where, cwd=folder).returncode == 2
        assert refused_since(state, recorded_runs(state)) == refusal
        forget_refused(state)
    assert not (folder / ".vibeguard").exists()


def test_who_is_answered_with_the_refusal_of_another_command_is_told_so_once(tmp_path):
    folder = project(tmp_path, CONFIG)
    vibeguard("run", cwd=folder)
    newest = vibeguard("runs", cwd=folder).stdout.split()[0]
    vibeguard("run", "--tags", "nope", cwd=folder)
    why = 'vibeguard: no check has the tag "nope": vibeguard tags shows the tags\n'
    whose = (
        "vibeguard: that is why the newest start has no run: to see the run before it, name it: "
    )
    for words in (["cancel"], ["wait"], ["report"]):
        done = vibeguard(*words, cwd=folder)
        assert (done.returncode, done.stderr) == (2, f"{why}{whose}{newest}\n")


@pytest.mark.parametrize(
    ("argv", "said"), [each for each in WRONG if each[0] not in (["-c"], ["--", "list"])]
)
def test_with_json_it_is_a_document_on_stdout(tmp_path, argv, said):
    """And nothing else, anywhere."""
    folder = project(tmp_path, CONFIG)
    done = vibeguard("--json", *argv, cwd=folder)
    assert (done.returncode, done.stderr) == (2, "")
    document = json.loads(done.stdout)
    assert document["exit_code"] == 2
    if said != "formats":
        assert any(said in each["message"] + each["hint"] for each in document["errors"])


@pytest.mark.parametrize("argv", [["list"], ["list", "--json"], ["prompt", "init"], ["--help"]])
def test_a_reader_that_has_gone_is_no_failure(tmp_path, argv):
    """`| head` must not turn an answer into an error, nor print one."""
    folder = project(tmp_path, CONFIG)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "vibeguard", *argv],
            cwd=folder,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_output_that_cannot_be_written_is_said_and_is_not_0(tmp_path, flags):
    """A full disk behind `> file`."""
    folder = project(tmp_path, CONFIG)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vibeguard", "list", *flags],
            cwd=folder,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_ends_nothing(tmp_path, closed):
    """Daemons start programs like that."""
    folder = project(tmp_path, CONFIG)
    done = subprocess.run(
        f'"{sys.executable}" -m vibeguard list {closed}',
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_a_locale_without_the_letters_ends_nothing(tmp_path):
    """What is written is UTF-8, whatever the locale says."""
    config = "checks: [{id: a, run: 'echo \u00e4\u2713'}]\n"
    folder = project(tmp_path, config)
    done = vibeguard("list", "-v", cwd=folder, env={"LC_ALL": "POSIX", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    assert "\u00e4\u2713" in done.stdout


def test_a_folder_that_is_gone_is_a_usage_error(tmp_path):
    """The shell stands in a removed folder."""
    script = f'mkdir x && cd x && rmdir ../x && "{sys.executable}" -m vibeguard list'
    done = subprocess.run(
        script,
        shell=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "working folder" in done.stderr


@pytest.mark.parametrize("verb", ["report", "tail"])
def test_a_budget_below_nothing_is_refused(tmp_path, verb):
    folder = project(tmp_path, CONFIG)
    assert vibeguard("run", cwd=folder).returncode == 0
    done = vibeguard(verb, "--format", "agent", "--budget=-1", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert '--budget: "-1" is not a whole number, 0 or more' in done.stderr


def test_a_record_of_runs_that_cannot_be_read_is_no_verdict_and_no_place_for_a_new_one(tmp_path):
    folder = project(tmp_path, CONFIG)
    assert vibeguard("run", cwd=folder).returncode == 0
    (folder / ".vibeguard" / "order").unlink()
    (folder / ".vibeguard" / "order").mkdir()
    for words in ("report", "wait", "status", "cancel", "evidence", "run --failed"):
        done = vibeguard(*words.split(), cwd=folder)
        assert (done.returncode, "cannot be read" in done.stderr) == (3, True), words
    assert vibeguard("run", cwd=folder).returncode == 4
