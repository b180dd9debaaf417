"""The way in: schemas, completion that is installed, and what a coding agent is told."""

import json
import re
import shutil
import subprocess

import pexpect
import pytest

from tests.helpers.command import ROOT, environment, project, vibeguard
from tests.helpers.running import PATIENCE_S

CONFIG = "checks: [{id: unit-tests, run: 'true'}, {id: lint, run: 'true'}]\n"


@pytest.mark.parametrize("name", ["config", "report", "event"])
def test_schema_prints_what_was_published(tmp_path, name):
    """Byte for byte; without a config, too."""
    done = vibeguard("schema", name, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == (ROOT / "schemas" / f"{name}.schema.json").read_text()


def test_schema_without_a_name_is_that_of_the_config_and_an_unknown_one_is_2(tmp_path):
    """The one that editors ask for."""
    assert json.loads(vibeguard("schema", cwd=tmp_path).stdout)["$id"].endswith(":config:1")
    done = vibeguard("schema", "confg", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "confg" in done.stderr


STARTED = {"bash": ".bashrc", "zsh": ".zshrc"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed_once_however_often(tmp_path, shell):
    """What stands in the start-up file stays, and each file that is written is named."""
    home = tmp_path / "my home"
    home.mkdir()
    start = home / STARTED.get(shell, "nothing")
    start.write_text("export MINE=1")
    env = {"HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "ZDOTDIR": ""}
    first = vibeguard("completion", shell, "--install", cwd=tmp_path, env=env)
    assert first.returncode == 0, first.stderr
    texts = {path: path.read_text() for path in home.rglob("*") if path.is_file()}
    for path in texts:
        assert str(path) in first.stderr or path == start
    assert start.read_text().startswith("export MINE=1")
    assert ("vibeguard" in start.read_text()) is (shell in STARTED)
    again = vibeguard("completion", shell, "--install", cwd=tmp_path, env=env)
    assert again.returncode == 0
    assert "wrote" not in again.stderr
    assert {path: path.read_text() for path in home.rglob("*") if path.is_file()} == texts


def test_completion_that_is_not_writable_says_where(tmp_path):
    """And what to do instead."""
    (tmp_path / ".local").write_text("a file")
    done = vibeguard("completion", "bash", "--install", cwd=tmp_path, env={"HOME": str(tmp_path)})
    assert done.returncode == 2
    assert ".local" in done.stderr
    assert "vibeguard completion bash" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_installed_completion_completes_the_ids_of_checks(tmp_path, shell):
    """In a new shell, which knows nothing but its start-up file."""
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    folder = project(tmp_path / "project", CONFIG)
    env = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "ZDOTDIR": str(tmp_path)}
    if shell == "zsh":
        # What the first start of zsh would ask a person about; no dump into the home of somebody.
        (tmp_path / ".zshrc").write_text("autoload -Uz compinit; compinit -u -D\n")
    assert vibeguard("completion", shell, "--install", cwd=folder, env=env).returncode == 0
    with (tmp_path / STARTED[shell]).open("a") as start:
        start.write("PS1='ready> '\n")
    variables = environment(**env, TERM="dumb")
    argv = ["-i"] if shell == "zsh" else ["--noprofile", "-i"]
    child = pexpect.spawn(shell, argv, cwd=folder, env=variables, timeout=PATIENCE_S)
    try:
        child.expect_exact("ready> ")
        for line in ("vibeguard run un", "vibeguard tail --check un"):
            child.send(f"{line}\t")
            assert child.expect_exact(["it-tests", "\x07"]) == 0, line
            child.send("\x15")  # Ctrl-U takes the line away
    finally:
        child.close(force=True)


def test_init_agent_writes_a_section_and_leaves_the_rest(tmp_path):
    """Written again, nothing changes; an older section of ours is brought up to date in its place."""
    agents = tmp_path / "AGENTS.md"
    agents.write_text("# House rules\r\n\r\nBe kind.")
    assert vibeguard("init", "--agent", cwd=tmp_path).returncode == 0
    text = agents.read_bytes()
    assert text.startswith(b"# House rules\r\n\r\nBe kind.\n\n<!-- vibeguard: begin -->")
    assert vibeguard("init", "--agent", cwd=tmp_path).returncode == 0
    assert agents.read_bytes() == text
    old = text.replace(b"Five commands", b"Nine commands") + b"\nAnd this.\n"
    agents.write_bytes(old)
    assert vibeguard("init", "--agent", cwd=tmp_path).returncode == 0
    assert agents.read_bytes() == text + b"\nAnd this.\n"
    assert not (tmp_path / "vibeguard.yaml").exists()


def test_init_agent_writes_a_skill_in_the_common_form(tmp_path):
    """A head with name and description, the name that of its folder; under forty lines."""
    place = ".claude/skills/vibeguard/SKILL.md"
    assert vibeguard("init", "--agent", "-o", place, cwd=tmp_path).returncode == 0
    text = (tmp_path / place).read_text()
    assert re.match(r"---\nname: vibeguard\ndescription: \S[^\n]{20,1000}\n---\n", text)
    assert len(text.splitlines()) < 40
    assert vibeguard("init", "--agent", "-o", place, cwd=tmp_path).returncode == 0
    assert (tmp_path / place).read_text() == text


def test_a_section_without_its_end_is_not_guessed_at(tmp_path):
    """Whatever stood behind it could be lost."""
    (tmp_path / "AGENTS.md").write_text("<!-- vibeguard: begin -->\nmine\n")
    done = vibeguard("init", "--agent", cwd=tmp_path)
    assert done.returncode == 2
    assert (tmp_path / "AGENTS.md").read_text() == "<!-- vibeguard: begin -->\nmine\n"


def test_the_commands_that_an_agent_is_told_are_five_and_work(tmp_path):
    """Each as it stands there, in this order, in a project whose check fails and is mended."""
    git = ["git", "-c", "init.defaultBranch=main", "init", "-q"]
    folder = project(tmp_path, "checks: [{id: there, run: test -f there}]\n")
    subprocess.run(git, cwd=folder, check=True)
    vibeguard("init", "--agent", cwd=folder)
    fence = (folder / "AGENTS.md").read_text().split("```sh\n")[1].split("```")[0]
    lines = [line.split("#")[0].split() for line in fence.splitlines()]
    run, wait, report, failed, evidence = [argv[1:] for argv in lines]
    assert vibeguard(*run, cwd=folder).returncode == 1
    assert vibeguard(*wait, cwd=folder).returncode == 1
    assert vibeguard(*report, cwd=folder).returncode == 1
    (folder / "there").touch()
    assert vibeguard(*failed, cwd=folder).returncode == 0
    said = vibeguard(*evidence, cwd=folder)
    assert said.returncode == 0, said.stdout + said.stderr
