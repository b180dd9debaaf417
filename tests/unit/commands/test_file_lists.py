"""The files that checks are handed, where they cannot be listed."""

import os

import pytest

from vibeguard.commands.file_lists import file_lists
from vibeguard.commands.loading import load
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.planning.plan import make_plan, resolve_settings
from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.removal import remove_tree

CONFIG = """
version: "1"
checks: [{id: a, run: "true", pass_files: true, files: ["**/*.txt"]}]
"""


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


def test_a_folder_that_cannot_be_read_is_no_defect_of_ours(unreadable):
    """Outside of git nobody says which files count: each folder is looked into."""
    (unreadable / "vibeguard.yaml").write_text(CONFIG)
    loaded = load(GlobalOptions())
    settings = resolve_settings(loaded.config.settings, usable_cpus=1)
    plan = make_plan(loaded.config.checks, settings, variables={})
    with pytest.raises(UsageError, match=r"cannot be listed: .*deep/d+.*: File name too long"):
        file_lists(loaded, plan.checks, None, str(unreadable / ".vibeguard"))
