"""What the environment means for what a command writes: the same as for a run."""

import ast
import re
import signal

import pytest

from tests.helpers.command import ROOT, environment, project, vibeguard
from vibeguard.cli import main

CI_COMMAND = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.MULTILINE | re.IGNORECASE)

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


HOSTILE = "##vso[task.complete]##[error]"
# What each command is asked about in a folder of that name, in a state folder of that name.
WORDS = [
    ("validate",),
    ("validate", "--json"),
    ("migrate",),
    ("list", "-v"),
    ("tags", "-v"),
    ("prompt", "-v"),
    ("prompt", "p"),
    ("init",),
    ("init", "-t", HOSTILE),
    ("runs",),
    ("status",),
    ("report", "-v"),
    ("report", "--format", "markdown"),
    ("report", "--format", "junit"),
    ("report", "--format", "html"),
    ("report", "--json"),
    ("cancel", "--check", HOSTILE),
    ("cancel", HOSTILE),
    ("prune", "--keep-runs", HOSTILE),
    ("hook", "verdict", HOSTILE),
    ("hook", HOSTILE),
    (HOSTILE,),
    ("explain", "a"),
    ("explain", HOSTILE),
    ("evidence",),
    ("audit", HOSTILE),
    ("schema", HOSTILE),
    ("completion", HOSTILE),
    ("workers",),
    ("hook", "doctor"),
    ("hook", "git"),
    ("report", HOSTILE),
    ("report", "--compare", HOSTILE),
    ("report", "-o", f"{HOSTILE}/x"),
    ("report", "--format", "agent"),
    ("report", "--format", "sarif"),
    ("report", "--format", HOSTILE),
    ("runs", "--format", "html", "-o", f"{HOSTILE}/x/y"),
    ("list", "--tags", HOSTILE),
    ("init", "--assist"),
    ("init", "-o", f"{HOSTILE}/x/y"),
    ("wait", HOSTILE),
    ("tail", "--check", HOSTILE),
    ("status", "--json"),
    ("run", "--failed", HOSTILE),
    ("run", "--tags", HOSTILE),
    ("run", "-c", HOSTILE),
]


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory):
    """A run whose every name is a command of a service, and a config that has changed since."""
    folder = tmp_path_factory.mktemp(HOSTILE)
    config = f"""
prompts: [{{id: p, description: "{HOSTILE}", content: "::error::x\\n{HOSTILE}"}}]
checks:
  - {{id: a, run: "echo '{HOSTILE}'; echo; echo ::error::x; false", tags: [t],
     suggestion: "::error::x\\n::error::x", fix: "{HOSTILE}"}}
"""
    project(folder, config)
    state = str(folder / HOSTILE)
    assert vibeguard("run", "--state-dir", state, cwd=folder).returncode == 1
    project(folder, config + "# changed\n")
    return folder, state


@pytest.fixture
def _signals_given_back():
    """A command that follows a run takes them over, and here it is no process of its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("_signals_given_back")
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_no_command_writes_what_a_service_takes_for_a_command(
    hostile_folder, words, monkeypatch, capsys
):
    folder, state = hostile_folder
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CI", "true")
    main([*words, "--state-dir", state])
    shown = capsys.readouterr()
    assert shown.out or shown.err
    for stream in shown:
        assert not CI_COMMAND.search(stream), stream


def test_a_run_that_is_watched_writes_none_either(hostile_folder):
    folder, state = hostile_folder
    for words in (("run", "-v"), ("run", "--format", "agent"), ("wait",), ("tail", "--check", "a")):
        shown = vibeguard(*words, "--state-dir", state, cwd=folder, env={"CI": "true"})
        assert HOSTILE[:2] in (shown.stdout + shown.stderr).replace("# #", "##")
        assert not CI_COMMAND.search(shown.stdout + "\n" + shown.stderr)


# Who touches the streams of the process at all, and what for.
STREAM_USERS = {
    "cli.py": "the version, before anything is imported; the last flush",
    "commands/streams.py": "writes for every command",
    "commands/failures.py": "their encoding; the last flush",
    "commands/mcp.py": "the protocol itself: a line of JSON a message",
    "commands/wait.py": "what would be stdout goes to stderr, where --notify is read",
    "commands/prompt.py": "whether it is a terminal",
    "system/front/early.py": "flushes them before the fork",
    "system/front/shown.py": "whether it is a terminal",
}
EXACT_WRITERS = {
    "commands/streams.py": "documents, whose JSON escapes what is foreign",
    "commands/completion.py": "a script of our own",
    "commands/hook/scripts.py": "scripts of our own, and an agent's settings, in JSON",
    "commands/hook/stop.py": "an answer in the agent's protocol, in JSON",
    "commands/init/__init__.py": "templates of our own",
    "commands/init/proposal.py": "a config of words that were quoted for YAML",
    "commands/report.py": "formats that are exact",
    "commands/schema.py": "schemas of our own, in JSON",
}


def users_of(found) -> set[str]:
    """The modules in whose syntax tree `found` finds something."""
    return {
        str(path.relative_to(ROOT / "vibeguard"))
        for path in (ROOT / "vibeguard").rglob("*.py")
        if any(found(node) for node in ast.walk(ast.parse(path.read_text())))
    }


def test_nothing_else_writes_to_the_streams():
    def touches(node: ast.AST) -> bool:
        match node:
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"):
                return True
            case ast.Call(func=ast.Name(id="print")):
                return True
            case ast.Call(func=ast.Attribute(attr="write"), args=[ast.Constant(value=1 | 2), *_]):
                return True
        return False

    assert users_of(touches) == set(STREAM_USERS)


def test_only_those_write_exactly_whose_text_no_service_can_take_for_a_command():
    def uses(node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == "write_exact"

    assert users_of(uses) == set(EXACT_WRITERS)
