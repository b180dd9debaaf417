"""One eventful run, and in which words every command and format sums it up: the same for all."""

import json
import re

import pytest

from tests.helpers.command import git, project, vibeguard
from vibeguard.commands.table import COMMANDS

FAILING = """
settings: {parallel: 1, grace: 100ms}
checks:
  - {id: good, run: ":"}
  - {id: unit, run: exit 1}
  - {id: slow, run: sleep 60, timeout: 50ms}
  - {id: cov, run: ":", file: missing.txt, grok: '(?P<x>.)', assert: x == 1}
  - {id: deploy, run: ":", requires: [unit]}
  - {id: style, run: exit 1, severity: warning}
  - {id: lint, run: no-such-linter, severity: warning}
  - {id: hint, run: ":", file: missing.txt, grok: '(?P<x>.)', severity: warning}
  - {id: after, run: ":", requires: [style], severity: warning}
"""
PASSING = """
settings: {parallel: 1}
checks:
  - {id: good, run: ":"}
  - {id: style, run: exit 1, severity: warning}
  - {id: lint, run: no-such-linter, severity: warning}
  - {id: tool, run: ./vibeguard.yaml, severity: warning}
  - {id: deep, run: ":", cwd: no-such-folder, severity: warning}
  - {id: word, run: echo v=x, grok: 'v=(?P<v>.)', assert: v > 1, severity: warning}
"""
NO_RESULT = "2 without a result (lint: exit code 127 (command not found), hint: FILE)"
NAMED = (
    "1 failed (unit), 1 timed out (slow), 1 could not be judged (cov), 2 skipped (deploy, after), "
    f"1 warned (style), {NO_RESULT}"
)
COUNTED = "1 failed, 1 timed out, 1 could not be judged, 2 skipped, 1 warned, 2 without a result, 1 passed"
COUNTS = {"passed": 1, "failed": 3, "timeout": 1, "skipped": 2, "error": 2}
SUMMARY = f"FAILED in TIME: {NAMED}, 1 passed"
PASSED = "passed: 1 of 6 checks in TIME; 1 warned (style), 4 without a result ("
LOOKED_AT_NOTHING = (
    "lint: exit code 127 (command not found)",
    "tool: exit code 126 (not executable)",
    "deep: the command could not be started",
    "word: the assertion could not be evaluated",
)

AGENT = f"VERDICT failed (exit code 1), run RUN: 9 of 9 checks settled: 1 passed, {NAMED}; TIME"

# What is asked, and the line of the answer that counts.
WORDS = {
    "run": SUMMARY,
    "run --format agent": AGENT,
    "report --format agent": AGENT,
    "hook failures": AGENT,
    "report --verbose": SUMMARY,
    "report --compare latest": SUMMARY,
    "tail --since 30": SUMMARY,
    "wait --until foreground": SUMMARY,
    "evidence": "partly: 1 of 9 checks passed on this tree; did not pass: unit, slow, cov, style, "
    "lint and 1 more; not run on it: deploy, after",
    "explain deploy": "deploy would run: it has no reuse: true",
    "cancel": "vibeguard: run RUN is over: there is nothing to cancel",
    "prune --keep-runs 9 --dry-run": "0 runs would go.",
    "tail": SUMMARY,
    "wait": SUMMARY,
    "report": SUMMARY,
    "report --format github": SUMMARY,
    "status": f"run RUN: failed in TIME (exit code 1): {NAMED}, 1 passed",
    "runs": f"RUN  failed  TIME  WHEN  {COUNTED}",
    "hook verdict TREE": f"vibeguard: run RUN of this tree: failed: {NAMED}, 1 passed",
}


def redacted(text: str) -> str:
    """Without what differs from run to run."""
    text = re.sub(r"\d{8}T\d{6}[\w.-]*", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "WHEN", text)
    text = re.sub(r"hint: [^,;\n]*?(?=\)(,|;|$)|$)", "hint: FILE", text)
    return re.sub(r"(?<=[ (;])<?\d[\d.]*(ms|s)\b", "TIME", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A repository whose tree has been checked."""
    folder = project(tmp_path_factory.mktemp("eventful"), FAILING)
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "m", cwd=folder)
    assert vibeguard("run", "--record-tree", cwd=folder).returncode == 1
    return folder


@pytest.mark.parametrize("command", WORDS)
def test_every_command_counts_alike(folder, command):
    tree = git("rev-parse", "HEAD^{tree}", cwd=folder).stdout.strip()
    done = vibeguard(*command.replace("TREE", tree).split(), cwd=folder)
    assert WORDS[command] in redacted(done.stdout + done.stderr).splitlines()


# They speak of no run that is over, or in words that are not their own.
OTHERS = {
    *("watch", "audit", "worker", "workers", "validate", "list", "tags", "prompt", "init"),
    *("migrate", "mcp", "schema", "completion"),
}


def test_every_command_that_speaks_of_a_run_is_in_the_table():
    """A new one gets its line here, or a reason why not."""
    assert {command.split()[0] for command in WORDS} | OTHERS == COMMANDS.keys()


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_so_do_the_formats_that_mark_up(folder, form):
    shown = vibeguard("report", "--format", form, cwd=folder).stdout
    plain = re.sub("&#(\\d+);", lambda m: chr(int(m[1])), shown)
    assert NAMED in redacted(plain)


def test_documents_count_by_outcome(folder):
    for command in ("report", "status", "wait"):
        assert json.loads(vibeguard(command, "--json", cwd=folder).stdout)["counts"] == COUNTS
    newest = json.loads(vibeguard("runs", "--json", cwd=folder).stdout)["runs"][0]
    assert newest["counts"] == COUNTS
    status = json.loads(vibeguard("status", "--json", cwd=folder).stdout)
    assert status["failed"] == ["unit", "slow", "cov"]
    assert status["not_passed"]["warned"] == ["style"]


def test_a_passing_run_names_the_warnings_that_looked_at_nothing(tmp_path):
    done = vibeguard("run", cwd=project(tmp_path, PASSING))
    assert done.returncode == 0
    line = redacted(done.stderr).splitlines()[-1]
    assert line.startswith(PASSED)
    assert [name for name in LOOKED_AT_NOTHING if name not in line] == []
