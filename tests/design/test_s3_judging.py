"""DESIGN section 3: judging has a bound of its own, can be ended, and never reads half a text."""

import json
import os
import random
import re
import signal

import pytest

from tests.helpers.command import vibeguard
from tests.helpers.running import running
from vibeguard.core.model.events import CheckAttemptFinished

# Each byte costs RE2 some fifty microseconds: 400 KB are twenty seconds.
SLOW = "[a-d][^x]{1000}" * 10 + "x(?P<v>.)"


@pytest.fixture
def project(tmp_path):
    letters = random.Random(1).choices("abcdefgh", k=400_000)
    (tmp_path / "big.txt").write_text("".join(letters))
    return tmp_path


def run(folder, *checks, settings="{}", flags=()):
    body = "".join(f"  - {check}\n" for check in checks)
    (folder / "vibeguard.yaml").write_text(f"settings: {settings}\nchecks:\n{body}")
    done = vibeguard("run", "--json", *flags, cwd=folder)
    return done.returncode, {check["id"]: check for check in json.loads(done.stdout)["checks"]}


def test_judging_that_takes_too_long_is_an_error_and_a_failure_stays_one(project):
    code, checks = run(
        project,
        f"{{id: a, run: cat big.txt, grok: '{SLOW}', assert: v == 1}}",
        f"{{id: b, run: cat big.txt; exit 3, grok: '{SLOW}'}}",
        f"{{id: c, run: ':', file: big.txt, grok: '{SLOW}'}}",
        "{id: d, run: seq 1 30000, grok: '%{INT:n}', assert: n == 1}",
        settings="{judge_timeout: 300ms}",
    )
    assert code == 1
    for name in "ac":
        assert (checks[name]["status"], checks[name]["reason"]) == (
            "error",
            "judging took too long",
        )
        assert "longer than 0.3 s" in checks[name]["message"]
    assert (checks["b"]["status"], checks["b"]["reason"]) == ("failed", "exit_code")
    assert "exit code 3; its output could not be judged" in checks["b"]["message"]
    assert checks["d"]["status"] == "passed"


def test_the_end_of_the_run_ends_judging(project):
    code, checks = run(
        project,
        f"{{id: a, run: cat big.txt, grok: '{SLOW}'}}",
        settings="{run_timeout: 500ms}",
    )
    assert code == 1
    assert (checks["a"]["status"], checks["a"]["reason"]) == ("error", "judging took too long")
    assert "the run was cancelled" in checks["a"]["message"]
    code, checks = run(
        project,
        f"{{id: a, run: cat big.txt, grok: '{SLOW}'}}",
        "{id: b, run: sleep 0.4; exit 1}",
        settings="{fail_fast: true}",
    )
    assert (code, checks["a"]["reason"]) == (1, "judging took too long")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_judging(project, number):
    (project / "vibeguard.yaml").write_text(
        f"checks: [{{id: a, run: cat big.txt, grok: '{SLOW}'}}]\n"
    )
    with running(project, "run") as command:
        command.wait_for(CheckAttemptFinished)
        os.kill(command.pid, number)
        code, _, err = command.end()
    assert code == 128 + number
    assert "judging took too long" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "expected"), [("cancel", 143), ("cancel --check a", 1), ("the front is killed", 143)]
)
def test_who_cancels_the_run_or_the_check_ends_judging(project, words, expected):
    (project / "vibeguard.yaml").write_text(
        f"checks: [{{id: a, run: cat big.txt, grok: '{SLOW}', async: true}}]\n"
    )
    with running(project, "run") as command:
        command.wait_for(CheckAttemptFinished)
        if "killed" in words:
            os.kill(command.pid, signal.SIGKILL)
        else:
            assert vibeguard(*words.split(), cwd=project).returncode == 0
        command.end()
    done = vibeguard("wait", cwd=project)
    assert done.returncode == expected
    assert "judging took too long: the check or the run was cancelled meanwhile" in done.stderr


def test_more_than_grok_limit_is_an_error_and_said_even_if_the_command_failed(project):
    code, checks = run(
        project,
        "{id: a, run: head -c 40000 big.txt, grok: '(?P<v>.)'}",
        "{id: b, run: head -c 40000 big.txt; exit 1, grok: '(?P<v>.)'}",
        settings="{grok_limit: 30KB}",
    )
    assert code == 1
    assert (checks["a"]["status"], checks["a"]["reason"]) == ("error", "grok_limit")
    assert checks["b"]["reason"] == "exit_code"
    assert "could not be judged: the output is larger than grok_limit" in checks["b"]["message"]
    assert checks["b"]["extracted"] == {}


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("no.txt", "No such file or directory"),
        (".", "not a regular file"),
        ("loop", "symbolic link"),
        ("../beside.txt", "outside"),
    ],
)
def test_what_cannot_be_read_is_said_beside_a_command_that_failed(tmp_path, file, why):
    (tmp_path / "loop").symlink_to("loop")
    code, checks = run(tmp_path, f"{{id: a, run: exit 3, file: {file}, grok: '%{{INT:n}}'}}")
    assert (code, checks["a"]["reason"]) == (1, "exit_code")
    assert "exit code 3; its output could not be judged: " in checks["a"]["message"]
    assert why in checks["a"]["message"]


def test_what_patterns_extract_has_a_bound_that_the_log_can_hold(project):
    groks = ", ".join(f"'(?P<v{number}>(?s).*)'" for number in range(70))
    code, checks = run(project, f"{{id: a, run: cat big.txt, grok: [{groks}]}}")
    assert (code, checks["a"]["status"], checks["a"]["reason"]) == (1, "error", "grok_limit")
    assert vibeguard("report", cwd=project).returncode == 1


def test_an_order_of_a_number_and_a_text_is_a_bad_value(tmp_path):
    values = {"a": "1,234", "b": "9.5%", "c": "120KB", "d": "[no statements]"}
    code, checks = run(
        tmp_path,
        *(
            f"{{id: {name}, run: \"echo 'v={value}'\", grok: 'v=(?P<v>.*)', assert: v >= 1}}"
            for name, value in values.items()
        ),
    )
    assert code == 1
    for name, value in values.items():
        assert (checks[name]["status"], checks[name]["reason"]) == ("error", "bad value")
        assert f'"{value}"' in checks[name]["message"]


FROM_A_FILE = "file: cov.txt, grok: '%{NUMBER:cov}', assert: 'cov >= 80'"


@pytest.mark.parametrize(
    ("script", "is_old"),
    [
        (":", True),
        ("touch -r cov.txt x; echo 91 >cov.txt; touch -r x cov.txt", True),
        ("ln -sf old.txt cov.txt", True),
        ("echo 91 >cov.txt", False),
        ("touch cov.txt", False),
        ("cat cov.txt >x; mv x cov.txt", False),
    ],
)
def test_a_pass_by_an_old_file_says_how_old_it_is(tmp_path, script, is_old):
    """It may be of another commit, and the original takes it; who reads the report is to know."""
    for name in ("cov.txt", "old.txt"):
        (tmp_path / name).write_text("90\n")
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
    code, checks = run(tmp_path, f"{{id: a, run: '{script}', {FROM_A_FILE}}}")
    assert (code, checks["a"]["status"]) == (0, "passed")
    message = checks["a"].get("message", "")
    assert (
        re.fullmatch(r"cov\.txt is \d{6}h(\d+m)? older than the run", message)
        if is_old
        else not message
    )
    shown = vibeguard("report", "--format", "markdown", cwd=tmp_path).stdout
    assert ("older than the run" in shown) is is_old
