"""The wheel, as it is released: built here, and used in an environment that has nothing of the clone."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.helpers.command import ROOT

# No index, no build environment, nothing fetched: what is missing must fail.
OFFLINE = os.environ | {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def done(*argv: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that has to succeed."""
    env = {name: value for name, value in OFFLINE.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        argv,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def test_the_wheel_holds_every_file_of_the_package_and_every_schema(tmp_path):
    done(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=ROOT)
    with ZipFile(*tmp_path.glob("*.whl")) as wheel:
        held = set(wheel.namelist())
    # Compiled files come and go while the other tests run.
    paths = [p for p in (ROOT / "vibeguard").rglob("*") if "__pycache__" not in p.parts]
    own = {str(path.relative_to(ROOT)) for path in paths if path.is_file()}
    schemas = {f"vibeguard/schemas/{path.name}" for path in (ROOT / "schemas").glob("*.json")}
    assert len(schemas) >= 3
    assert own | schemas <= held


@pytest.mark.nightly  # seven seconds of a processor; by day the one above says that all is there
def test_the_wheel_brings_all_that_its_commands_need(tmp_path):
    """Schemas, templates, hooks, style and script of the page: none is read from the clone."""
    built = tmp_path / "dist"
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built)
    done(*build, ROOT, cwd=tmp_path)
    (wheel,) = built.glob("*.whl")
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=False, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", fresh / "bin" / "python", "install", "--quiet")
    done(*pip, "--no-deps", "--no-compile", wheel, cwd=tmp_path)  # most of it is never imported
    # What it depends on stands behind what was installed; the clone is not on this path.
    (site,) = fresh.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = fresh / "bin" / "vibeguard"
    for name in ("config", "report", "event"):
        published = (ROOT / "schemas" / f"{name}.schema.json").read_text()
        assert done(command, "schema", name, cwd=tmp_path).stdout == published
    done(command, "init", "--template", "bash", cwd=tmp_path)
    done(command, "init", "--agent", cwd=tmp_path)
    done(command, "completion", "fish", cwd=tmp_path)
    done(command, "hook", "git", cwd=tmp_path)
    (tmp_path / "vibeguard.yaml").write_text("checks: [{id: a, run: 'true'}]\n")
    done(command, "run", cwd=tmp_path)
    page = done(command, "report", "--format", "html", cwd=tmp_path).stdout
    assert "<style>" in page or "<style " in page
    where = done(
        fresh / "bin" / "python", "-c", "import vibeguard; print(vibeguard.__file__)", cwd=tmp_path
    )
    assert Path(where.stdout.strip()).is_relative_to(fresh)
