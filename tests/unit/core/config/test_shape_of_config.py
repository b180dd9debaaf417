"""Keys and kinds of values: what each takes, and what is said about everything else."""

import pytest

from tests.helpers.configs import check, complaints, load, load_check, only_complaint, problems
from vibeguard.core.model.config import DEFAULT_TIMEOUT_NS, CheckConfig, CheckKeys, Config
from vibeguard.core.model.config_parts import Requirement, Trigger
from vibeguard.core.model.keys import keys_of
from vibeguard.core.model.settings import CheckDefaults, RunSettings, Settings
from vibeguard.core.names import (
    GitEnvironment,
    LeakPolicy,
    OnChange,
    ReusePolicy,
    Severity,
    WhilePending,
)
from vibeguard.core.planning.plan import make_plan, resolve_settings

SECOND = 10**9

ALL_KEYS = """
version: "1"
vars: {go_packages: "./...", empty: , "any text": on}
settings:
  parallel: 4
  async_parallel: 3
  async_after: 90s
  grace: 1s
  fail_fast: yes
  run_timeout: 1h
  leaks: fail
  leak_grace: 300ms
  output_limit: 10MB
  grok_limit: 1MiB
  keep_runs: 7
  keep_bytes: 5GiB
  keep_age: 24h
  shell: bash
  on_change: allow
  git_env: keep
  judge_timeout: 3s
  redact: [API_KEY, TOKEN]
  reuse: yes
  reuse_for: 2h
  x-mine: [1]
prompts:
  - {id: fix, description: d, content: c, tags: [a], x-mine: 1}
  - id: bare
checks:
  - id: unit
    run: pytest -q
    requires: [fmt, {check: integration, while_pending: skip, x-mine: 1}]
    timeout: 12m
    async: auto
    severity: warning
    tags: [slow, slow]
    grok: ['coverage: %{NUMBER:cov}%']
    file: out/coverage.txt
    assert: "cov >= 80 && cov <= 100"
    suggestion: "Coverage is {{.cov}}%."
    fix: "make cover"
    on: {failure: [fix], timeout: "inline text", success: [], x-mine: 1}
    env: {PYTHONHASHSEED: "0", EMPTY: "", ABSENT: ~}
    cwd: ./packages//api/
    inputs: ["src/**", "!**/*.md"]
    files: ["*.py"]
    pass_files: no
    reuse: confirm
    reuse_for: 90m
    tools: [pytest --version]
    outputs: []
    env_inputs: [SEED]
    slow_after: 20s
    idle_timeout: 2m
    retries: 2
    group: db
    weight: 3
    leaks: ignore
    output_limit: 1GiB
    shell: python3 -c
    on_change: fail
    git_env: drop
    judge_timeout: 1m
    x-mine: {a: [b]}
  - {id: fmt, run: 'true'}
  - {id: integration, run: 'true', async: true}
x-mine: anything
"""


