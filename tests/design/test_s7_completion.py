"""Completion in the shells themselves, where they are installed."""

import shutil
import subprocess
import sys
from functools import cache

import pexpect
import pytest

from tests.helpers.command import ROOT, environment, vibeguard
from tests.helpers.running import PATIENCE_S


@cache
def script_of(shell):
    """What the command prints, which needs no config and is the same wherever it is called."""
    done = vibeguard("completion", shell, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(shell):
    """Where the shell is installed, it parses it."""
    script = script_of(shell)
    assert all(word in script for word in ("validate", "max-wait", "exclude-tags"))
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_completion_completes_in_bash():
    """`vibeguard va<TAB>` is `vibeguard validate`."""
    script = script_of("bash")
    script += '\nCOMP_WORDS=(vibeguard va) COMP_CWORD=1; _vibeguard; echo "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=True)
    assert done.stdout == "validate\n"


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
@pytest.mark.parametrize("way", ["file", "eval"])
def test_completion_completes_in_zsh(tmp_path, way):
    """As a file of $fpath and evaluated after compinit: `vibeguard va<TAB>` is `validate`."""
    (tmp_path / ("_vibeguard" if way == "file" else "script")).write_text(script_of("zsh"))
    start = "PS1='ready> '; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D\n"
    start += "source ./script\n" if way == "eval" else ""
    (tmp_path / ".zshrc").write_text(start)
    variables = environment(ZDOTDIR=str(tmp_path), TERM="dumb")
    shell = pexpect.spawn("zsh", ["-i"], cwd=tmp_path, env=variables, timeout=PATIENCE_S)
    try:
        shell.expect_exact("ready> ")
        shell.send("vibeguard va\t")
        # A completed word is redrawn; one that is not rings the bell.
        assert shell.expect_exact(["lidate", "\x07"]) == 0
    finally:
        shell.close(force=True)


@pytest.mark.skipif(
    not shutil.which("fish"), reason="no fish, so its completion was not tried (Debian: fish)"
)
def test_completion_completes_in_fish(tmp_path):
    """`vibeguard va<TAB>` is `vibeguard validate`."""
    (tmp_path / "script.fish").write_text(script_of("fish"))
    ask = "source script.fish; complete -C 'vibeguard va'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("validate\t")
    (tmp_path / "vibeguard.yaml").write_text('version: "1"\nchecks: [{id: lint, run: "true"}]\n')
    (tmp_path / "vibeguard").write_text(f'#!/bin/sh\nexec {sys.executable} -m vibeguard "$@"\n')
    (tmp_path / "vibeguard").chmod(0o755)
    ask = f"set PATH {tmp_path} $PATH; source script.fish; complete -C 'vibeguard run li'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[:1] == ["lint"]
