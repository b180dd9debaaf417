"""The three example projects, run for real: as they stand, and with a commit that breaks them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, vibeguard

ROOT = Path(__file__).parents[2]
VARIANTS = Path(__file__).parent / "variants"
NEEDS = {"python-package": ("ruff", "coverage"), "shell-web": ("node",), "monorepo": ("python3",)}
SUMMARY = "soak-summary"  # left out or run, as soak's end falls before or after its turn


def project(name: str, tmp_path: Path) -> Path:
    """A copy of the example, committed to a repository of its own."""
    for tool in NEEDS[name]:
        if shutil.which(tool, path=environment()["PATH"]) is None:
            pytest.skip(f"{tool} is not installed")
    target = tmp_path / name
    kept = shutil.ignore_patterns(".vibeguard", "dist", "__pycache__", ".*_cache", ".coverage")
    shutil.copytree(ROOT / "examples" / name, target, ignore=kept)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        git(*command, cwd=target)
    return target


def status(check: dict[str, str]) -> str:
    """The outcome, or `warned` for a warning that did not pass."""
    warned = check["severity"] == "warning" and check["status"] != "passed"
    return "warned" if warned else check["status"]


def statuses(target: Path) -> dict[str, str]:
    """Where each check of the newest run stands, from the replay of its log."""
    replay = vibeguard("report", "--json", cwd=target)
    return {check["id"]: status(check) for check in json.loads(replay.stdout)["checks"]}


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_an_example_passes_as_it_stands_and_leaves_the_work_tree_clean(name: str, tmp_path: Path) -> None:
    """Every check passes, but for the one that may be left out while the soak still runs.

    What the run writes, its log included, is ignored by git.
    """
    target = project(name, tmp_path)
    run = vibeguard("run", cwd=target, timeout_s=300)
    assert run.returncode == 0, run.stderr
    found = statuses(target)
    assert found.pop(SUMMARY, "passed") in ("passed", "skipped")
    assert set(found.values()) == {"passed"}, found
    assert git("status", "--porcelain", cwd=target).stdout == ""


BROKEN = {
    "python-package.untested-code": {"coverage": "failed"},
    "python-package.unused-import": {
        "lint": "failed",
        "tests": "skipped",
        "coverage": "skipped",
    },
    "shell-web.unclosed-loop": {"shell-syntax": "failed", "build": "skipped", "smoke": "skipped"},
    "shell-web.lost-headings": {"smoke": "failed"},
    "monorepo.compressed-answers": {"integration": "failed", "release": "skipped"},
    "monorepo.rounded-shares": {"money": "failed"}
    | dict.fromkeys(
        ("orders", "invoices", "contract", "shop", "soak", "package", "release", SUMMARY),
        "skipped",
    ),
}


# They run almost all of their project, six seconds of a processor; each project has another one by day.
BY_NIGHT = ("python-package.untested-code", "monorepo.compressed-answers")


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(name, marks=[pytest.mark.nightly] if name in BY_NIGHT else [])
        for name in sorted(BROKEN)
    ],
)
def test_a_commit_that_breaks_an_example_is_found_and_named(variant: str, tmp_path: Path) -> None:
    """Exit 1, the culprit named in the text, its dependents skipped, everything else as before."""
    target = project(variant.partition(".")[0], tmp_path)
    git("apply", str(VARIANTS / f"{variant}.diff"), cwd=target)
    run = vibeguard("run", cwd=target, timeout_s=300)
    assert run.returncode == 1, run.stderr
    found = statuses(target)
    if "money" not in BROKEN[variant]:
        found.pop(SUMMARY, None)
    broken = {
        check: status for check, status in found.items() if status not in ("passed", "warned")
    }
    assert broken == BROKEN[variant]
    (culprit,) = (check for check, status in BROKEN[variant].items() if status == "failed")
    assert culprit in run.stderr


def test_a_warning_is_shown_and_fails_nothing(tmp_path: Path) -> None:
    """A version that the changelog does not know is `warned`, exit 0."""
    target = project("monorepo", tmp_path)
    git("apply", str(VARIANTS / "monorepo.forgotten-changelog.diff"), cwd=target)
    run = vibeguard("run", "changelog", cwd=target)
    assert (run.returncode, statuses(target)) == (0, {"changelog": "warned"})
    assert "changelog" in run.stderr
