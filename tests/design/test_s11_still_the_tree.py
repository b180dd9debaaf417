"""DESIGN sections 6, 11, 12: joins, `hook verdict`, `hook failures` and `evidence` tell whether this is still the tree.

Each shape leaves git's own name of the tree as it was, or what a naive key (path, size, mtime) sees.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.helpers.command import git, project, vibeguard
from tests.helpers.histories import History
from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.evidence import evidence_of
from vibeguard.commands.hook.push_verdict import failures, verdict
from vibeguard.commands.loading import load
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.state import State
from vibeguard.core.reuse.checked import held_still, is_still_on
from vibeguard.system.discovery.tree import tree_of
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.scan import scan
from vibeguard.system.reuse.tree import Extent, files_of_tree, tree_identity

CONFIG = """
version: "1"
checks:
  - {id: unit, run: "test ! -e .vibeguard/red", reuse: true, inputs: ["*.txt", "built/**"], tools: []}
"""
INPUTS = {"unit": ("*.txt", "built/**")}


@dataclass
class Place:
    """A repository with a submodule, filters, links, and a declared input that git ignores."""

    root: Path

    def now(self) -> VersionControl:
        found = tree_identity(self.extent)
        assert found is not None
        return found

    @property
    def extent(self) -> Extent:
        return Extent(str(self.root), os.environb, str(self.root / ".vibeguard"), INPUTS)

    @property
    def tree(self) -> str:
        return git("rev-parse", "HEAD^{tree}", cwd=self.root).stdout.strip()

    def write(self, name: str, text: str) -> None:
        """With the times that were there."""
        path = self.root / name
        status = path.stat()
        with open(path, "r+", encoding="utf-8", newline="") as file:
            file.truncate()
            file.write(text)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """Committed, clean, and checked once."""
    base = tmp_path_factory.mktemp("still")
    inner = base / "inner"
    inner.mkdir()
    git("init", "-q", "-b", "main", cwd=inner)
    (inner / "c.txt").write_text("3\n")
    git("add", "-A", cwd=inner)
    git("commit", "-q", "-m", "Inner", cwd=inner)
    root = project(base / "p", CONFIG)
    git("init", "-q", "-b", "main", cwd=root)
    files = {
        "a.txt": "1\n",
        "b.txt": "2\n",
        "run.sh": "exit 0\n",
        ".gitattributes": "*.txt eol=lf\n",
    }
    for name, text in {**files, ".gitignore": "built/\n.vibeguard/\n", "Case": "x\n"}.items():
        (root / name).write_text(text)
    (root / "odd\nname.txt").write_text("5\n")
    (root / "link").symlink_to("a.txt")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub", cwd=root)
    git("add", "-A", cwd=root)
    git("commit", "-q", "-m", "All", cwd=root)
    (root / "built").mkdir()
    (root / "built" / "out").write_text("of main\n")
    assert vibeguard("run", "--record-tree", cwd=root).returncode == 0
    return root


@pytest.fixture
def place(template, tmp_path, monkeypatch) -> Place:
    shutil.copytree(template, tmp_path / "p", symlinks=True)
    monkeypatch.chdir(tmp_path / "p")
    return Place(tmp_path / "p")


def hidden(flag: str) -> Callable[[Place], None]:
    def shape(place: Place) -> None:
        git("update-index", flag, "a.txt", cwd=place.root)
        place.write("a.txt", "9\n")

    return shape


def relinked(place: Place) -> None:
    (place.root / "link").unlink()
    (place.root / "link").symlink_to("b.txt")


def become_a_file(place: Place) -> None:
    (place.root / "link").unlink()
    (place.root / "link").write_text("1\n")


def moved_submodule(place: Place) -> None:
    (place.root / "sub" / "d.txt").write_text("4\n")
    git("add", "-A", cwd=place.root / "sub")
    git("commit", "-q", "-m", "More", cwd=place.root / "sub")


def not_looked_at(place: Place) -> None:
    """Modes that git is told not to trust."""
    git("config", "core.fileMode", "false", cwd=place.root)
    (place.root / "run.sh").chmod(0o755)


def cleaned_away(place: Place) -> None:
    """A clean filter that makes the same blob of everything."""
    git("config", "filter.same.clean", "printf '1\\n'", cwd=place.root)
    (place.root / ".git" / "info").mkdir(exist_ok=True)
    (place.root / ".git" / "info" / "attributes").write_text("a.txt filter=same\n")
    place.write("a.txt", "9\n")


SHAPES: dict[str, Callable[[Place], object]] = {
    "same size and time": lambda p: p.write("a.txt", "9\n"),
    "CRLF under eol=lf": lambda p: p.write("a.txt", "1\r\n"),
    "a clean filter": cleaned_away,
    "assume-unchanged": hidden("--assume-unchanged"),
    "skip-worktree": hidden("--skip-worktree"),
    "a submodule dirty": lambda p: p.write("sub/c.txt", "9\n"),
    "a submodule with a new file": lambda p: (p.root / "sub/new").write_text(""),
    "a submodule moved": moved_submodule,
    "a link swapped": relinked,
    "a link become a file": become_a_file,
    "a mode": lambda p: (p.root / "run.sh").chmod(0o755),
    "a mode that git does not trust": not_looked_at,
    "the case of a name": lambda p: (p.root / "Case").rename(p.root / "case"),
    "a new file": lambda p: (p.root / "new\n\udcff").write_text(""),
    "a name with a newline": lambda p: p.write("odd\nname.txt", "9\n"),
    "a file gone": lambda p: (p.root / "b.txt").unlink(),
}
# What is no part of a commit: it makes no commit another, but what was checked.
BESIDE: dict[str, Callable[[Place], object]] = {
    "a declared input that is ignored": lambda p: p.write("built/out", "of dev!\n"),
    "a declared input that is ignored, gone": lambda p: (p.root / "built/out").unlink(),
    "a declared input that is ignored, new": lambda p: (p.root / "built/b").write_text(""),
}


@pytest.mark.parametrize("shape", [*SHAPES, *BESIDE])
def test_evidence_and_failures_are_not_of_another_tree(place, shape):
    common = GlobalOptions()
    assert evidence_of(load(common), state_dir_of_runs(common)).verified
    assert failures(common=common) == 0
    (SHAPES | BESIDE)[shape](place)
    found = evidence_of(load(common), state_dir_of_runs(common))
    assert (found.exit_code, found.verified) == (3, False)
    assert failures(common=common) == 3


@pytest.mark.parametrize("shape", [*SHAPES, *BESIDE])
def test_a_run_is_not_joined_on_another_tree(place, shape):
    began = place.now()
    assert is_still_on(recorded(began), place.now())
    (SHAPES | BESIDE)[shape](place)
    assert not is_still_on(recorded(began), place.now())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tree_has_no_name_of_a_commit_whose_files_do_not_lie_there(place, shape):
    assert tree_of(str(place.root), os.environb, exact=True) == place.tree
    SHAPES[shape](place)
    assert tree_of(str(place.root), os.environb, exact=True) != place.tree


@pytest.mark.parametrize("shape", BESIDE)
def test_a_verdict_holds_while_the_ignored_inputs_are_the_same(place, shape, capsys):
    assert verdict(place.tree, common=GlobalOptions()) == 0
    BESIDE[shape](place)
    assert verdict(place.tree, common=GlobalOptions()) == 3


@pytest.mark.parametrize("shape", ["CRLF under eol=lf", "assume-unchanged", "a submodule dirty"])
def test_a_run_on_files_that_are_not_the_commit_is_no_verdict_on_it(place, shape):
    shutil.rmtree(place.root / ".vibeguard")
    SHAPES[shape](place)
    assert tree_of(str(place.root), os.environb) == place.tree  # what git itself says
    assert vibeguard("run", "--record-tree", cwd=place.root).returncode == 0
    assert verdict(place.tree, common=GlobalOptions()) == 3


def test_what_git_checks_out_otherwise_than_it_keeps_it_is_the_commit(place):
    """Line endings and filters of one's own: the files are what git makes of the commit here."""
    git("config", "filter.up.clean", "tr A-Z a-z", cwd=place.root)
    git("config", "filter.up.smudge", "tr a-z A-Z", cwd=place.root)
    (place.root / ".gitattributes").write_text("*.txt eol=crlf\nlow filter=up\n")
    (place.root / "low").write_text("ABC\n")
    place.write("a.txt", "1\r\n")
    place.write("b.txt", "2\r\n")
    place.write("odd\nname.txt", "5\r\n")
    git("add", "-A", cwd=place.root)
    git("commit", "-q", "-m", "Filtered", cwd=place.root)
    assert tree_of(str(place.root), os.environb, exact=True) == place.tree
    place.write("low", "abc\n")
    assert tree_of(str(place.root), os.environb, exact=True) == ""


