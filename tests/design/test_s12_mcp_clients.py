"""DESIGN 12: `vibeguard mcp` with clients that others have written, from requirements/mcp.

`nox -s mcp` installs them and names their folder; nightly, since they are 150 MB of packages and a
start of Node for each step.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, project
from tests.helpers.mcp_over_http import served
from vibeguard.core.mcp.tools import TOOLS

MODULES = os.environ.get("VIBEGUARD_TEST_NODE_MODULES", "")
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(not MODULES, reason="NOT TESTED WITH OTHER CLIENTS: run nox -s mcp"),
]
FAILING = 'checks: [{id: unit, run: "exit 1"}]\n'
SLOW = 'checks: [{id: unit, run: "sleep 3"}]\n'
# What each tool is asked; a run is there by then.
ASKED: dict[str, dict[str, object]] = {
    "run": {},
    "report": {"since": "last"},
    "output": {"check": "unit"},
    "cancel": {"run": "latest"},
    "explain": {"check": "unit"},
}
CLIENT = """
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
const [command, cwd, asked] = process.argv.slice(2);
const client = new Client({ name: "test", version: "1" });
const args = ["-m", "vibeguard", "mcp"];
await client.connect(new StdioClientTransport({ command, args, cwd, env: process.env }));
const found = {};
for (const { name } of (await client.listTools()).tools)
  found[name] = await client.callTool({ name, arguments: JSON.parse(asked)[name] ?? {} });
await client.close();
console.log(JSON.stringify(found));
"""
# Scenarios of the conformance suite, and what fails there that is not ours: it needs tools of
# the suite's own, or is about headers of HTTP, which the bridge of the tests has no word for.
SCENARIOS: dict[str, set[str]] = {
    "server-initialize": set(),
    "ping": set(),
    "tools-list": set(),
    "server-stateless": {
        "sep-2575-http-server-header-mismatch-400",
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-missing-capability-http-400",
        "sep-2575-http-server-no-independent-requests-on-stream",
        "sep-2575-server-no-log-without-loglevel",
    },
    "tasks-lifecycle": {
        "sep-2663-tool-error-uses-completed-status",
        "sep-2663-tasks-get-status-failed",
    },
    "tasks-capability-negotiation": set(),
    "tasks-wire-fields": set(),
    "tasks-request-state-removal": set(),
    "tasks-dispatch-and-envelope": {
        "tasks-server-directed-creation-no-hint",
        "tasks-result-type-complete-on-non-task-responses",
    },
}


def node(*argv: str | Path, cwd: Path) -> str:
    """What a program on Node says."""
    done = subprocess.run(
        ["node", *argv], cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_official_client_lists_and_calls_every_tool(tmp_path):
    """It checks what comes against the schemas that it was told."""
    folder = project(tmp_path / "p", FAILING)
    script = tmp_path / "client.mjs"
    script.write_text(CLIENT)
    (tmp_path / "node_modules").symlink_to(MODULES)
    found = json.loads(node(script, sys.executable, folder, json.dumps(ASKED), cwd=tmp_path))
    assert list(found) == list(TOOLS)
    assert [name for name, result in found.items() if result.get("isError")] == []
    assert found["run"]["structuredContent"]["exit_code"] == 1


def test_the_inspector_lists_the_tools_and_calls_one(tmp_path):
    folder = project(tmp_path, FAILING)
    inspector = Path(MODULES, ".bin", "mcp-inspector").resolve()
    command = [inspector, "--cli", sys.executable, "-m", "vibeguard", "mcp", "--method"]
    listed = json.loads(node(*command, "tools/list", cwd=folder))
    assert [tool["name"] for tool in listed["tools"]] == list(TOOLS)
    called = json.loads(node(*command, "tools/call", "--tool-name", "run", cwd=folder))
    assert called["structuredContent"]["verdict"] == "failed"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_conformance_suite_finds_nothing_of_ours(tmp_path, scenario):
    folder = project(tmp_path / "p", SLOW)
    suite = Path(MODULES, "@modelcontextprotocol", "conformance", "dist", "index.js")
    words = ["server", "--scenario", scenario, "--timeout", "120000", "-o", tmp_path / "out"]
    with served(folder) as url:
        subprocess.run(
            ["node", suite, *words, "--url", url],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            check=False,
        )
    (file,) = (tmp_path / "out").rglob("checks.json")
    checks = json.loads(file.read_text())
    assert [check["id"] for check in checks if check["status"] == "SUCCESS"]
    wrong = {check["id"]: check for check in checks if check["status"] == "FAILURE"}
    assert {id_: wrong[id_] for id_ in wrong.keys() - SCENARIOS[scenario]} == {}
