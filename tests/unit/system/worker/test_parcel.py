"""What comes back from a check's folder on a worker."""

import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from vibeguard.system.worker.parcel import MOST_NAMED, Parcel, pack, states


def packed(base: Path, *patterns: str, limit_bytes: int = 1 << 20) -> tuple[Parcel, list[str]]:
    path = base.parent / "parcel"
    parcel = pack(str(base), patterns, limit_bytes, str(path), {})
    with tarfile.open(path) as archive:
        return parcel, archive.getnames()


def test_what_does_not_fit_is_named_by_what_was_asked_for(tmp_path: Path) -> None:
    """So that a reader of the pattern knows that something is missing."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "a.xml").write_text("small")
    (base / "b.xml").write_text("x" * 5000)
    parcel, names = packed(base, "*.xml", "b.xml", "c.xml", limit_bytes=4096)
    assert names == ["a.xml"]
    assert parcel.left_out == (
        "*.xml: b.xml does not fit into 4096 bytes",
        "b.xml: it does not fit into 4096 bytes",
        "c.xml: there is no such file",
    )


def test_what_is_no_file_is_named_and_why(tmp_path: Path) -> None:
    """Nobody has to wonder where the file went that a glob stands for."""
    base = tmp_path / "base"
    (base / "folder").mkdir(parents=True)
    (base / "elsewhere").symlink_to("/etc", target_is_directory=True)
    (base / "link").symlink_to("/etc/passwd")
    os.mkfifo(base / "pipe")
    parcel, names = packed(base, "*", "folder", "elsewhere/passwd")
    assert names == []
    assert parcel.left_out == (
        "*: elsewhere is a link",
        "*: link is a link",
        "*: pipe cannot be read: not a regular file",
        "folder: it is a folder: name its files",
        "elsewhere/passwd: it cannot be read: outside the working folder",
    )


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the tests may list any."""
    base = tmp_path / "base"
    (base / "shut").mkdir(parents=True)
    (base / "a.xml").touch()
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("/shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    parcel, names = packed(base, "**/*.xml", "shut/*", "none/*")
    assert names == ["a.xml"]
    assert parcel.left_out == (
        "**/*.xml: shut cannot be listed: Permission denied",
        "shut/*: shut cannot be listed: Permission denied",
        "none/*: there is no such file",
    )


def test_an_archive_of_names_alone_has_a_limit_too(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for number in range(6):
        (base / f"{number}").touch()
    parcel, names = packed(base, "*", limit_bytes=4096)
    assert names == ["0", "1", "2", "3"]
    assert parcel.left_out == tuple(f"*: {n} does not fit into 4096 bytes" for n in (4, 5))


def test_of_many_that_are_left_out_a_few_are_named(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for number in range(MOST_NAMED + 5):
        (base / f"{number:02}").symlink_to("nowhere")
    parcel, _ = packed(base, "*", "none")
    assert parcel.left_out[-2:] == ("*: and 5 more", "none: there is no such file")


def test_what_the_attempt_did_not_write_is_known_by_its_state(tmp_path: Path) -> None:
    """Written again, even with the same content, it is of this attempt."""
    base = tmp_path / "base"
    base.mkdir()
    for name in ("kept", "touched", "replaced"):
        (base / name).write_text("same")
    before = states(str(base), ["*"])
    assert sorted(before) == ["kept", "replaced", "touched"]
    (base / "replaced").unlink()
    (base / "replaced").write_text("other")
    (base / "touched").write_text("changed")
    (base / "new").write_text("same")
    parcel = pack(str(base), ["*"], 1 << 20, str(tmp_path / "parcel"), before)
    assert parcel.unchanged == (b"kept",)
