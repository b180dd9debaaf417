"""What the environment means for what a command writes: the same as for a run."""

import pytest

from tests.helpers.command import environment, project, vibeguard

BAD = 'checks: [{id: b, run: "true", severity: "##vso[task.complete]"}]\n'
SERVICES = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "TEAMCITY_VERSION", "JENKINS_URL")


def mistakes(folder, **variables: str) -> str:
    """What `validate` says about a config that would give the service a command."""
    bare = dict.fromkeys((*SERVICES, "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"), "")
    done = vibeguard("validate", cwd=folder, env=environment(**{**bare, **variables}))
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_known_service_gets_no_command_from_a_config_error(tmp_path, service):
    project(tmp_path, BAD)
    assert "##vso[" in mistakes(tmp_path)
    assert "##vso[" not in mistakes(tmp_path, **{service: "True"})


def test_colour_is_asked_for_and_refused_as_for_a_run(tmp_path):
    project(tmp_path, BAD)
    assert "\x1b[" not in mistakes(tmp_path)
    assert "\x1b[" in mistakes(tmp_path, CLICOLOR_FORCE="1")
    assert "\x1b[" not in mistakes(tmp_path, CLICOLOR_FORCE="1", NO_COLOR="1")
