"""DESIGN section 11, "Tree changed": what checks, or somebody beside them, made of the files."""

import json
from pathlib import Path

import pytest
import trio

from tests.helpers.command import git, vibeguard
from tests.helpers.scripted_executor import Script
from tests.helpers.staging import repository
from tests.helpers.virtual import check, run_virtually
from vibeguard.core.names import OnChange
from vibeguard.system.discovery.differing import changed_files, differing
from vibeguard.system.discovery.environment import caller_environment


def config(*checks: str) -> str:
    return "checks:\n" + "".join(f"  - {{{each}}}\n" for each in checks)


def run(folder: Path) -> dict:
    return json.loads(vibeguard("run", "--json", cwd=folder).stdout)


@pytest.mark.slow
def test_changed_files_are_named_in_the_summary_of_every_format(tmp_path):
    root = repository(
        tmp_path,
        **{
            ".gitignore": "ignored\n",
            "clean": "1",
            "dirty": "1",
            "same": "1",
            "gone": "1",
            "vibeguard.yaml": config(
                "id: a, run: 'echo 2 >clean; echo 3 >dirty; touch ignored same; rm gone; echo >new'"
            ),
        },
    )
    (root / "dirty").write_text("2")
    (root / "same").write_text("2")
    done = vibeguard("run", cwd=root)
    assert done.returncode == 0
    words = "changed by checks or by somebody else: clean, dirty, gone, new"
    assert f"; {words}\n" in done.stderr.replace("\n  ", " ")
    for form in ("agent", "markdown", "html", "github"):
        shown = vibeguard("report", "--format", form, cwd=root)
        assert "somebody else" in shown.stdout + shown.stderr, form
    document = json.loads(vibeguard("report", "--format", "json", cwd=root).stdout)
    names = ["clean", "dirty", "gone", "new"]
    assert document["changed"] == {"files": names, "left_out": 0, "untold": ""}


@pytest.mark.slow
def test_nothing_is_said_where_nothing_changed_or_every_check_may_change_files(tmp_path):
    text = config("id: a, run: 'touch made', on_change: allow")
    root = repository(tmp_path, **{"vibeguard.yaml": text})
    assert run(root)["changed"] is None
    root = repository(tmp_path / "b", **{"vibeguard.yaml": config("id: a, run: 'touch .git/x'")})
    assert run(root)["changed"] is None


@pytest.mark.slow
def test_a_check_that_must_change_nothing_fails_when_it_does_and_is_not_tried_again(tmp_path):
    root = repository(
        tmp_path,
        **{
            "a": "1\n",
            "vibeguard.yaml": config(
                "id: formats, run: 'echo 2 >a', on_change: fail, retries: 3",
                "id: reads, run: 'cat a; touch .git/x', on_change: fail",
                "id: fails, run: 'echo 3 >a; exit 3', on_change: fail",
            ),
        },
    )
    checks = {check["id"]: check for check in run(root)["checks"]}
    assert (checks["formats"]["status"], checks["formats"]["reason"]) == ("failed", "changed files")
    assert checks["formats"]["message"] == "changed files: a"
    assert checks["formats"]["attempts"] == 1
    assert checks["reads"]["status"] == "passed"
    assert checks["fails"]["reason"] == "exit_code"


@pytest.mark.slow
def test_outside_of_git_nobody_can_say_that_it_changed_nothing(tmp_path):
    (tmp_path / "vibeguard.yaml").write_text(
        config("id: a, run: 'true', on_change: fail", "id: b, run: 'touch x'")
    )
    document = run(tmp_path)
    checks = {check["id"]: check for check in document["checks"]}
    assert (checks["a"]["status"], checks["a"]["reason"]) == ("failed", "changed files")
    assert "cannot be told" in checks["a"]["message"]
    assert (checks["b"]["status"], document["changed"]) == ("passed", None)


def test_where_git_takes_too_long_that_is_said_in_a_word(tmp_path):
    root = repository(tmp_path, a="1")
    before = differing(str(root), caller_environment(), 0.000_001)
    assert before is not None
    assert before.untold.startswith("git takes over ")
    assert changed_files(str(root), caller_environment(), before, 10) == ([], before.untold)


def test_a_commit_meanwhile_changes_no_file(tmp_path):
    root = repository(tmp_path, a="1", b="1")
    (root / "a").write_text("2")
    git("add", "a", cwd=root)
    before = differing(str(root), caller_environment(), 10)
    assert before is not None
    git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x", cwd=root)
    assert changed_files(str(root), caller_environment(), before, 10) == ([], "")
    (root / "a").write_text("3")
    git("checkout", "-q", "HEAD", "--", "a", cwd=root)
    assert changed_files(str(root), caller_environment(), before, 10) == ([], "")
    (root / "a").write_text("4")
    assert changed_files(str(root), caller_environment(), before, 10) == ([b"a"], "")


def alone(name: str, *requires: str, **fields):
    return check(name, *requires, on_change=OnChange.FAIL, **fields)


def lasting(**seconds: float) -> dict[str, Script]:
    return {name: Script(duration_s=length) for name, length in seconds.items()}


def test_nothing_runs_beside_a_check_that_must_change_nothing():
    checks = [check("a"), alone("b"), check("c"), alone("d"), check("bg", mode="async")]
    run = run_virtually(checks, lasting(a=3, b=5, c=2, d=1, bg=4))
    spans = {name: (run.started_s(name), run.settled_s(name)) for name in run.outcomes()}
    assert set(run.outcomes().values()) == {"passed"}
    for name in ("b", "d"):
        begin, end = spans.pop(name)
        for other, (start, stop) in spans.items():
            assert stop <= begin or start >= end, (name, other, spans)


def test_the_background_lets_such_checks_of_the_foreground_go_first_and_waits_for_its_own_turn():
    checks = [alone("bg", mode="async"), alone("a"), alone("b"), check("bg2", mode="async")]
    run = run_virtually(checks, lasting(a=1, b=1, bg=100, bg2=100))
    assert run.settled_s("b") == pytest.approx(2)
    assert run.elapsed_s == pytest.approx(202)


def test_one_that_is_cancelled_in_the_queue_keeps_nobody_waiting():
    async def cancel(run):
        await trio.sleep(1)
        run.cancel_check("b")

    checks = [alone("a"), alone("b"), check("bg", mode="async")]
    run = run_virtually(checks, lasting(a=5, b=5, bg=1), during=cancel)
    assert run.outcomes() == {"a": "passed", "b": "cancelled", "bg": "passed"}
