"""What an environment says of the place where text will be shown. Pure: the caller brings it."""

from collections.abc import Mapping

# Set by the services themselves; `CI` by nearly all of them.
_CI_VARIABLES = (
    *("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION"),
    *("BUILDKITE", "TRAVIS", "JENKINS_URL", "CIRCLECI"),
)


_COLOUR_VARIABLES = ("FORCE_COLOR", "CLICOLOR_FORCE")


def is_ci(environment: Mapping[str, str]) -> bool:
    """Whether a CI service reads the output."""
    return any(environment.get(name, "") not in ("", "0", "false") for name in _CI_VARIABLES)


def wants_colour(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour text: NO_COLOR (not empty) wins, then FORCE_COLOR, then the terminal."""
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "") not in ("", "0") for name in _COLOUR_VARIABLES):
        return True
    return is_terminal and _has_abilities(environment)


def wants_live(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether rows can be drawn over again: a terminal that can move its cursor, and no CI."""
    return is_terminal and _has_abilities(environment) and not is_ci(environment)


def _has_abilities(environment: Mapping[str, str]) -> bool:
    """Whether the terminal knows colours and moves its cursor."""
    return environment.get("TERM", "") not in ("", "dumb")


def shows_unicode(environment: Mapping[str, str]) -> bool:
    """Whether the locale says that a terminal shows more than ASCII (POSIX: in this order)."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    said = next((environment[name] for name in names if environment.get(name)), "")
    return "utf-8" in said.lower() or "utf8" in said.lower()
