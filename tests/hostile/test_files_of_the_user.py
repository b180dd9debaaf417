"""Files that are not ours, and that a command changes: whole before, whole after."""

import os
import subprocess
import sys

import pytest

from tests.helpers.command import environment, git, vibeguard

OF_THE_USER = {
    "AGENTS.md": ("init", "--agent"),
    "vibeguard.yaml": ("init", "-t", "generic", "--force"),
    ".bashrc": ("completion", "bash", "--install"),
    ".claude/settings.json": ("hook", "agent", "--target", "claude", "--write"),
    ".git/hooks/pre-commit": ("hook", "git", "--write"),
}


@pytest.mark.parametrize("name", OF_THE_USER)
def test_a_file_of_the_users_is_whole_whatever_the_disk_refuses(tmp_path, name):
    """The system takes no byte more for any file: the one that was there stays, and is named."""
    git("init", "-q", cwd=tmp_path)
    (tmp_path / "vibeguard.yaml").write_text("checks: [{id: a, run: 'true'}]\n")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix != "" or name == ".bashrc":
        path.write_text(path.read_text() if path.exists() else '{"of the user": 1}\n')
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    words = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "vibeguard"]
    done = subprocess.run(
        [*words, *OF_THE_USER[name]],
        cwd=tmp_path,
        env=environment(HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", sorted({*OF_THE_USER, ".git/hooks/pre-push"} - {"vibeguard.yaml"}))
def test_a_pipe_that_nobody_writes_to_in_the_place_of_one_holds_nobody_up(tmp_path, name):
    git("init", "-q", cwd=tmp_path)
    (tmp_path / "vibeguard.yaml").write_text("checks: [{id: a, run: 'true'}]\n")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    words = OF_THE_USER.get(name, OF_THE_USER[".git/hooks/pre-commit"])
    done = vibeguard(*words, cwd=tmp_path, env=home)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    doctor = vibeguard("hook", "doctor", cwd=tmp_path, env=home)
    assert "Traceback" not in doctor.stderr
    assert path.is_fifo()
