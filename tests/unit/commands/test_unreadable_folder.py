"""A folder outside of git that cannot be read: what is told where its files are looked at."""

import os

import pytest

from vibeguard.commands.explain import explain
from vibeguard.commands.file_lists import file_lists
from vibeguard.commands.loading import load
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.planning.plan import make_plan, resolve_settings
from vibeguard.core.problems import UsageError
from vibeguard.system.removal import remove_tree

HANDED = '{version: "1", checks: [{id: a, run: x, pass_files: true, files: ["**/*.py"]}]}'
REUSED = '{version: "1", checks: [{id: a, run: x, reuse: true, tools: [], inputs: ["**/*.py"]}]}'


@pytest.fixture
def unreadable(tmp_path, monkeypatch):
    """A folder whose path is longer than the system takes, as a check can make it."""
    monkeypatch.chdir(tmp_path)
    for name in ("deep", *["d" * 250] * 20):
        os.mkdir(name)
        os.chdir(name)
    os.chdir(tmp_path)
    yield tmp_path
    remove_tree(str(tmp_path / "deep"))


def test_what_checks_are_handed_cannot_be_listed(unreadable):
    """It was called a defect of ours. Nobody says which files count: all folders are looked into."""
    (unreadable / "vibeguard.yaml").write_text(HANDED)
    loaded = load(GlobalOptions())
    settings = resolve_settings(loaded.config.settings, usable_cpus=1)
    plan = make_plan(loaded.config.checks, settings, variables={})
    with pytest.raises(UsageError, match=r"cannot be listed: .*deep/d+.*: File name too long"):
        file_lists(loaded, plan.checks, None, str(unreadable / ".vibeguard"))


def test_why_a_check_would_run_names_the_folder(unreadable, capsys):
    (unreadable / "vibeguard.yaml").write_text(REUSED)
    (unreadable / ".vibeguard").mkdir(0o700)
    assert explain("a", common=GlobalOptions()) == 0
    said = capsys.readouterr().out
    assert f"cannot be read: {unreadable}/deep/ddd" in said
    assert said.rstrip().endswith("File name too long")
