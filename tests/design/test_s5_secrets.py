"""DESIGN section 15, `redact`: a secret that a check echoes is masked in all but its stored output."""

from pathlib import Path

from tests.helpers.command import project, vibeguard
from vibeguard.core.redaction import is_like_a_secret

CONFIG = r"""
settings: {redact: [DEPLOY]}
checks:
  - id: leaks
    run: 'echo "deploy=$DEPLOY token=$MY_TOKEN name=$NAME pin=$PIN_TOKEN"; exit 1'
    env: {MY_TOKEN: "tok-12345678", NAME: "ordinary-name", PIN_TOKEN: "1234567"}
    grok: "token=%{NOTSPACE:token}"
"""


def test_a_secret_is_masked_wherever_output_is_shown_and_stays_in_its_file(tmp_path: Path) -> None:
    folder = project(tmp_path, CONFIG)
    done = vibeguard("run", cwd=folder, env={"DEPLOY": "very secret"})
    assert done.returncode == 1
    log = next((folder / ".vibeguard" / "runs").glob("*/events.jsonl")).read_text()
    for shown in (done.stdout + done.stderr, log):
        assert "very secret" not in shown
        assert "tok-12345678" not in shown
        assert "deploy=[redacted] token=[redacted] name=ordinary-name pin=1234567" in shown
    stored = next((folder / ".vibeguard" / "runs").glob("*/output/leaks.1.log")).read_text()
    assert "deploy=very secret token=tok-12345678" in stored


def test_which_names_are_like_secrets() -> None:
    for name in ("TOKEN", "DB_PASSWORD", "API_KEY", "APIKEY", "aws_secret_access_key", "KEY"):
        assert is_like_a_secret(name), name
    for name in ("PATH", "MONKEY", "TURKEY", "NAME", "AUTHOR", "KEYBOARD", "TOKENIZERS"):
        assert not is_like_a_secret(name), name


RESULTS = r"""
checks:
  - id: tests
    run: 'printf "<testsuite><testcase name=\"t[$MY_TOKEN]\" file=\"$MY_TOKEN.py\"><failure message=\"got $MY_TOKEN\"/></testcase></testsuite>" > out.xml; exit 1'
    env: {MY_TOKEN: "tok-12345678"}
    results: {junit: out.xml}
"""


def test_single_results_hold_no_secret_in_any_format(tmp_path: Path) -> None:
    folder = project(tmp_path, RESULTS)
    done = vibeguard("run", cwd=folder)
    assert "[redacted].py: got [redacted]" in done.stderr
    log = next((folder / ".vibeguard" / "runs").glob("*/events.jsonl")).read_text()
    assert "tok-12345678" not in done.stderr + log
