"""The command that runs a check again."""

import shlex

import pytest

from tests.helpers.histories import History, check
from vibeguard.core.report.rerun import rerun_command


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["run"], []),
        (["-c", "ci.yaml", "run"], ["--config", "ci.yaml"]),
        (["run", "-cci.yaml"], ["--config", "ci.yaml"]),
        (["run", "-vc", "ci.yaml"], ["--config", "ci.yaml"]),
        (["run", "-vp2", "-c=ci.yaml"], ["--config", "ci.yaml"]),
        (["run", "-p", "2", "--config=a b"], ["--config", "a b"]),
        (["run", "--state-dir", "/s"], ["--state-dir", "/s"]),
        (["run", "-p", "-c"], []),
        (["run", "--", "-c", "x"], []),
        (["run", "-c"], ["--config", ""]),
    ],
)
def test_config_and_state_folder_are_kept_in_any_spelling(argv, kept):
    run = History(check("unit"), started={"argv": ("/usr/bin/vibeguard", *argv)})
    assert shlex.split(rerun_command(run.state, ["unit"])) == ["vibeguard", "run", *kept, "unit"]


def test_nothing_in_a_path_can_act_on_a_shell_or_a_terminal():
    run = History(check("unit"), started={"argv": ("vibeguard", "-c", "$(reboot)\x1b[2J\n;x")})
    command = rerun_command(run.state, ["unit"])
    assert "\x1b" not in command
    assert "\n" not in command
    assert shlex.split(command)[3].startswith("$(reboot)")