def test_every_key_of_the_design() -> None:
    """One config that has them all."""
    config = load(ALL_KEYS)
    assert config.vars == {"go_packages": "./...", "empty": "", "any text": "on"}
    assert config.settings == Settings(
        parallel=4,
        async_parallel=3,
        async_after_ns=90 * SECOND,
        grace_ns=SECOND,
        fail_fast=True,
        run_timeout_ns=3600 * SECOND,
        leaks=LeakPolicy.FAIL,
        leak_grace_ns=SECOND * 3 // 10,
        output_limit_bytes=10_000_000,
        grok_limit_bytes=1 << 20,
        keep_runs=7,
        keep_bytes=5 << 30,
        keep_age_ns=24 * 3600 * SECOND,
        shell="bash",
        on_change=OnChange.ALLOW,
        git_env=GitEnvironment.KEEP,
        judge_timeout_ns=3 * SECOND,
        redact=("API_KEY", "TOKEN"),
        reuse=True,
        reuse_for_ns=7200 * SECOND,
    )
    unit = config.checks[0]
    assert unit.requires == (Requirement("fmt"), Requirement("integration", WhilePending.SKIP))
    assert (unit.timeout_ns, unit.mode, unit.severity) == (720 * SECOND, "auto", Severity.WARNING)
    assert (unit.tags, unit.grok, unit.file) == (
        ("slow",),
        ("coverage: %{NUMBER:cov}%",),
        "out/coverage.txt",
    )
    assert unit.suggestion == "Coverage is {{.cov}}%."
    assert unit.on.failure == (Trigger("fix", "c"),)
    assert unit.on.timeout == (Trigger("inline", "inline text"),)
    assert unit.on.success == ()
    assert unit.env == {"PYTHONHASHSEED": "0", "EMPTY": ""}
    assert not unit.pass_files
    assert (unit.inputs, unit.files) == (("src/**", "!**/*.md"), ("*.py",))
    assert (unit.reuse, unit.reuse_for_ns) == (ReusePolicy.CONFIRM, 5400 * SECOND)
    assert (unit.tools, unit.outputs, unit.env_inputs) == (("pytest --version",), (), ("SEED",))
    assert (unit.cwd, unit.group, unit.weight, unit.retries) == ("packages/api", "db", 3, 2)
    assert (unit.slow_after_ns, unit.idle_timeout_ns) == (20 * SECOND, 120 * SECOND)
    assert (unit.leaks, unit.output_limit_bytes) == (LeakPolicy.IGNORE, 1 << 30)
    assert (unit.shell, unit.on_change, unit.git_env) == ("python3 -c", "fail", "drop")
    assert unit.judge_timeout_ns == 60 * SECOND
    assert [(p.id, p.content) for p in config.prompts] == [("fix", "c"), ("bare", "")]


def test_a_check_that_does_not_say_has_what_the_settings_say() -> None:
    """Whatever both may say."""
    fmt = load(ALL_KEYS).checks[1]
    settings = load(ALL_KEYS).settings
    for field in CheckDefaults.__struct_fields__:
        assert getattr(fmt, field) == getattr(settings, field)
    assert fmt.leaks is LeakPolicy.FAIL


def test_the_plan_has_what_the_config_says() -> None:
    """Every key but the values of the environment."""
    config = load(ALL_KEYS)
    plan = make_plan(
        config.checks, resolve_settings(config.settings, usable_cpus=1), variables=config.vars
    )
    for field in CheckKeys.__struct_fields__:
        assert getattr(plan.checks[0], field) == getattr(config.checks[0], field)
    for field in RunSettings.__struct_fields__:
        assert getattr(plan.settings, field) == getattr(config.settings, field)
    assert plan.checks[0].env_names == ("EMPTY", "PYTHONHASHSEED")


def test_defaults() -> None:
    """A check needs an id and a command; everything else has a default."""
    config = load(check())
    assert config.settings == Settings()
    assert (config.vars, config.prompts) == ({}, ())
    assert config.checks[0].timeout_ns == DEFAULT_TIMEOUT_NS
    assert config.checks[0].severity is Severity.ERROR


@pytest.mark.parametrize("key", keys_of(CheckConfig))
def test_each_misspelt_key_of_a_check_is_found(key: str) -> None:
    """With the key that was meant."""
    wrong = key[:-1] + "zq"[key[-1] == "z"] if len(key) > 3 else key + "s"
    complaint = complaints(check(f"{wrong}: 1"))[-1]
    assert complaint.startswith(f'4:5: unknown key "{wrong}" in a check: did you mean "{key}"?')


@pytest.mark.parametrize(
    ("key", "what_to_do"),
    [
        *((short, "remove it") for short in ("if", "do", "is", "by")),
        ("needs", 'did you mean "requires"?'),
        ("script", 'did you mean "run"?'),
    ],
)
def test_a_key_of_another_tool_is_not_taken_for_a_slip(key: str, what_to_do: str) -> None:
    """A short word is near to every short key: "id" was proposed for `if`."""
    complaint = complaints(check(f"{key}: 1"))[-1]
    assert complaint.startswith(f'4:5: unknown key "{key}" in a check: {what_to_do}')


