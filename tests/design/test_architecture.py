"""The import contracts of pyproject.toml: kept as the tree stands, and broken by a planted breach."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of `tree`, and of nothing that is installed."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-logo", "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package and its contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(
        ROOT / "vibeguard", tmp_path / "vibeguard", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def test_the_tree_keeps_every_contract() -> None:
    """Nothing imports upwards, and the core touches nothing outside itself."""
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


# (where, what is planted there, the contract that must be found broken)
BREACHES = {
    "upwards": ("system/clock.py", "import vibeguard.commands", "cli > commands > system > core"),
    "a vocabulary that knows a model": (
        "core/names.py",
        "import vibeguard.core.model.state",
        "inside core",
    ),
    "a process that knows its supervisor": (
        "system/process/planted.py",
        "import vibeguard.system.supervisor",
        "inside system",
    ),
    "a clock in the fold": ("core/fold/planted.py", "import time", "core takes values"),
    "a clock in a function of the fold": (
        "core/fold/planted.py",
        "def now():\n    import time\n    return time.time()",
        "core takes values",
    ),
    "a format in the runtime": (
        "system/supervisor/planted.py",
        "import vibeguard.core.formats.text",
        "knows no output format",
    ),
    "a format in a format": (
        "core/formats/planted.py",
        "import vibeguard.core.formats.text",
        "no format imports another",
    ),
    "Trio in a replay": ("commands/report.py", "import trio", "start without Trio"),
    "Trio in a replay, by a detour": ("core/problems.py", "import trio", "start without Trio"),
    "a room without a floor": ("core/planted.py", "", "inside core"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_planted_breach_is_found(breach: str, tree: Path) -> None:
    """Each contract can fail: a single import in the wrong place is named."""
    place, code, contract = BREACHES[breach]
    with (tree / "vibeguard" / place).open("a", encoding="utf-8") as module:
        module.write(f"\n{code}\n")
    result = lint_imports(tree)
    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in line for line in broken), result.stdout
