"""DESIGN section 7: `tail --check` copies the output of every attempt, whole, and at full speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.command import project, vibeguard
from vibeguard.core.wording.sanitise import break_commands
from vibeguard.system.front.check_output import HarmlessText

LONG = """
checks:
  - id: flaky
    run: 'test $VIBEGUARD_ATTEMPT = 2 && exec echo second; seq 1 200000; exit 1'
    retries: 1
"""


def test_an_attempt_that_was_tried_again_is_copied_to_its_end(tmp_path):
    project(tmp_path, LONG)
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    followed = vibeguard("tail", "--check", "flaky", cwd=tmp_path)
    assert followed.returncode == 0
    expected = "".join(f"{number}\n" for number in range(1, 200001))
    assert followed.stdout == expected + "second\n"


@pytest.mark.parametrize("ci", ["", "true"])
def test_each_attempt_begins_in_a_line_of_its_own(tmp_path, ci):
    """Also one whose forerunner ended in the middle of a line, or of a character."""
    project(
        tmp_path,
        r"""
checks:
  - {id: a, run: 'printf "$VIBEGUARD_ATTEMPT \303"; test $VIBEGUARD_ATTEMPT = 3', retries: 2}
""",
    )
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    assert tail_of(tmp_path, "a", CI=ci).stdout.splitlines() == ["1 \ufffd", "2 \ufffd", "3 \ufffd"]


def tail_of(folder, check, **env):
    return vibeguard("tail", "--check", check, cwd=folder, env=env)


@pytest.mark.parametrize(
    ("note", "said"),
    [("differences", "the output is gone"), ("supervisor-killed", "supervisor was killed")],
)
def test_a_run_that_is_corrupt_to_other_commands_is_so_here(tmp_path, note, said):
    project(tmp_path, "checks: [{id: a, run: echo out}]")
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    text = "the output is gone\n" if note == "differences" else ""
    (tmp_path / ".vibeguard/latest" / note).write_text(text)
    followed = tail_of(tmp_path, "a")
    assert (followed.returncode, followed.stdout) == (4, "out\n")
    assert followed.stderr.startswith("vibeguard: ")
    assert said in followed.stderr
    assert vibeguard("tail", cwd=tmp_path).returncode == 4


def test_damage_is_told_with_its_line_and_byte(tmp_path):
    project(tmp_path, "checks: [{id: a, run: echo out}]")
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    log = tmp_path / ".vibeguard/latest/events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2] + lines[3:]))
    followed = tail_of(tmp_path, "a")
    assert followed.returncode == 4
    byte = sum(len(line) for line in lines[:2])
    assert followed.stderr.startswith(f"vibeguard: line 3, byte {byte}: ")


COMMANDS = """
checks:
  - id: loud
    run: "printf '::error::x\\n##[error]y\\n##vso[task.complete]z\\n::notice::no end'"
"""


def test_under_ci_a_checks_output_gives_the_service_no_commands(tmp_path):
    project(tmp_path, COMMANDS)
    assert vibeguard("run", cwd=tmp_path).returncode == 0
    shown = tail_of(tmp_path, "loud", CI="true", GITHUB_ACTIONS="true").stdout
    assert shown == ": :error::x\n# #[error]y\n# #vso[task.complete]z\n: :notice::no end"


@given(
    st.lists(
        st.sampled_from(
            [":", "#", "[error]", "vso[", "\n", " ", "x", "section_", "start:", "a" * 99]
        )
    ),
    st.integers(1, 12),
)
def test_however_the_output_is_cut_no_command_comes_together_again(words, size):
    text = "".join(words)
    harmless = HarmlessText(ci=True)
    pieces = [harmless.feed(text[at : at + size]) for at in range(0, len(text), size)]
    shown = "".join(pieces) + harmless.rest()
    assert break_commands(shown) == shown


def test_of_a_line_that_does_not_end_only_a_little_is_kept():
    harmless = HarmlessText(ci=True)
    shown = harmless.feed("x" * 200_000)
    assert len(shown) > 100_000
    assert shown + harmless.rest() == "x" * 200_000