def test_what_a_kill_could_leave_lies_where_the_next_command_sweeps(tmp_path):
    for name in ("r", "tmp"):
        (tmp_path / name).mkdir()
    root = project(tmp_path / "r", "checks: [{id: a, run: 'true'}]\n")
    git("init", "-q", cwd=root)
    look = 'find "$TMPDIR" .vibeguard/staged -name objects >>../seen; cat'
    git("config", "filter.look.clean", look, cwd=root)
    (root / ".gitattributes").write_text("a filter=look\n")
    (root / "a").write_text("")
    env = {"TMPDIR": str(tmp_path / "tmp")}
    assert vibeguard("run", "--record-tree", cwd=root, env=env).returncode == 0
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen
    assert all(path.startswith(".vibeguard/staged/") for path in seen)


def test_an_empty_submodule_is_as_it_was_checked_out(place):
    git("submodule", "deinit", "-q", "--force", "sub", cwd=place.root)
    assert tree_of(str(place.root), os.environb, exact=True) == place.tree


def test_edited_and_edited_back_is_not_what_stood_still(place):
    before = place.now()
    place.write("a.txt", "9\n")
    place.write("a.txt", "1\n")
    now = place.now()
    assert (before.content, before.beside) == (now.content, now.beside)
    assert not is_still_on(recorded(before), now)
    assert not held_still(recorded(before, now))


