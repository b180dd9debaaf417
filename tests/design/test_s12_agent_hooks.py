"""DESIGN section 12, `hook agent --target`: settings that keep what is there, and each protocol."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.command import environment, git, project, vibeguard
from vibeguard.commands.hook.settings_file import with_ours, without_ours
from vibeguard.commands.hook.targets import MOST_IN_A_ROW, TARGETS, script_name

CONFIG = "checks: [{id: a, run: 'true'}]\n"
# As the agents send them (docs/hooks.md has the dates).
PAYLOADS = {
    "claude": {
        "session_id": "3f1c",
        "transcript_path": "/home/u/.claude/projects/p/3f1c.jsonl",
        "cwd": "/home/u/p",
        "permission_mode": "default",
        "hook_event_name": "Stop",
        "stop_hook_active": False,
    },
    "codex": {
        "session_id": "0199",
        "transcript_path": None,
        "cwd": "/home/u/p",
        "hook_event_name": "Stop",
        "model": "m",
        "permission_mode": "default",
        "turn_id": "1",
        "stop_hook_active": False,
        "last_assistant_message": "Done.",
    },
    "cursor": {
        "conversation_id": "c1",
        "generation_id": "g1",
        "hook_event_name": "stop",
        "cursor_version": "2.0",
        "workspace_roots": ["/home/u/p"],
        "status": "completed",
        "loop_count": 0,
    },
}
TEXT = "FAILED a in tests/test_x.py:3"
# The hooks themselves are ours; what runs the checks answers as it is told.
STUB = f"""#!/bin/sh
case "$1 $2" in
'hook stop' | 'hook wake') exec {sys.executable} -m vibeguard "$@" ;;
'hook failures') exit 3 ;;
esac
echo '{TEXT}'
exit $STUB_CODE
"""


@pytest.fixture
def repository(tmp_path):
    """A repository whose path has a space, with a config and the stub beside it."""
    folder = project(tmp_path / "my repository", CONFIG)
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / ".vibeguard").mkdir(mode=0o700)
    (folder / "below").mkdir()
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "vibeguard").write_text(STUB)
    (bin_folder / "vibeguard").chmod(0o755)
    return folder


def written(folder, name):
    """The settings file, after our hooks have been written into it."""
    done = vibeguard("hook", "agent", "--target", name, "--write", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / TARGETS[name].settings


def command_of(settings, verb="stop"):
    """The command in the settings that calls us."""
    found = [line for line in _strings(json.loads(settings.read_text())) if line.endswith(verb)]
    (command,) = [each for each in found if "vibeguard-agent" in each]
    return command


def _strings(value):
    if isinstance(value, dict):
        return [each for inner in value.values() for each in _strings(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in _strings(inner)]
    return [value] if isinstance(value, str) else []


def called(folder, name, *, code=0, path=None, verb="stop", **more):
    """What the installed hook answers; agents but Cursor call it from any folder."""
    stub = folder.parent / "bin"
    known = environment(STUB_CODE=str(code), CLAUDE_PROJECT_DIR=str(folder))
    known["PATH"] = path or f"{stub}{os.pathsep}{known['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", command_of(folder / TARGETS[name].settings, verb)],
        cwd=folder if name == "cursor" else folder / "below",
        env=known,
        input=json.dumps(PAYLOADS[name] | more),
        capture_output=True,
        text=True,
        check=False,
    )


def blocked(name, done):
    """The text that sends the agent back; empty where it is let go. Nothing else may be said."""
    if name == "claude":
        assert done.returncode in (0, 2)
        assert done.stdout == ""
        return done.stderr if done.returncode == 2 else ""
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout or "{}")
    if name == "codex":
        assert said in ({}, {"decision": "block", "reason": said.get("reason")})
        return said.get("reason", "")
    assert set(said) <= {"followup_message"}
    return said.get("followup_message", "")


@pytest.mark.parametrize("name", TARGETS)
def test_each_agent_is_sent_back_in_its_own_protocol(repository, name):
    """From a folder below, in a path with a space: pass, pending, failure, a config error."""
    written(repository, name)
    for code, sent_back in ((0, False), (5, False), (143, False), (1, True), (2, True)):
        text = blocked(name, called(repository, name, code=code))
        assert (TEXT in text) == sent_back, code


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("claude", {"stop_hook_active": True}),
        ("codex", {"stop_hook_active": True}),
        ("cursor", {"loop_count": MOST_IN_A_ROW}),
        ("cursor", {"status": "aborted"}),
        ("cursor", {"status": "error"}),
    ],
)
def test_what_the_agent_says_of_itself_is_respected(repository, name, more):
    written(repository, name)
    assert blocked(name, called(repository, name, code=1, **more)) == ""


@pytest.mark.parametrize("name", TARGETS)
def test_no_session_is_sent_back_for_ever_whatever_the_agent_says(repository, name):
    """Its flag may never be set: we count ourselves, for each session, and a pass begins anew."""
    written(repository, name)
    key = TARGETS[name].session
    answers = [bool(blocked(name, called(repository, name, code=1))) for _ in range(5)]
    assert answers == [True] * MOST_IN_A_ROW + [False, True]
    assert blocked(name, called(repository, name, code=1, **{key: "another"}))


def test_where_nothing_can_be_counted_the_agent_is_told_all_the_same(repository):
    written(repository, "claude")
    (repository / ".vibeguard").mkdir(exist_ok=True)
    (repository / ".vibeguard" / "told").touch()
    assert TEXT in blocked("claude", called(repository, "claude", code=1))
    done = called(repository, "claude", code=0)
    assert (done.returncode, done.stderr) == (
        0,
        "vibeguard: cannot count what was told: Not a directory\n",
    )


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("trouble", ["no program", "no folder"])
def test_a_hook_that_cannot_check_is_no_silent_one(tmp_path, repository, name, trouble):
    """127 would let the agent go without a word."""
    package = project(repository / "packages" / "api", CONFIG)
    vibeguard("hook", "agent", "--target", name, "--write", cwd=package)
    if trouble == "no folder":
        (package / "vibeguard.yaml").unlink()
        package.rmdir()
    path = "/usr/bin:/bin" if trouble == "no program" else None
    assert "checked nothing" in blocked(name, called(repository, name, path=path))


@pytest.mark.parametrize("name", TARGETS)
def test_written_twice_is_written_once_and_removed_is_as_before(repository, name):
    """Byte for byte, with another program's hooks and keys that nobody knows around."""
    target = TARGETS[name]
    settings = repository / target.settings
    settings.parent.mkdir()
    foreign = {"command": "mine", "type": "command"}
    theirs = [{"hooks": [foreign]}] if target.grouped else [foreign]
    before = {"zeta": {"ü": [1, None]}, "version": 1, "hooks": {target.event: theirs, "X": []}}
    text = json.dumps(before, indent=4, ensure_ascii=False) + "\n"
    settings.write_text(text)
    once = written(repository, name).read_text()
    assert written(repository, name).read_text() == once
    assert list(json.loads(once)) == list(before)
    assert "mine" in once
    assert (repository / "scripts" / script_name(name)).exists()
    done = vibeguard("hook", "agent", "--target", name, "--remove", cwd=repository)
    assert done.returncode == 0, done.stderr
    assert target.note not in done.stderr
    assert settings.read_text() == text
    assert not (repository / "scripts" / script_name(name)).exists()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.sampled_from(sorted(TARGETS)), st.dictionaries(st.text(max_size=5), values), values)
