"""What git is asked before anybody needs to know, and what becomes of that."""

import os
from pathlib import Path

import pytest

from tests.helpers.command import git
from vibeguard.system.discovery.differing import ask_ahead, differing
from vibeguard.system.discovery.vcs import Git

WAIT_S = 30.0
ENVIRONMENT = dict(os.environb)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "p" / "below").mkdir(parents=True)
    git("init", "-q", cwd=tmp_path / "p")
    (tmp_path / "p" / "new").write_text("1")
    return str(tmp_path / "p")


def test_it_is_what_git_says_now_from_every_folder_of_the_repository(folder):
    told = differing(folder, ENVIRONMENT, WAIT_S)
    assert told is not None
    assert list(told.files) == [b"new"]
    ahead = ask_ahead(f"{folder}/below", ENVIRONMENT)
    assert differing(folder, ENVIRONMENT, WAIT_S, ahead) == told
    assert ahead is not None
    ahead.discard()  # once it has told: harmless


def test_what_was_asked_of_another_repository_is_not_taken(folder, tmp_path):
    git("init", "-q", cwd=tmp_path)
    ahead = ask_ahead(str(tmp_path), ENVIRONMENT)
    assert ahead is not None
    told = differing(folder, ENVIRONMENT, WAIT_S, ahead)
    assert told == differing(folder, ENVIRONMENT, WAIT_S)
    ahead.discard()
    assert ahead.process.returncode is not None


def test_outside_of_git_nothing_is_asked(tmp_path):
    assert ask_ahead(str(tmp_path), ENVIRONMENT) is None
    assert differing(str(tmp_path), ENVIRONMENT, WAIT_S, None) is None


def test_an_interruption_is_told_although_git_has_ended_meanwhile(folder):
    def interrupt(process):
        process.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Git(folder, ENVIRONMENT, WAIT_S).ask("version", began=interrupt)
