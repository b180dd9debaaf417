"""Advice is told by `validate` and `report`, never done: on templates, and on where a check runs."""

import json
from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard
from vibeguard.core.history import Sample, definition_of
from vibeguard.core.names import Outcome
from vibeguard.core.report.config_advice import LEAST_SAMPLES
from vibeguard.system.history import append_history, machine_id

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
# By its timeout alone it runs in the background; it takes no time to speak of.
QUICK = "settings: {async_after: 1h}\nchecks: [{id: quick, run: ':', timeout: 2h}]\n"
# In the foreground, as its timeout is what `async_after` is.
SLOW = "checks: [{id: slow, run: ':', timeout: 60s}]\n"
QUICK_SAID = "quick runs in the background because of its timeout"
SLOW_SAID = "slow holds up the foreground"


def remember(folder: Path, check: str, *seconds: float, **other) -> None:
    """A history in which the check (`:`) took so long in the latest runs of this machine."""
    facts = {
        "definition": definition_of(":", ""),
        "machine": machine_id(),
        "outcome": Outcome.PASSED,
        **other,
    }
    (folder / ".vibeguard").mkdir(mode=0o700, exist_ok=True)
    samples = [Sample(check=check, duration_ns=int(s * SECOND), **facts) for s in seconds]
    append_history(str(folder / ".vibeguard"), samples)


def advice(folder: Path) -> list[str]:
    """What `validate` advises; as text and as a document it is the same."""
    text = vibeguard("validate", cwd=folder)
    document = vibeguard("validate", "--json", cwd=folder)
    assert (text.returncode, document.returncode) == (0, 0), text.stderr
    said = [line for line in text.stderr.splitlines() if line.startswith("advice: ")]
    found = json.loads(document.stdout)["advice"]
    assert said == [f"advice: {sentence}" for sentence in found]
    return found


def pools(folder: Path) -> dict[str, str]:
    """Where each check of the latest run ran."""
    log = next(iter(sorted((folder / ".vibeguard" / "runs").iterdir(), reverse=True)))
    events = [json.loads(line) for line in (log / "events.jsonl").read_text().splitlines()]
    return {e["check"]: e["pool"] for e in events if e["type"] == "check.started"}


def test_after_enough_real_runs_a_quick_check_in_the_background_is_named_and_stays_there(tmp_path):
    """Not before: a few runs are no habit. Its place is the config's affair."""
    folder = project(tmp_path, QUICK)
    for _ in range(LEAST_SAMPLES - 1):
        assert vibeguard("run", cwd=folder).returncode == 0
    assert advice(folder) == []
    assert QUICK_SAID not in vibeguard("report", cwd=folder).stderr
    assert vibeguard("run", cwd=folder).returncode == 0
    (sentence,) = advice(folder)
    assert sentence.startswith(QUICK_SAID)
    assert "async: false" in sentence
    report = vibeguard("report", "--json", cwd=folder)
    assert report.returncode == 0
    assert json.loads(report.stdout)["verdict"] == "passed"  # the document is not disturbed
    assert f"vibeguard: {sentence}" in report.stderr
    assert vibeguard("run", cwd=folder).returncode == 0
    assert pools(folder) == {"quick": "background"}


def test_a_slow_check_in_the_foreground_is_named_and_stays_there(tmp_path):
    """Its history may be older than its timeout."""
    folder = project(tmp_path, SLOW)
    remember(folder, "slow", *[120] * LEAST_SAMPLES)
    (sentence,) = advice(folder)
    assert sentence.startswith(SLOW_SAID)
    assert "2m" in sentence
    assert "async: true" in sentence
    assert vibeguard("run", cwd=folder).returncode == 0
    assert pools(folder) == {"slow": "foreground"}
    assert f"vibeguard: {SLOW_SAID}" in vibeguard("report", cwd=folder).stderr


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        (SLOW, (80,)),  # not far over a minute
        (SLOW, (1,)),  # quick, and in the foreground: as it should be
        (QUICK, (600,)),  # not far under an hour
        (QUICK, (7200,)),  # slow, and in the background: as it should be
        (SLOW, (1, 1, 1, 1, 900)),  # one outlier of five
        (QUICK, (1, 3600, 3600, 3600, 3600)),
    ],
)
def test_what_is_where_it_belongs_or_near_the_threshold_is_not_named(tmp_path, config, seconds):
    folder = project(tmp_path, config)
    check = "slow" if config == SLOW else "quick"
    remember(folder, check, *(seconds * LEAST_SAMPLES)[: max(LEAST_SAMPLES, len(seconds))])
    assert advice(folder) == []


@pytest.mark.parametrize("mode", ["true", "false"])
def test_a_place_that_the_config_names_is_not_argued_with(tmp_path, mode):
    config = SLOW.replace("timeout: 60s", f"async: {mode}")
    folder = project(tmp_path, config)
    remember(folder, "slow", *[0.001 if mode == "true" else 3600] * LEAST_SAMPLES)
    assert advice(folder) == []


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMEOUT, Outcome.CANCELLED])
def test_only_runs_that_passed_tell_how_long_a_check_takes(tmp_path, outcome):
    """A failure is often short, and says nothing about what a pass takes."""
    folder = project(tmp_path, QUICK)
    remember(folder, "quick", *[1] * LEAST_SAMPLES, outcome=outcome)
    assert advice(folder) == []
    remember(folder, "quick", *[1] * LEAST_SAMPLES)
    assert len(advice(folder)) == 1


def test_what_this_machine_knows_of_this_command_comes_first(tmp_path):
    """Slow elsewhere, or as another command: quick here counts."""
    folder = project(tmp_path, QUICK)
    remember(folder, "quick", *[3600] * 9, machine="another")
    remember(folder, "quick", *[3600] * 9, definition="another")
    assert advice(folder) == []
    remember(folder, "quick", *[1] * LEAST_SAMPLES)
    (sentence,) = advice(folder)
    assert sentence.startswith(QUICK_SAID)


def test_without_a_history_there_is_no_advice_and_nothing_is_made(tmp_path):
    folder = project(tmp_path, QUICK)
    assert advice(folder) == []
    assert not (folder / ".vibeguard").exists()


def test_deleting_the_history_takes_the_advice_away(tmp_path):
    folder = project(tmp_path, QUICK)
    remember(folder, "quick", *[1] * LEAST_SAMPLES)
    assert len(advice(folder)) == 1
    (folder / ".vibeguard" / "history").unlink()
    assert advice(folder) == []


def test_a_suggestion_that_is_no_template_is_named_before_it_is_needed(tmp_path):
    """It would be shown as it is written, and only where the check fails."""
    checks = """checks:
      - {id: a, run: ":", grok: "(?P<cov>1)", suggestion: "{{if .cov}}Coverage", fix: "make {{.cov}}"}
      - {id: b, run: "docker ps --format '{{json .}}'", fix: "echo {{quote .x}}"}
    """
    said = advice(project(tmp_path, checks))
    assert len(said) == 2
    assert said[0].startswith(
        "the suggestion of a is shown as it is written: {{if}} has no {{end}}"
    )
    assert said[1].startswith("the fix of b is shown as it is written: there is no function quote")
