"""DESIGN section 11: `audit CHECK`, one run under strace.

Where strace is not installed those tests are skipped, and say so; how its lines are understood is
shown by tests/unit/core/audit from a recorded trace, and what ends the command by a stand-in here.
"""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.processes import is_running
from tests.helpers.waiting import wait_until

real = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: nothing can be traced here"
)

CONFIG = """
vars: {second: src/b.txt}
checks:
  - id: unit
    run: >-
      cat src/a.txt {{.second}} node/lib.txt && ls src && echo "$GREETING $VIBEGUARD_CHECK" &&
      { cat nope.txt || true; } && echo new >out.txt && cat out.txt >&2
    inputs: ["src/a.*"]
    tools: ["cat --version"]
    env: {GREETING: hello}
  - {id: red, run: "exit 7"}
  - {id: killed, run: "kill -9 $$"}
  - {id: slow, run: "sleep 60", timeout: 1s}
  - {id: left, run: "sleep 60 & echo started"}
  - {id: told, run: "sleep 60 & echo $! >pids; echo $$ >>pids; wait"}
  - {id: long, run: "touch begun; sleep 60; touch over"}
"""


@pytest.fixture
def folder(tmp_path):
    project(tmp_path, CONFIG)
    for name in ("src/a.txt", "src/b.txt", "node/lib.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}\n")
    (tmp_path / ".gitignore").write_text("node/\n")
    git("init", "-q", cwd=tmp_path)
    return tmp_path


def stand_in(folder: Path, body: str) -> dict[str, str]:
    """A PATH with a `strace` that is this shell script and nothing else."""
    tools = folder.parent / f"{folder.name}-tools"
    tools.mkdir()
    script = tools / "strace"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return {"PATH": str(tools)}


# Does as strace does, but tells only that the shell was started.
PLAYS_ALONG = """
while [ "$1" != -- ]; do
  if [ "$1" = -o ]; then out=$2; fi
  shift
done
shift
echo "$$ execve(\\"\\\\x2f\\\\x62\\\\x69\\\\x6e\\\\x2f\\\\x73\\\\x68\\", [\\"\\"], 0x1) = 0" >"$out"
PATH=/usr/bin:/bin
exec "$@"
"""


@real
@pytest.mark.parametrize("more", [(), ("--json",)], ids=str)
def test_an_audit_shows_no_secret(tmp_path, more):
    """Neither of what the check writes, however it comes, nor of the names that it asks for."""
    script = "printf 'very se'; sleep 0.3; echo cret; cat no/$DEPLOY $MY_TOKEN; printf %s $MY_TOKEN"
    own = "env: {MY_TOKEN: tok-12345678}"
    config = f'settings: {{redact: [DEPLOY]}}\nchecks: [{{id: a, run: "{script}", {own}}}]\n'
    folder = project(tmp_path, config)
    done = vibeguard("audit", "a", *more, cwd=folder, env={"DEPLOY": "very secret"})
    said = done.stdout + done.stderr
    assert "very secret" not in said
    assert "tok-12345678" not in said
    assert said.count("[redacted]") >= 4


@real
def test_an_audit_says_what_inputs_miss_and_what_to_declare(folder):
    done = vibeguard("audit", "unit", cwd=folder)
    assert done.returncode == 0
    said = done.stdout.splitlines()
    assert said[0] == "unit: exit code 0; 3 files of the tree read"
    part = said[1 : said.index("to declare, after a look at it:")]
    assert part == [
        "read, and not in inputs:",
        "  src/b.txt",
        "  node/ (1, ignored by git)",
        "looked for and absent, and not in inputs:",
        "  nope.txt",
        "folders listed:",
        "  src",
        "written:",
        "  out.txt",
    ]
    assert said[-7:-3] == [
        "    inputs:",
        '      - "src/a.*"',
        '      - "src/b.txt"',
        "    tools:",
    ]
    assert said[-3:-1] == ['      - "cat --version"', '      - "ls --version"']
    for line in ("src/a.txt", "hello unit", "new"):
        assert line in done.stderr.splitlines()
    assert not (folder / ".vibeguard").exists()


@real
def test_what_is_pasted_covers_what_was_read(folder):
    audit = json.loads(vibeguard("audit", "unit", "--json", cwd=folder).stdout)
    config = CONFIG.replace('["src/a.*"]', json.dumps(audit["inputs"]))
    project(folder, config)
    again = json.loads(vibeguard("audit", "unit", "--json", cwd=folder).stdout)
    assert (again["missed"]["files"], again["incomplete"]) == ([], [])
    assert again["inputs"] == audit["inputs"]


