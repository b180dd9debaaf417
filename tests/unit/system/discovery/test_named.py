"""What names and globs stand for in a folder that a check has filled."""

from glob import glob
from pathlib import Path

import pytest

from tests.helpers.folders import deep_folder
from vibeguard.system.discovery.named import named
from vibeguard.system.removal import remove_tree

PATTERNS = ["*", "**", "**/*.xml", "a/*", "a/**", "a/b/c.xml", ".*", "[!a]*", "a/../*", "none"]


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_they_mean_the_files_that_they_mean_to_python(
    tmp_path: Path, pattern: str, hidden: bool
) -> None:
    (tmp_path / "a" / "b" / "d").mkdir(parents=True)
    (tmp_path / ".h").mkdir()
    for name in ("x.xml", ".y.xml", "a/x.xml", "a/b/c.xml", "a/b/d/.z.xml", ".h/x.xml"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("nowhere")
    found = list(named(str(tmp_path), pattern, hidden=hidden))
    python = glob(pattern, root_dir=tmp_path, recursive=True, include_hidden=hidden)
    assert sorted(found) == sorted(name for name in python if not (tmp_path / name).is_dir())


def test_links_that_lead_in_circles_are_not_followed(tmp_path: Path) -> None:
    """Three of them are more ways than anybody could walk."""
    (tmp_path / "d").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "d" / name).symlink_to("..")
    (tmp_path / "d" / "x.xml").touch()
    assert list(named(str(tmp_path), "**/*.xml", hidden=True)) == ["d/x.xml"]
    assert list(named(str(tmp_path), "d/a/d/x.xml", hidden=True)) == ["d/a/d/x.xml"]


def test_folders_may_be_deeper_than_python_calls(tmp_path: Path) -> None:
    top = tmp_path / "top"
    deep_folder(top, "a")
    found = list(named(str(top), "**/file", hidden=True))
    remove_tree(str(top))  # the test runner's own cleaning gives up there
    assert sorted(name.count("/") for name in found) == list(range(1, 1201))