def test_a_racy_write_in_the_same_tick_is_seen(place):
    """Each within a tick of the clock of the one before, with the size and the time of it."""
    told = set()
    for number in range(20):
        place.write("a.txt", f"{number % 10}\n" if number < 10 else f"{number % 10}+")
        found = tree_identity(place.extent)
        told.add((found.content, found.stillness))
    assert len(told) == 20


def remember_another_content(place: Place, name: bytes, text: str) -> None:
    """What a check can write: the signature of the file as it is, beside what another one holds."""
    found = files_of_tree(str(place.root), os.environb, place.extent.state_dir)
    assert found is not None
    entries = scan(found[0], [*found[1], b"built/out"])
    true, false = entries[name].sha256, sha256(text.encode()).hexdigest()
    for path, entry in entries.items():  # a link to it holds the same
        entries[path] = replace(entry, sha256=false) if entry.sha256 == true else entry
    Records(str(place.root / ".vibeguard")).remember(entries)


@pytest.mark.parametrize(
    ("shape", "name", "text"),
    [
        ("same size and time", b"a.txt", "9\n"),
        ("a declared input that is ignored", b"built/out", "of dev!\n"),
    ],
)
def test_a_run_is_of_what_lies_there_whatever_a_check_says_that_files_hold(
    place, shape, name, text
):
    """The recorded identity is read, byte for byte: only the look-up of passes goes by memory."""
    remember_another_content(place, name, text)
    assert vibeguard("run", "--record-tree", cwd=place.root).returncode == 0
    common = GlobalOptions()
    assert evidence_of(load(common), state_dir_of_runs(common)).verified
    (SHAPES | BESIDE)[shape](place)
    assert evidence_of(load(common), state_dir_of_runs(common)).exit_code == 3
    assert failures(common=common) == 3
    assert verdict(place.tree, common=common) == (3 if shape in BESIDE else 0)
    outstanding = vibeguard("run", "--outstanding", "--json", cwd=place.root).stdout
    assert [check["id"] for check in json.loads(outstanding)["checks"]] == ["unit"]


def recorded(began: VersionControl, ended: VersionControl | None = None) -> State:
    """A run that recorded this."""
    history = History(started={"vcs": began})
    if ended is not None:
        history.finish(vcs=ended)
    return history.state