@real
def test_a_check_that_was_audited_is_reused_by_what_was_pasted(tmp_path):
    """An audit by itself is no reason for green: neither a pass is recorded nor a declaration."""
    config = 'checks: [{id: unit, run: "cat a.txt && echo >> ran", reuse: true%s}]\n'
    project(tmp_path, config % "")
    (tmp_path / "a.txt").write_text("1")
    audit = json.loads(vibeguard("audit", "unit", "--json", cwd=tmp_path).stdout)
    for _ in range(2):
        done = vibeguard("run", "--reuse", cwd=tmp_path)
        assert "proposed by: vibeguard audit unit" in done.stderr
    assert (tmp_path / "ran").read_text() == "\n" * 3
    declared = f", outputs: [ran], inputs: {json.dumps(audit['inputs'])}, tools: {json.dumps(audit['tools'])}"
    project(tmp_path, config % declared)
    for _ in range(3):
        assert vibeguard("run", "--reuse", cwd=tmp_path).returncode == 0
    assert (tmp_path / "ran").read_text() == "\n" * 4


@real
def test_a_module_whose_bytecode_is_read_in_its_place_is_proposed(tmp_path):
    """Python asks such a source for its times alone; without it a pass would outlive a change."""
    project(tmp_path, f"checks: [{{id: unit, run: {sys.executable} -Sc 'import part'}}]\n")
    (tmp_path / "part.py").write_text(
        "import os\nif os.path.exists('out.txt'): open('out.txt', 'w')\n"
    )
    (tmp_path / "out.txt").touch()
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    git("init", "-q", cwd=tmp_path)
    env = environment(PYTHONDONTWRITEBYTECODE="", PYTHONPATH=str(tmp_path))
    for _ in range(2):  # the first makes the bytecode
        audit = json.loads(vibeguard("audit", "unit", "--json", cwd=tmp_path, env=env).stdout)
    assert audit["examined"]["files"] == ["out.txt", "part.py"]
    assert audit["inputs"] == ["part.py"]


@real
def test_a_trace_that_the_tracer_did_not_finish_is_told(folder):
    """The check goes on without it, and keeps its own exit code; a newer strace takes it along."""
    (folder / "kill.sh").write_text(
        "while read -r key value; do\n"
        '  if [ "$key" = TracerPid: ]; then kill -9 "$value"; fi\n'
        "done </proc/self/status; exit 4\n"
    )
    with (folder / "vibeguard.yaml").open("a") as config:
        config.write('  - {id: murder, run: "sh kill.sh"}\n')
    done = vibeguard("audit", "murder", cwd=folder)
    assert done.returncode in (4, 128 + signal.SIGKILL)
    assert "not the whole story: the tracer ended before the check" in done.stdout


@real
@pytest.mark.parametrize(
    ("check", "code", "said"),
    [
        ("red", 7, "exit code 7"),
        ("killed", 137, "ended by SIGKILL"),
        ("slow", 1, "timed out after 1 s"),
        ("left", 0, "exit code 0, and left processes behind"),
    ],
)
def test_the_exit_code_is_the_check_s(folder, check, code, said):
    done = vibeguard("audit", check, "--json", cwd=folder)
    audit = json.loads(done.stdout)
    assert (done.returncode, audit["exit_code"], audit["ended"]) == (code, code, said)
    assert audit["incomplete"] == []


@real
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_check_and_its_tree(folder, number, code):
    process = subprocess.Popen(
        [sys.executable, "-m", "vibeguard", "audit", "long"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until((folder / "begun").exists)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    assert f"the audit of long was ended by {number.name}".encode() in err
    assert not (folder / "over").exists()


@real
def test_an_audit_that_is_killed_leaves_no_check_behind(folder):
    """Nor does it wait for anybody: a guardian that no tree of the audit holds ends the check."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vibeguard", "audit", "told"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        lambda: (folder / "pids").exists() and (folder / "pids").read_text().count("\n") == 2
    )
    process.kill()
    process.wait()
    pids = [int(pid) for pid in (folder / "pids").read_text().split()]
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_with_a_stand_in_for_strace_the_exit_code_is_the_check_s_too(folder):
    tools = stand_in(folder, PLAYS_ALONG)
    done = vibeguard("audit", "red", "--json", cwd=folder, env=tools)
    assert (done.returncode, json.loads(done.stdout)["ended"]) == (7, "exit code 7")
    assert json.loads(done.stdout)["incomplete"] == ["the tracer ended before the check"]


def test_without_strace_nothing_is_run_and_it_is_said_what_to_install(folder):
    (folder / "empty").mkdir()
    done = vibeguard("audit", "long", cwd=folder, env={"PATH": str(folder / "empty")})
    assert (done.returncode, done.stdout) == (2, "")
    assert "a trace cannot be taken: strace is not on PATH" in done.stderr
    assert "install strace" in done.stderr
    assert not (folder / "begun").exists()


def test_where_tracing_is_refused_nothing_is_run_either(folder):
    said = "strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted"
    tools = stand_in(folder, f"echo '{said}' >&2; exit 1")
    done = vibeguard("audit", "long", cwd=folder, env=tools)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"a trace cannot be taken: {said}" in done.stderr
    assert not (folder / "begun").exists()


def test_an_unknown_check_is_refused_as_everywhere(folder):
    done = vibeguard("audit", "unt", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'there is no check "unt": did you mean "unit"?' in done.stderr