def test_whatever_else_a_file_holds_is_kept(name, around, handler):
    """Write is idempotent, and remove takes back exactly what write has put there."""
    target, mark = TARGETS[name], script_name(name)
    settings = {**target.root, **around, "hooks": {"Other": handler, target.event: [handler]}}
    entries = target.entries(f"/top/scripts/{mark}")
    once = with_ours(settings, target, mark, entries)
    assert with_ours(once, target, mark, entries) == once
    assert without_ours(once, target, mark) == settings


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{// mine\n}", "is not JSON"),
        ("[]", "is no JSON object"),
        ('{"a": 1e400}', "is not JSON"),
        ('{"a": 1, "a": 2}', "a key stands twice"),
        ('{"hooks": []}', "hooks is no object"),
        ('{"hooks": {"Stop": {}}}', "hooks.Stop is no list"),
    ],
)
def test_a_file_that_would_lose_something_is_refused(repository, text, says):
    settings = repository / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(text)
    done = vibeguard("hook", "agent", "--target", "claude", "--write", cwd=repository)
    assert done.returncode == 2
    assert says in done.stderr
    assert settings.read_text() == text
    assert not (repository / "scripts").exists()


def test_half_a_character_stays_the_escape_that_it_was(repository):
    """As such it is JSON; as bytes the file would be none."""
    settings = repository / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"ü": "\\ud800"}')
    assert json.loads(written(repository, "claude").read_text())["ü"] == "\ud800"


def test_a_path_that_is_no_text_goes_into_no_settings(tmp_path):
    """Codex could read nothing of them any more."""
    folder = project(tmp_path / "\udcff", CONFIG)
    git("init", "-q", "-b", "main", cwd=folder)
    done = vibeguard("hook", "agent", "--target", "codex", "--write", cwd=folder)
    assert done.returncode == 2
    assert "the path of this folder is no text" in done.stderr
    assert not (folder / ".codex").exists()
    assert written(folder, "claude").exists()


def test_a_link_out_of_the_repository_is_refused(repository, tmp_path):
    """It would change the settings of other projects."""
    (tmp_path / "shared.json").write_text("{}")
    (repository / ".cursor").mkdir()
    (repository / ".cursor" / "hooks.json").symlink_to(tmp_path / "shared.json")
    done = vibeguard("hook", "agent", "--target", "cursor", "--write", cwd=repository)
    assert done.returncode == 2
    assert "leads out of the repository" in done.stderr
    assert (tmp_path / "shared.json").read_text() == "{}"


def test_only_claude_is_woken_and_the_others_say_so(repository):
    for name in TARGETS:
        done = vibeguard("hook", "agent", "--target", name, "--write", cwd=repository)
        assert ("nothing wakes" in done.stderr) == (name != "claude")
        assert ("trust this one in /hooks" in done.stderr) == (name == "codex")
        text = (repository / TARGETS[name].settings).read_text()
        assert ("asyncRewake" in text) == (name == "claude")


@pytest.mark.parametrize(
    ("background", "code", "says"), [("true", 0, ""), ("test -e x", 2, "FAILED slow")]
)
def test_a_failure_in_the_background_wakes_and_green_is_silent(tmp_path, background, code, says):
    """The real checks: exit 2 and why on stderr, or not one byte."""
    folder = project(
        tmp_path / "my repository",
        f'checks: [{{id: fast, run: "true"}}, {{id: slow, run: "sleep 0.3; {background}", '
        "async: true}]\n",
    )
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / "below").mkdir()
    written(folder, "claude")
    path = environment()["PATH"]
    done = called(folder, "claude", verb="wake", path=path)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert says or done.stderr == ""


def test_a_failure_in_the_foreground_wakes_nobody(tmp_path):
    """The stop hook has told it: the same thing twice is noise."""
    folder = project(tmp_path, "checks: [{id: a, run: 'false'}]\n")
    assert vibeguard("run", cwd=folder).returncode == 1
    done = vibeguard("wait", "--notify", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
