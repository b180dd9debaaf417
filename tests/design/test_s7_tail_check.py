"""DESIGN section 7: `tail --check` copies the output of every attempt, whole, and at full speed."""

from tests.helpers.command import project, vibeguard

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