@pytest.mark.parametrize("key", keys_of(Settings))
def test_each_misspelt_setting_is_found(key: str) -> None:
    """With the setting that was meant."""
    text = check() + f"settings:\n  {key.upper()}: 1\n"
    assert f'did you mean "{key}"?' in only_complaint(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (check("timeot: 1m"), '4:5: unknown key "timeot" in a check: did you mean "timeout"?'),
        (
            check("depends_on: [b]"),
            '4:5: unknown key "depends_on" in a check: did you mean "requires"?',
        ),
        (check("command: x"), '4:5: unknown key "command" in a check: did you mean "run"?'),
        (check("frobnicate: 1"), '4:5: unknown key "frobnicate" in a check: remove it'),
        (check("X-mine: 1"), '4:5: unknown key "X-mine"'),
        (check("x_mine: 1"), '4:5: unknown key "x_mine"'),
        (check("? ''\n    : 1"), '4:7: unknown key ""'),
        (check("on: {fail: x}"), '4:10: unknown key "fail" in "on": '),
        (check("on: {sucess: x}"), '4:10: unknown key "sucess" in "on": did you mean "success"?'),
        (check() + "check: []\n", '4:1: unknown key "check" in a config: did you mean "checks"?'),
        (check() + "prompts: [{id: p, contents: x}]\n", 'did you mean "content"?'),
        (
            check("requires: [{check: b, when_pending: skip}]") + "  - {id: b, run: x}\n",
            'did you mean "while_pending"?',
        ),
        (
            check("requires: [{id: b}]") + "  - {id: b, run: x}\n",
            'unknown key "id" in a requirement: did you mean "check"?',
        ),
    ],
)
def test_unknown_keys(text: str, complaint: str) -> None:
    """At every level, with what was probably meant."""
    assert any(complaint in line for line in complaints(text)), complaints(text)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("requires: fmt", '4:15: "requires" takes a list, not a text: write "requires: [...]"'),
        ("requires: {check: b}", '4:15: "requires" takes a list, not a mapping'),
        ("requires: [[b]]", '4:16: an entry of "requires" is an id, or {check: ID'),
        ("requires: [{while_pending: wait}]", '4:16: this requirement has no "check"'),
        ("tags: slow", '4:11: "tags" takes a list, not a text'),
        ("tags: ''", '4:11: "tags" takes a list, not a text'),
        ("tags: [{a: b}]", '4:12: an entry of "tags" is a text, not a mapping'),
        ("grok: {a: b}", '4:11: "grok" takes a text or a list, not a mapping'),
        ("grok: [[a]]", '4:12: an entry of "grok" is a text, not a list'),
        ("timeout: [1m]", '4:14: "timeout" takes a text, not a list'),
        ("file: {a: b}", '4:11: "file" takes a text, not a mapping'),
        ("on: fix", '4:9: "on" takes a mapping, not a text'),
        ("on: [fix]", '4:9: "on" takes a mapping, not a list'),
        ("on: {failure: {a: b}}", '4:19: "failure" takes a text or a list, not a mapping'),
        ("env: [A]", '4:10: "env" takes a mapping, not a list'),
        ("env: {A: [b]}", '4:14: the variable "A" takes a text, not a list'),
        ("severity: [error]", '4:15: "severity" takes a text, not a list'),
    ],
)
def test_values_of_the_wrong_kind(line: str, complaint: str) -> None:
    """At the value, with the kind that belongs there."""
    assert only_complaint(check(line)).startswith(complaint)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1:1: the config is empty"),
        ("# only a comment\n", "1:1: the config is empty"),
        ("---\n...\n", "1:1: the config is empty"),
        ("~", "1:1: the config is empty"),
        ("[]", '1:1: a config is a mapping with the key "checks", not a list'),
        ("hello", '1:1: a config is a mapping with the key "checks", not a text'),
        ("version: 1", "1:1: there are no checks"),
        ("checks:", "1:1: there are no checks"),
        ("checks: []", "1:9: there are no checks"),
        ("checks: [~]", "1:9: there are no checks"),
        ("checks: {unit: {run: x}}", '1:9: "checks" takes a list, not a mapping'),
        ("checks: unit", '1:9: "checks" takes a list, not a text'),
        ("checks: [unit]", '1:10: a check is a mapping with "id" and "run", not a text'),
        ("checks: [{run: x}]", '1:10: this check has no "id"'),
        ("checks: [{id: a}]", '1:10: check "a" has no "run"'),
        ("checks: [{id: a, run: }]", '1:18: "run" of check "a" is empty'),
        ("checks: [{id: a, run: ''}]", '1:23: "run" of check "a" is empty'),
        ("checks: [{id: a, run: ' '}]", '1:23: "run" of check "a" is empty'),
        ("checks: [{id: ~, run: x}]", '1:11: "id" of this check is empty'),
        ("checks: [{id: [a], run: x}]", '1:15: "id" takes a text, not a list'),
        ("vars: [a]\n" + check(), '1:7: "vars" takes a mapping, not a list'),
        ("vars: {a: [b]}\n" + check(), '1:11: the variable "a" takes a text, not a list'),
        ("settings: [a]\n" + check(), '1:11: "settings" takes a mapping, not a list'),
        ("prompts: {a: b}\n" + check(), '1:10: "prompts" takes a list, not a mapping'),
        ("prompts: [a]\n" + check(), '1:11: a prompt is a mapping with "id", not a text'),
        ("prompts: [{content: x}]\n" + check(), '1:11: this prompt has no "id"'),
        ("version: [1]\n" + check(), '1:10: "version" takes a text, not a list'),
    ],
)
def test_what_is_missing_or_misplaced(text: str, complaint: str) -> None:
    """From an empty file to a check without a command."""
    assert only_complaint(text).startswith(complaint)


