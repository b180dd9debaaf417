"""DESIGN section 13: `settings.notify` tells commands and webhooks how a run ended."""

import hmac
import json
import os
import subprocess
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from tests.helpers.command import vibeguard
from tests.helpers.receivers import receiver
from tests.helpers.waiting import wait_until

KEY = b"0123456789abcdef0123456789abcdef"


def run(
    folder: Path, notify: str, *flags: str, command: str = "true", **env: str
) -> "subprocess.CompletedProcess[str]":
    """A run of one check, with these entries of `notify`."""
    key = folder / "key"
    if not key.exists():
        key.write_bytes(KEY + b"\n")
        key.chmod(0o600)
    (folder / "vibeguard.yaml").write_text(
        f"settings:\n  notify:\n{notify}\nchecks:\n  - {{id: a, run: '{command}'}}\n"
    )
    env = {"VIBEGUARD_NOTIFY_KEY_FILE": str(key), **env}
    return vibeguard("run", *flags, cwd=folder, env=env)


def told(folder: Path) -> list[dict[str, object]]:
    """What was noted of the newest run, once it is there."""
    runs = folder / ".vibeguard" / "runs"
    wait_until(lambda: bool(list(runs.glob("*/notified.jsonl"))), "nobody was told")
    note = max(runs.glob("*/notified.jsonl"))
    wait_until(lambda: note.read_text().endswith("\n"))
    return [json.loads(line) for line in note.read_text().splitlines()]


def test_a_command_gets_the_report_document_once_the_log_is_sealed(tmp_path: Path) -> None:
    log = ".vibeguard/runs/*/events.jsonl"
    done = run(tmp_path, f"    - {{command: 'tail -n1 {log} > seal; cat > got'}}")
    assert done.returncode == 0
    assert told(tmp_path) == [{"target": told(tmp_path)[0]["target"], "attempts": 1}]
    assert json.loads((tmp_path / "seal").read_text())["type"] == "log.sealed"
    shown = vibeguard("report", "--json", cwd=tmp_path)
    assert json.loads((tmp_path / "got").read_text()) == json.loads(shown.stdout)
    assert "told" not in shown.stderr


def test_a_command_has_the_callers_environment_and_not_our_key(tmp_path: Path) -> None:
    done = run(tmp_path, "    - {command: 'env > got'}", OWN="own", GIT_DIR="/nowhere")
    assert done.returncode == 0
    assert told(tmp_path)
    lines = (tmp_path / "got").read_text().splitlines()
    assert "OWN=own" in lines
    assert not [line for line in lines if line.startswith(("VIBEGUARD_", "GIT_DIR"))]


