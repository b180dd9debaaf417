"""The published schemas: they say what the types say, and accept what we write and read."""

import json
import runpy
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from scripts.reference.schemas import schemas
from tests.helpers.histories import History, check
from vibeguard.core.config.load import load_config
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Prompt, Requirement, Triggers
from vibeguard.core.model.keys import keys_of
from vibeguard.core.model.settings import Settings
from vibeguard.core.problems import Problem
from vibeguard.core.report.build import build_report, problems_document

ROOT = Path(__file__).resolve().parents[3]
GENERATED = runpy.run_path(str(ROOT / "scripts" / "schemas"))["generated"]()

FULL = """
version: 1
x-mine: {anything: [goes]}
vars: {go_packages: ./..., empty: , number: 012, day: 2024-01-01}
settings:
  {parallel: 4, async_after: 60s, grace: 1m30s, fail_fast: yes, output_limit: 1GiB, keep_bytes: 4096, redact: [KEY], judge_timeout: 9s, on_change: note,
  shell: sh, leaks: warn, git_env: drop, reuse_for: 2h, leak_grace: 1s, run_timeout: 1h, grok_limit: 1MiB, links: {editor: vscode}, async_parallel: 2,
  reuse: false, keep_runs: 9, keep: [.venv], keep_age: 1h, pool: {name: p}, notify: [{command: x, on: [failed]}, {webhook: 'https://example.org'}]}
prompts:
  - {id: fix, description: d, content: c, tags: [a]}
  - {id: bare}
checks:
  - id: unit
    run: pytest -q
    requires: [fmt, {check: integration, while_pending: skip}, ]
    timeout: 12m
    async: auto
    severity: warning
    tags: [slow]
    grok: ['coverage: %{NUMBER:cov}%']
    file: out/coverage.txt
    assert: cov >= 80
    suggestion: s
    fix: make cover
    on: {failure: [fix], timeout: inline, success: []}
    env: {PYTHONHASHSEED: 0, EMPTY: }
    cwd: packages/api
    slow_after: 20s
    idle_timeout: 2m
    retries: 2
    group: db
    weight: 2
    leaks: warn
    output_limit: 1.5 MiB
    shell: bash
    git_env: drop
    on_change: allow
    judge_timeout: 0
    reuse_for: 1h
    inputs: ["src/**", "!**/*.md"]
    reuse: confirm
    tools: [pytest --version]
    outputs: []
    env_inputs: [HOME]
    files: ["*.py"]
    pass_files: true
    results: [{junit: "out/*.xml", x-note: mine}, {json: ruff}, {matcher: {owner: o, pattern: [{regexp: "^(.*)$", message: 1}]}}]
    expect: {min: 1, max_errors: 0}
    stale: allow
    quarantine: {results: [a], until: 2099-01-01, issue: 7}
  - {id: far, run: x, results: {tap: output}, where: {labels: [gpu]}, pass_env: [A], artifacts: [out/*], retry_lost: 1}
  - {id: fmt, run: true, timeout: 0, async: false, grok: a, x-note: mine, severity: , tags: }
  - {id: integration, run: 12, timeout: 1h2m0.5s, async: true}
  -
"""


@pytest.mark.parametrize("path", GENERATED, ids=str)
def test_what_is_committed_is_what_the_types_give(path):
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path], "run scripts/schemas"


@pytest.mark.parametrize("name", schemas())
def test_each_schema_is_one_and_says_which(name):
    schema = schemas()[name]
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert schema["$id"].startswith("urn:vibeguard:schema:")


def as_an_editor_reads_it(text: str) -> object:
    """YAML 1.2 as editors have it: `on` is a text, a date too."""
    return json.loads(json.dumps(yaml.load(text, Loader=EditorLoader)))