@pytest.mark.parametrize("version", ["1", "'1'", '"1"', "~", "", "!!str 1"])
def test_versions_that_are_fine(version: str) -> None:
    """Written as a text, as a number, or not at all."""
    assert load(f"version: {version}\n" + check()).version == "1"


@pytest.mark.parametrize("version", ["2", "1.0", "'1 '", "v1", "01", "-1"])
def test_other_versions_are_refused(version: str) -> None:
    """A config of the future must not run as something else."""
    assert "unknown version" in only_complaint(f"version: {version}\n" + check())


def test_everything_that_is_wrong_is_reported_at_once_and_in_order() -> None:
    """Shape, single values and references."""
    text = check("timeot: 1m", "tags: slow", "timeout: 30", "severity: fatal", "requires: [nobody]")
    assert [line.split(":")[0] for line in complaints(text)] == ["4", "5", "6", "7", "8"]


def test_every_problem_carries_file_line_and_advice() -> None:
    """Nothing is only half a message."""
    for problem in problems(check("timeot: 1m", "tags: slow", "timeout: 30")):
        assert problem.file == "vibeguard.yaml"
        assert problem.excerpt
        assert problem.do


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "on", "y", "Yes", "ON", "'true'"])
def test_words_for_true(word: str) -> None:
    """All that YAML 1.1 has, for `fail_fast` and `async`."""
    assert load(f"settings: {{fail_fast: {word}}}\n" + check()).settings.fail_fast
    assert load_check(f"async: {word}").mode == "async"