def test_a_webhook_gets_the_document_with_a_signature_that_verifies(tmp_path: Path) -> None:
    with receiver(204) as server:
        assert run(tmp_path, f"    - {{webhook: '{server.url}'}}", command="false").returncode == 1
        assert "error" not in told(tmp_path)[0]
    [(headers, body)] = server.requests
    assert headers["content-type"] == "application/json"
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = b64encode(hmac.digest(KEY, content, sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{code}"
    document = json.loads(body)
    assert (document["verdict"], document["exit_code"]) == ("failed", 1)
    assert headers["webhook-id"].startswith(document["run_id"])


def test_it_is_sent_again_a_few_times_with_the_same_id(tmp_path: Path) -> None:
    with receiver(503, 429, 200) as server:
        assert run(tmp_path, f"    - {{webhook: '{server.url}'}}").returncode == 0
        assert told(tmp_path)[0]["attempts"] == 3
    assert len({headers["webhook-id"] for headers, _ in server.requests}) == 1


@pytest.mark.slow
def test_the_attempts_are_bounded(tmp_path: Path) -> None:
    """Five seconds of pauses."""
    with receiver(500) as server:
        assert run(tmp_path, f"    - {{webhook: '{server.url}'}}").returncode == 0
        assert told(tmp_path)[0]["error"] == "it answered 500"
    assert len(server.requests) == 4


@pytest.mark.parametrize("code", [302, 401])
def test_a_failure_is_shown_and_changes_no_verdict(tmp_path: Path, code: int) -> None:
    """Neither is tried again, and nothing follows a redirect."""
    with receiver(code) as server:
        done = run(tmp_path, f"    - {{webhook: '{server.url}?secret=canary'}}")
        assert done.returncode == 0
        assert told(tmp_path)[0]["attempts"] == 1
    assert len(server.requests) == 1
    sentence = "the webhook at 127.0.0.1 was not told of this run (1 attempt): it answered"
    for command in ("status", "report"):
        shown = vibeguard(command, cwd=tmp_path)
        assert shown.returncode == 0
        assert sentence in shown.stdout + shown.stderr
        assert "canary" not in shown.stdout + shown.stderr
    assert "it answered" in vibeguard("status", "--json", cwd=tmp_path).stdout


def test_no_command_waits_for_a_receiver_that_hangs(tmp_path: Path) -> None:
    with receiver(200) as server:
        server.go_on.clear()
        assert run(tmp_path, f"    - {{webhook: '{server.url}'}}").returncode == 0
        wait_until(lambda: bool(server.requests))
        assert not list(tmp_path.glob(".vibeguard/runs/*/notified.jsonl"))
        status = vibeguard("status", cwd=tmp_path).stdout
        assert "passed" in status
        server.go_on.set()
        assert "error" not in told(tmp_path)[0]


@pytest.mark.parametrize("flags", [("--detach",), ("--max-wait", "9m")], ids=str)
def test_nor_does_whoever_asks_about_a_run_in_the_background(flags, tmp_path: Path) -> None:
    """It was called pending until its notifier had ended, which may take a minute and a half."""
    with receiver(200) as server:
        server.go_on.clear()
        assert run(tmp_path, f"    - {{webhook: '{server.url}'}}", *flags).returncode == 0
        wait_until(lambda: bool(server.requests))
        for words in (["wait", "--max-wait", "20s"], ["report"], ["tail"]):
            assert vibeguard(*words, cwd=tmp_path).returncode == 0
        assert "there is nothing to cancel" in vibeguard("cancel", cwd=tmp_path).stderr
        assert vibeguard("run", *flags, cwd=tmp_path).returncode == 0
        server.go_on.set()


def test_a_run_in_the_background_tells_as_well(tmp_path: Path) -> None:
    assert run(tmp_path, "    - {command: 'cat > got'}", "--detach").returncode == 0
    assert "error" not in told(tmp_path)[0]
    assert json.loads((tmp_path / "got").read_text())["verdict"] == "passed"


def test_each_is_told_of_the_ends_that_it_names(tmp_path: Path) -> None:
    entries = "    - {command: 'touch got', on: [passed]}\n    - {command: 'touch all'}"
    run(tmp_path, entries, command="false")
    assert len(told(tmp_path)) == 1
    assert not (tmp_path / "got").exists()


def test_a_command_that_fails_is_shown_with_its_last_line(tmp_path: Path) -> None:
    assert run(tmp_path, "    - {command: 'echo nobody home; exit 3'}").returncode == 0
    assert told(tmp_path)[0]["error"] == "exit code 3: nobody home"
    assert "nobody home" in vibeguard("status", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("key", "why"),
    [("", "VIBEGUARD_NOTIFY_KEY_FILE is not set"), ("open", "may be read or written by others")],
)
def test_without_a_key_nothing_is_sent_and_the_verdict_stands(
    tmp_path: Path, key: str, why: str
) -> None:
    (tmp_path / "open").write_bytes(KEY)
    (tmp_path / "open").chmod(0o644)
    path = str(tmp_path / key) if key else ""
    with receiver(200) as server:
        entries = f"    - {{webhook: '{server.url}'}}"
        done = run(tmp_path, entries, VIBEGUARD_NOTIFY_KEY_FILE=path)
        assert done.returncode == 0
        assert why in str(told(tmp_path)[0]["error"])
    assert not server.requests


def test_a_run_in_a_check_leaves_the_telling_to_the_outer_run(tmp_path: Path) -> None:
    done = run(tmp_path, "    - {command: 'echo x >> got'}", VIBEGUARD_RUN="outer")
    assert done.returncode == 0
    assert not os.path.exists(tmp_path / "got")
    assert not list(tmp_path.glob(".vibeguard/runs/*/notified.jsonl"))
