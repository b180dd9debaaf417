"""DESIGN section 2 and 6: what sh would pass over because it is of bash is a mistake of the config."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.command import project, vibeguard
from vibeguard.core.config.load import load_config
from vibeguard.core.lang.bashisms import PROBES
from vibeguard.core.problems import ConfigError
from vibeguard.system.discovery.shells import sh_lacks

CONFIG = """\
checks:
  - id: unit
    run: |
      cd .
      if [[ -e vibeguard.yaml ]]; then exit 1; fi
  - id: quoted
    run: "false &> log"
  - id: bashed
    shell: bash
    run: "if [[ a = b ]]; then exit 1; fi"
  - id: bad
    requires: [nobody]
    run: "[ a == b ] || true"
"""


@pytest.mark.skipif(not sh_lacks("[["), reason="NOT TRIED HERE: the sh of this machine knows bash")
def test_each_form_that_sh_does_not_know_is_said_at_load_with_its_place(tmp_path: Path) -> None:
    folder = project(tmp_path, CONFIG)
    done = vibeguard("run", cwd=folder)
    assert done.returncode == 2
    said = "the sh of this machine does not know {} and would go on: add shell: bash"
    for place, name in (("5:10", "[["), ("7:17", "&>"), ("13:15", "==")):
        assert f"vibeguard.yaml:{place}: {said.format(name)}" in done.stderr
    assert "nobody" in done.stderr
    assert "3 mistakes" not in done.stderr
    assert not (folder / "log").exists()


@pytest.mark.parametrize("here", ["a plain sh", "a bash as sh"])
def test_the_sh_of_a_worker_is_not_judged_by_that_of_this_machine(here: str) -> None:
    text = """
settings: {pool: {name: p}}
checks: [{id: a, run: "[[ a = b ]] && false; true", where: {labels: [gpu]}%s}]
"""
    lacks = here == "a plain sh"
    with pytest.raises(ConfigError) as refused:
        load_config((text % "").encode(), "vibeguard.yaml", sh_lacks=lambda _: lacks)
    (problem,) = refused.value.problems
    said = "the sh of a worker may not know [[ and would go on"
    assert (problem.what, problem.do) == (said, "add shell: bash")
    load_config((text % ", shell: bash").encode(), "vibeguard.yaml", sh_lacks=lambda _: lacks)


@pytest.mark.parametrize(("program", "lacks"), [("dash", True), ("bash", False)])
def test_what_a_sh_knows_is_found_out_by_trying(
    tmp_path: Path, program: str, *, lacks: bool
) -> None:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"NOT TRIED HERE: there is no {program}")
    (tmp_path / "sh").symlink_to(found)
    assert {name: sh_lacks(name, str(tmp_path / "sh")) for name in PROBES} == dict.fromkeys(
        PROBES, lacks
    )


def test_no_sh_to_ask_says_nothing() -> None:
    assert not sh_lacks("[[", "/nowhere/sh")