class EditorLoader(yaml.SafeLoader):
    """PyYAML without the words and dates of YAML 1.1."""

    yaml_implicit_resolvers = {
        first: [rule for rule in rules if rule[0].rpartition(":")[2] in ("int", "float", "null")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def problems(document: object) -> list[str]:
    schema = schemas()["config.schema.json"]
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [error.message for error in validator.iter_errors(document)]


def test_the_config_schema_accepts_every_key_that_the_loader_takes():
    """A list of `results` was called wrong in every editor."""
    document = as_an_editor_reads_it(FULL)
    assert isinstance(document, dict)
    written = {key for check in document["checks"] if check for key in check}
    assert written - {"x-note"} == set(keys_of(CheckConfig))
    assert set(document["settings"]) == set(keys_of(Settings))
    assert load_config(FULL.encode(), "vibeguard.yaml").checks
    assert problems(document) == []


def test_the_config_schema_accepts_scalars_that_yaml_did_not_read_as_text():
    text = FULL.replace("severity: , tags: }", "}").replace("  -\n", "")  # nothing is null here
    assert problems(yaml.load(text, Loader=yaml.BaseLoader)) == []


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ("checks: [{id: a, run: b, timeot: 3s}]", "timeot"),
        ("check: []\nchecks: [{id: a, run: b}]", "check"),
        ("checks: [{id: 1a, run: b}]", "1a"),
        (f"checks: [{{id: {'a' * 1001}, run: b}}]", "a" * 1001),
        ("checks: [{id: a}]", "run"),
        ("checks: []", "[]"),
        ("version: 2\nchecks: [{id: a, run: b}]", "2"),
        ("checks: [{id: a, run: b, timeout: 30}]", "30"),
        ("checks: [{id: a, run: b, timeout: 1 hour}]", "1 hour"),
        ("checks: [{id: a, run: b, requires: fmt}]", "fmt"),
        ("checks: [{id: a, run: b, weight: 0}]", "0"),
        ("settings: {paralel: 3}\nchecks: [{id: a, run: b}]", "paralel"),
        ("checks: [{id: a, run: b, on: {failed: x}}]", "failed"),
    ],
)
def test_the_config_schema_refuses_mistakes(broken, where):
    found = problems(as_an_editor_reads_it(broken))
    assert found
    assert where in str(found)


def test_the_config_schema_has_the_loader_s_keys_and_no_others():
    """A key that the loader learns must be known to editors too."""
    schema = schemas()["config.schema.json"]["properties"]
    item = schema["checks"]["items"]["properties"]
    prompt = schema["prompts"]["items"]["properties"]
    requirement = item["requires"]["items"]["properties"]
    assert set(schema) == set(keys_of(Config))
    assert set(item) == set(keys_of(CheckConfig))
    assert set(prompt) == set(keys_of(Prompt))
    assert set(requirement) == set(keys_of(Requirement))
    assert set(schema["settings"]["properties"]) == set(keys_of(Settings))
    assert set(item["on"]["properties"]) == set(Triggers.__struct_fields__)


def history() -> History:
    run = History(check("a"), check("b"), notes=("c was left out",))
    run.ready("a", "b")
    run.passes("a", extracted={"values": {"cov": "81"}})
    run.fails("b", tail=("last line",))
    return run.finish()


def validator(name: str):
    schema = schemas()[name]
    return jsonschema.validators.validator_for(schema)(schema)


def test_every_written_event_satisfies_the_event_schema():
    valid = validator("event.schema.json")
    for event in history().events:
        valid.validate(json.loads(msgspec.json.encode(event)))


def test_an_event_without_its_number_or_of_no_known_type_does_not():
    valid = validator("event.schema.json")
    assert not valid.is_valid({"type": "run.paused", "t": 3})
    assert not valid.is_valid({"type": "run.teleported", "seq": 1, "t": 3})
    assert not valid.is_valid({"type": "run.paused", "seq": -1, "t": 3})


def test_reports_and_refusals_satisfy_the_report_schema():
    valid = validator("report.schema.json")
    for report in (
        build_report(history().state),
        build_report(History(check("a")).state),
        problems_document([Problem("w", "d", "f", 1, 2, "x")]),
    ):
        document = json.loads(msgspec.json.encode(report))
        valid.validate(document)
        del document["violations"]
        assert not valid.is_valid(document)
