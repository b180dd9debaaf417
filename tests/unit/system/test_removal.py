"""What a check has made can be removed, however it did that."""

import os
from pathlib import Path

import pytest

from tests.helpers.folders import deep_folder
from vibeguard.system.removal import remove_tree


def test_folders_deeper_than_any_path_is_long(tmp_path: Path) -> None:
    top = tmp_path / "top"
    deep_folder(top, "abcd")
    remove_tree(str(top))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_folders_that_forbid_their_owner_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """As those of a cache of Go modules do."""
    tmp_path.chmod(0o777)
    monkeypatch.chdir(tmp_path)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)  # nothing is forbidden to root
    try:
        folder = Path("top/a/b")
        folder.mkdir(parents=True)
        (folder / "file").touch()
        for one in (folder, folder.parent, Path("top")):
            one.chmod(mode)
        remove_tree("top")
    finally:
        if is_root:
            os.seteuid(0)
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    top = tmp_path / "top"
    (top / "a").mkdir(parents=True)
    (top / "link").symlink_to(kept)
    (top / "a" / "link").symlink_to(kept)
    (tmp_path / "itself").symlink_to(kept)
    for name in ("top", "itself", "nothing"):
        remove_tree(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == [kept]
    assert (kept / "file").exists()
