"""Output reaches its file whole, hashed and counted, and never beyond its limit."""

import hashlib
import os
import resource
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibeguard.system.process import output
from vibeguard.system.process.output import HeldOutput, OutputFile
from vibeguard.system.rundir.files import identity_of


def fill(pipe: int, data: bytes) -> None:
    assert os.write(pipe, data) == len(data)


@pytest.fixture
def pipe() -> tuple[int, int]:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    yield read_end, write_end
    for end in (read_end, write_end):
        try:
            os.close(end)
        except OSError:
            continue


@given(chunks=st.lists(st.binary(max_size=50)), limit=st.integers(0, 200))
def test_what_is_stored_is_a_prefix_with_its_own_digest(chunks: list[bytes], limit: int) -> None:
    path = f"/tmp/output.{os.getpid()}"
    stored = OutputFile(path, limit)
    for chunk in chunks:
        stored.write(memoryview(chunk))
    digest = stored.close().sha256
    content = Path(path).read_bytes()
    os.unlink(path)
    everything = b"".join(chunks)
    assert content == everything[:limit]
    assert (stored.stored_bytes, stored.exceeded) == (len(content), len(everything) > limit)
    assert digest == hashlib.sha256(content).hexdigest()
    assert stored.error == ""


@given(chunks=st.lists(st.binary(max_size=50)), limit=st.integers(0, 200), most=st.integers(0, 200))
def test_an_output_is_held_in_memory_while_it_is_short(
    chunks: list[bytes], limit: int, most: int
) -> None:
    path = f"/tmp/output.{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "HELD_BYTES", most)
        stored = HeldOutput(path, limit)
        for chunk in chunks:
            stored.write(memoryview(chunk))
    tail = stored.last_lines()
    digest = stored.close().sha256
    there = os.path.exists(path)
    content = Path(path).read_bytes() if there else stored.held
    if there:
        os.unlink(path)
    everything = b"".join(chunks)
    assert content == everything[:limit]
    assert there == (stored.held is None) == (len(content) > most)
    assert (stored.stored_bytes, stored.exceeded) == (len(content), len(everything) > limit)
    assert digest == hashlib.sha256(content).hexdigest()
    assert tail == tuple(content.decode("utf-8", "replace").splitlines()[-10:])
    assert stored.error == ""


def test_what_cannot_be_held_nor_stored_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "HELD_BYTES", 3)
    stored = HeldOutput(str(tmp_path / "nowhere" / "log"), 100)
    for _ in range(2):
        stored.write(memoryview(b"ab"))
    assert stored.error == "could not be stored: No such file or directory"
    assert stored.close().sha256 == hashlib.sha256(b"ab").hexdigest()


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    OutputFile(str(path), 10).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_nothing_that_exists_is_written_to(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "log"
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "elsewhere")
        if kind == "link":
            (tmp_path / "elsewhere").write_text("mine")
    with pytest.raises(FileExistsError):
        OutputFile(str(path), 10)


@pytest.mark.parametrize("tampering", ["unlink", "replace", "truncate", "append"])
def test_a_file_that_another_process_changed_is_found_out(tmp_path: Path, tampering: str) -> None:
    path = tmp_path / "log"
    stored = OutputFile(str(path), 100)
    stored.write(memoryview(b"the truth"))
    if tampering == "unlink":
        path.unlink()
    elif tampering == "replace":
        path.unlink()
        path.write_bytes(b"the truth")
    elif tampering == "truncate":
        os.truncate(path, 3)
    else:
        with path.open("ab") as file:
            file.write(b" and more")
    stored.close()
    assert stored.error != ""


def test_a_disk_that_takes_no_more_is_told_and_the_pipe_goes_on_being_read(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    stored = OutputFile(str(tmp_path / "log"), 1 << 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill(pipe[1], b"x" * 30000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
    try:
        assert output.move_chunk(pipe[0], stored) == 30000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert stored.stored_bytes == 20000
    assert "could not be stored" in stored.error
    fill(pipe[1], b"y" * 10)
    assert output.move_chunk(pipe[0], stored) == 10
    assert stored.stored_bytes == 20000
    stored.close()


def test_draining_takes_what_is_there_and_does_not_wait_for_the_end(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    stored = OutputFile(str(tmp_path / "log"), 1 << 20)
    fill(pipe[1], b"a" * 65536)
    output.drain(pipe[0], stored)
    assert stored.stored_bytes == 65536
    output.drain(pipe[0], stored)
    assert stored.stored_bytes == 65536
    stored.close()


def test_nothing_there_and_the_end_are_told_apart(tmp_path: Path, pipe: tuple[int, int]) -> None:
    stored = OutputFile(str(tmp_path / "log"), 10)
    assert output.move_chunk(pipe[0], stored) is None
    os.close(pipe[1])
    assert output.move_chunk(pipe[0], stored) == 0
    stored.close()


def test_what_comes_once_the_file_is_closed_is_read_and_forgotten(
    tmp_path: Path, pipe: tuple[int, int]
) -> None:
    stored = OutputFile(str(tmp_path / "log"), 3)
    kept = stored.close()
    fill(pipe[1], b"much more than it takes")
    assert output.move_chunk(pipe[0], stored) == 23
    assert (stored.stored_bytes, stored.exceeded, stored.error) == (0, False, "")
    assert kept.sha256 == hashlib.sha256().hexdigest()


def test_the_last_lines_are_few_and_short(tmp_path: Path) -> None:
    stored = OutputFile(str(tmp_path / "log"), 1 << 20)
    stored.write(memoryview(b"".join(b"line %d\n" % number for number in range(5000))))
    stored.write(memoryview(b"\xff" + b"z" * 600))
    lines = stored.last_lines()
    stored.close()
    assert lines[0] == "line 4991"
    assert lines[-1] == "�" + "z" * 499
    assert len(lines) == 10


def test_what_is_remembered_is_the_file_that_was_written(tmp_path: Path) -> None:
    """Whatever lies at its path by then: who compares later must see the difference."""
    path = tmp_path / "log"
    stored = OutputFile(str(path), 10)
    written = identity_of(path.stat())
    path.rename(tmp_path / "elsewhere")
    path.touch()
    identity = stored.close().identity
    assert identity is not None
    assert identity[:2] == written[:2]
    assert stored.error == "was changed by another process"