@pytest.mark.parametrize("word", ["false", "False", "no", "off", "n", "NO", '"false"'])
def test_words_for_false(word: str) -> None:
    """All that YAML 1.1 has, for `fail_fast` and `async`."""
    assert not load(f"settings: {{fail_fast: {word}}}\n" + check()).settings.fail_fast
    assert load_check(f"async: {word}").mode == "sync"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("timeout: 30", '4:14: "30" has no unit: say 30s'),
        ("timeout: -5s", '4:14: "-5s" is negative'),
        ("timeout: 1d", "one d is 24h"),
        ("timeout: soon", '4:14: "soon" is not a duration'),
        ("timeout: 9223372036854775808ns", "is too long a duration"),
        ("slow_after: 5", "say 5s"),
        ("idle_timeout: 1.5", "say 1.5s"),
        ("async: maybe", 'unknown value of async "maybe": write auto, true or false'),
        ("severity: warn", '4:15: unknown severity "warn": did you mean "warning"?'),
        ("severity: Error", 'did you mean "error"?'),
        ("severity: info", 'unknown severity "info": write error or warning'),
        ("on_change: ignore", 'unknown value of on_change "ignore": write note, fail or allow'),
        ("reuse: always", 'unknown value of reuse "always": write true, false or confirm'),
        ("tools: ruff", '"tools" takes a list, not a text'),
        ("git_env: kep", 'unknown value of git_env "kep": did you mean "keep"?'),
        ('shell: bash -c "a', "No closing quotation: close the quotes"),
        ('shell: "a\\0"', "a command line cannot hold a NUL character"),
        ("judge_timeout: 10", "has no unit: say 10s"),
        ("leaks: kill", 'unknown value of leaks "kill": write fail, warn or ignore'),
        ("retries: two", '"two" is not a whole number'),
        ("retries: -1", "-1 is too small: the smallest is 0"),
        ("retries: 1.0", '"1.0" is not a whole number'),
        ("retries: 1001", "1001 is too large"),
        ("retries: " + "9" * 5000, '9..." is too large: the largest is 1000'),
        ("retries: -" + "9" * 50, "is too small: the smallest is 0"),
        ("weight: " + "9" * 30, "is too large: the largest is 1000000"),
        ("weight: 1.5", '"1.5" is not a whole number: write one from 1 to 1000000'),
        ("output_limit: " + "9" * 30, "is too large: the largest is 8388607TiB"),
        ("timeout: -1s", '"-1s" is negative: a duration is 0 or more'),
        ("timeout: 99999999999s", "is too long a duration: the longest is about 292 years"),
        ("weight: 0", "0 is too small: the smallest is 1"),
        ("output_limit: 1G", '"1G" has no known unit: "G": say 1GiB or 1GB'),
        ("output_limit: 0", '"0" is too small'),
        ("output_limit: -1", '"-1" is not a size'),
        ("output_limit: 9999999999TiB", "is too large"),
        ("output_limit: 8388608TiB", "is too large"),
        ("tags: [Slow]", '4:12: invalid tag "Slow"'),
        ("tags: [1a]", 'invalid tag "1a"'),
        ("tags: [a_b]", 'invalid tag "a_b"'),
        ('cwd: "a\\0b"', "a folder's name cannot hold a NUL character"),
        ("inputs: [/etc/passwd]", '4:14: the pattern "/etc/passwd" begins with a slash'),
        ("files: ['a[b']", "a [ is not closed"),
        ("files: ['!']", "an empty pattern matches nothing"),
        ('files: ["a\\0"]', "a pattern cannot hold a NUL character"),
        ("cwd: /tmp", '4:10: "/tmp" is absolute'),
        ("cwd: a/../../b", "leaves the folder of the config"),
        ("env: {'A=B': c}", '4:11: "A=B" cannot name an environment variable'),
        ("env: {'': c}", '"" cannot name an environment variable'),
        ("env_inputs: ['SE*']", '"SE*" is no name of an environment variable'),
        ("env_inputs: [$SEED]", '"$SEED" is no name of an environment variable'),
        ("env_inputs: ['SEED ']", '"SEED " is no name of an environment variable'),
        ("env: {VIBEGUARD_RUN: c}", "VIBEGUARD_RUN is set by VibeGuard itself"),
        ('env: {A: "b\\0"}', "cannot hold a NUL"),
        (
            "requires: [{check: b, while_pending: skp}]",
            'unknown value of while_pending "skp": did you mean "skip"?',
        ),
    ],
)
def test_wrong_values(line: str, complaint: str) -> None:
    """At the value, with what to write instead."""
    text = check(line) + "  - {id: b, run: x, async: true}\n"
    assert complaint in only_complaint(text)


