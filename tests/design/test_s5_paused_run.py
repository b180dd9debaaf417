"""DESIGN sections 5 and 6: a run that Ctrl-Z has stopped still obeys other commands."""

import signal

from tests.helpers.command import project, vibeguard
from tests.helpers.running import running
from vibeguard.core.model.events import RunCancelRequested, RunPaused

CHECKS = """
settings: {grace: 1s}
checks:
  - {id: long, run: "exec sleep 600", timeout: 11m, async: false}
"""


def test_a_paused_run_can_be_cancelled_from_elsewhere(tmp_path):
    project(tmp_path, CHECKS)
    with running(tmp_path, "run") as run:
        run.wait_until_running()
        run.process.send_signal(signal.SIGTSTP)
        run.wait_for(RunPaused)
        try:
            assert vibeguard("cancel", cwd=tmp_path).returncode == 0
            assert vibeguard("wait", "--max-wait", "60s", cwd=tmp_path).returncode == 143
        finally:
            run.process.send_signal(signal.SIGCONT)
        assert run.end()[0] == 143


def test_a_run_paused_while_it_is_cancelled_ends_with_its_front(tmp_path):
    deaf = "trap '' TERM; sleep 600; sleep 600"
    project(tmp_path, f'settings: {{grace: 10m}}\nchecks:\n  - {{id: deaf, run: "{deaf}"}}\n')
    with running(tmp_path, "run") as run:
        run.wait_until_running()
        run.process.send_signal(signal.SIGINT)
        run.wait_for(RunCancelRequested)
        run.process.send_signal(signal.SIGTSTP)
        run.wait_for(RunPaused)
        run.process.kill()
        assert vibeguard("wait", "--max-wait", "60s", cwd=tmp_path).returncode == 130


def test_a_paused_run_that_its_front_may_leave_goes_on_when_that_is_killed(tmp_path):
    project(tmp_path, "checks: [{id: waits, run: 'until test -e go; do sleep 0.05; done'}]")
    with running(tmp_path, "run", "--max-wait", "10m") as run:
        run.wait_until_running()
        run.process.send_signal(signal.SIGTSTP)
        run.wait_for(RunPaused)
        run.process.kill()
        (tmp_path / "go").touch()
        assert vibeguard("wait", "--max-wait", "60s", cwd=tmp_path).returncode == 0
