"""What a command loads: counted, not timed. Each of these would be felt at every start."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, project, vibeguard

# Never for plain words: the parser and what it brings, and what the standard library has that is heavy.
PARSER = {"cyclopts", "attr", "attrs", "rich", "docstring_parser", "inspect", "dataclasses"}
HEAVY = {"trio", "asyncio", "ssl", "http", "email", "logging", "concurrent", "unittest", "re2"}
CONFIG = {"yaml", "vibeguard.core.config.load"}
CALLS_OTHERS = {"subprocess", "ctypes", "tempfile", "pathlib"}
LIVE = {"vibeguard.core.excerpt", "vibeguard.core.results.guessing"}
FORBIDDEN = {
    "report": PARSER | HEAVY | CONFIG | LIVE | {"ctypes", "tempfile", "pathlib", "statistics"},
    "status": PARSER | HEAVY | CONFIG | LIVE | CALLS_OTHERS,
    "runs": PARSER | HEAVY | CONFIG | LIVE | CALLS_OTHERS,
    "validate": PARSER | HEAVY | LIVE | CALLS_OTHERS | {"statistics"},
    "list": PARSER | HEAVY | LIVE | CALLS_OTHERS | {"statistics"},
    "hook failures": PARSER | HEAVY | {"pathlib"},
    "run": PARSER | HEAVY | {"statistics", "tempfile", "pathlib"},
}
SELDOM = {
    "vibeguard.core.lang.expression",
    "vibeguard.core.lang.grok",
    "vibeguard.system.pool.access",
}
OF_TRIO = {"trio", "attr", "attrs", "inspect", "ssl", "logging"}
SUPERVISOR = (PARSER | HEAVY | CONFIG | SELDOM) - OF_TRIO


def loaded(program: str, folder: Path) -> set[str]:
    """The modules that a program has loaded when it is done, by a line that it ends with."""
    ending = "print(); print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}; {ending}"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which a run has passed."""
    made = project(tmp_path_factory.mktemp("loaded"), "checks: [{id: a, run: 'true'}]\n")
    assert vibeguard("run", cwd=made).returncode == 0
    return made


@pytest.fixture(scope="module")
def bare(folder) -> set[str]:
    """What the interpreter and msgspec load, with what happens to be in this environment."""
    return loaded("import msgspec", folder)


@pytest.mark.parametrize("words", FORBIDDEN)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(words, folder, bare):
    """Whoever adds an import at the top of a file sees here whom it slows down."""
    program = f"from vibeguard.cli import main; main({words.split()!r})"
    assert not (loaded(program, folder) - bare) & FORBIDDEN[words]


def test_the_supervisor_loads_trio_and_neither_parser_nor_config(folder, bare):
    """While the front reads the config, it loads; what a plan needs beyond comes with the plan."""
    program = "import vibeguard.system.supervisor.process"
    assert not (loaded(program, folder) - bare) & SUPERVISOR