@pytest.mark.parametrize("id_", ["1a", "a b", "a.b", "ä", "-a", "a/b", "a:b", "{{.x}}"])
def test_ids_that_cannot_be(id_: str) -> None:
    """Of checks and of prompts."""
    assert f'invalid id "{id_}"' in only_complaint(f"checks: [{{id: '{id_}', run: x}}]")
    assert f'invalid id "{id_}"' in only_complaint(f"prompts: [{{id: '{id_}'}}]\n" + check())


def test_an_id_has_a_bound_since_every_text_of_a_run_holds_some():
    said = only_complaint(f"checks: [{{id: {'a' * 1001}, run: x}}]")
    assert "an id of 1,001 characters: use at most 1,000 characters" in said


@pytest.mark.parametrize("id_", ["a", "_", "A-b_9", "on", "yes", "y" * 300, "null_"])
def test_ids_that_are_fine(id_: str) -> None:
    """Length and words of YAML do not matter."""
    assert load(f"checks: [{{id: {id_}, run: x}}]").checks[0].id == id_


def test_a_word_that_is_neither_true_nor_false() -> None:
    """In settings."""
    text = "settings: {fail_fast: maybe}\n" + check()
    assert only_complaint(text) == '1:23: "maybe" is neither true nor false: write true or false'


@pytest.mark.parametrize("zero", ["0", "-0", "+0", "0s", "-0s", "''"])
def test_a_timeout_of_zero_is_the_default(zero: str) -> None:
    """As an empty one is."""
    assert load_check(f"timeout: {zero}").timeout_ns == DEFAULT_TIMEOUT_NS


def test_zero_switches_off_what_is_off_by_default() -> None:
    """There is no such thing as no time for these."""
    a = load_check("slow_after: 0", "idle_timeout: 0s")
    assert (a.slow_after_ns, a.idle_timeout_ns) == (None, None)
    settings = load("settings: {run_timeout: 0, grace: 0, async_after: 0}\n" + check()).settings
    assert (settings.run_timeout_ns, settings.grace_ns, settings.async_after_ns) == (None, 0, 0)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1024", 1024),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("10MB", 10**7),
        ("1.5GiB", 3 << 29),
        ("2 TiB", 2 << 40),
        ("64mib", 64 << 20),
        ("7B", 7),
        ("8388607TiB", 8388607 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """Binary and decimal units, fractions, plain bytes."""
    assert load_check(f"output_limit: {text}").output_limit_bytes == size


def test_on_takes_a_text_or_a_list() -> None:
    """A text is shown as it is, even if a prompt has that name; a list names prompts."""
    a = load(
        "prompts: [{id: fix, content: c}]\n"
        + check("on: {failure: fix, timeout: [fix, ~], success: ''}")
    ).checks[0]
    assert a.on.failure == (Trigger("inline", "fix"),)
    assert a.on.timeout == (Trigger("fix", "c"),)
    assert a.on.success == ()


def test_grok_takes_a_text_or_a_list() -> None:
    """Empty entries ask for nothing."""
    assert load_check("grok: '%{INT:a}'").grok == ("%{INT:a}",)
    assert load_check("grok: ['%{INT:a}', '', b]").grok == ("%{INT:a}", "b")
    assert load_check("grok: ''").grok == ()


@pytest.mark.parametrize("cwd", [".", "./", "a/.."])
def test_the_folder_of_the_config_has_many_names(cwd: str) -> None:
    """It is not always the one where a run takes place: that one has no name here."""
    assert load_check(f"cwd: '{cwd}'").cwd == "."
    assert load_check("cwd: ''").cwd == ""


def test_top_level_keys_are_those_of_the_design() -> None:
    """A new one has to be written down first."""
    assert tuple(keys_of(Config)) == ("checks", "version", "vars", "settings", "prompts")
