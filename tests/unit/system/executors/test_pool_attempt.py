"""What arrives of an attempt must be what its worker wrote: the digest is compared."""

import os
import tarfile
import threading
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.helpers.executor_worlds import for_a_worker, make_spec
from vibeguard.core.names import AttemptEnd, LeakPolicy
from vibeguard.core.pool.client import Ended
from vibeguard.core.pool.messages import Result
from vibeguard.system.executors.base import AttemptResult, Callbacks
from vibeguard.system.executors.pool_attempt import PoolAttempt, make_folder_with_parents
from vibeguard.system.process.output import OutputFile


class DigestNotCompared(PoolAttempt):
    """Believes the worker's account, whatever has arrived."""

    def _result_of(self, ended: Ended, output_sha256: str) -> AttemptResult:
        digest = ended.result.output_sha256 if ended.result is not None else output_sha256
        return super()._result_of(ended, digest)


def end_of(make: type[PoolAttempt], folder: Path, arrived: bytes) -> AttemptEnd:
    return result_of(make, folder, arrived).end


def result_of(
    make: type[PoolAttempt], folder: Path, arrived: bytes, output_error: str = ""
) -> AttemptResult:
    """How an attempt ends of which `arrived` came and `hello` was written."""

    async def main() -> AttemptResult:
        spec = make_spec("true", str(folder / "output"), leaks=LeakPolicy.WARN)
        attempt = make(
            spec,
            OutputFile(spec.output_path, spec.output_limit_bytes),
            Callbacks(),
            lambda _: None,
        )
        attempt.begin("w")
        attempt.receive(0, arrived)
        wrote = sha256(b"hello").hexdigest()
        empty = sha256(b"").hexdigest()
        result = Result(
            exit_code=0,
            output_bytes=5,
            output_sha256=wrote,
            parcel_sha256=empty,
            output_error=output_error,
        )
        attempt.end(Ended("t", result))
        return await attempt.wait()

    return trio.run(main)


@pytest.mark.parametrize(
    ("arrived", "end"), [(b"hello", AttemptEnd.EXITED), (b"hallo", AttemptEnd.LOST)]
)
def test_altered_output_is_lost(tmp_path: Path, arrived: bytes, end: AttemptEnd) -> None:
    assert end_of(PoolAttempt, tmp_path, arrived) is end


def test_a_full_disk_of_a_worker_loses_the_attempt_and_cancels_no_run(tmp_path: Path) -> None:
    """It was taken for one here, where nothing could be recorded any more."""
    result = result_of(PoolAttempt, tmp_path, b"hello", "has no room")
    assert (result.end, result.output_error) == (AttemptEnd.LOST, "")
    assert result.error == "its output could not be stored on w: it has no room"


def test_what_came_back_is_stored_while_workers_are_heard(tmp_path: Path) -> None:
    """Of a hundred thousand files that took longer than their leases."""
    goes_on = threading.Event()

    class Slow(PoolAttempt):
        def _unpack(self, result: Result) -> bool:
            return goes_on.wait(30)

    async def main() -> AttemptEnd:
        spec = make_spec("true", str(tmp_path / "output"), leaks=LeakPolicy.WARN)
        output = OutputFile(spec.output_path, spec.output_limit_bytes)
        attempt = Slow(spec, output, Callbacks(), lambda _: None)
        attempt.begin("w")
        attempt.receive(1, b"parcel")
        attempt.end(Ended("t", Result(exit_code=0, output_sha256=sha256(b"").hexdigest())))
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(attempt.wait)
            await trio.testing.wait_all_tasks_blocked()
            goes_on.set()
        return (await attempt.wait()).end

    assert trio.run(main) is AttemptEnd.EXITED


def test_what_cannot_be_stored_is_said_when_it_is_over_and_stops_nothing_before(
    tmp_path: Path,
) -> None:
    async def main() -> AttemptResult:
        spec = make_spec("true", str(tmp_path / "output"), leaks=LeakPolicy.WARN)
        back = str(tmp_path / "back" / "a.1")
        spec = for_a_worker(spec, returns=("out",), returned_folder=back)
        (tmp_path / "output.parcel").mkdir()  # in the way
        attempt = PoolAttempt(
            spec,
            OutputFile(spec.output_path, spec.output_limit_bytes),
            Callbacks(),
            lambda _: None,
        )
        attempt.begin("w")
        attempt.receive(1, b"parcel")
        attempt.receive(1, b"parcel")
        digest = sha256(b"parcelparcel").hexdigest()
        empty = sha256(b"").hexdigest()
        result = Result(exit_code=0, output_sha256=empty, parcel_bytes=12, parcel_sha256=digest)
        attempt.end(Ended("t", result))
        return await attempt.wait()

    result = trio.run(main)
    assert result.end is AttemptEnd.LOST
    assert "what came back could not be stored" in result.error


def what_came_back(folder: Path, *entries: tarfile.TarInfo) -> AttemptResult:
    """How an attempt ends for which a worker sends this, each a byte long."""

    async def main() -> AttemptResult:
        spec = make_spec("true", str(folder / "output"), leaks=LeakPolicy.WARN)
        spec = for_a_worker(spec, returns=("out",), returned_folder=str(folder / "back" / "a.1"))
        output = OutputFile(spec.output_path, spec.output_limit_bytes)
        attempt = PoolAttempt(spec, output, Callbacks(), lambda _: None)
        attempt.begin("w")
        parcel = BytesIO()
        with tarfile.open(fileobj=parcel, mode="w") as archive:
            for entry in entries:
                archive.addfile(entry, BytesIO(b"x") if entry.size else None)
        attempt.receive(1, parcel.getvalue())
        result = Result(
            exit_code=0,
            output_sha256=sha256(b"").hexdigest(),
            parcel_bytes=len(parcel.getvalue()),
            parcel_sha256=sha256(parcel.getvalue()).hexdigest(),
        )
        attempt.end(Ended("t", result))
        return await attempt.wait()

    return trio.run(main)


def file_called(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = 1, 0o777, 1_000_000_000
    return entry


def test_files_that_come_back_are_of_their_owner_alone(tmp_path: Path) -> None:
    """Of a file that two patterns name the last one stays; times are those of the worker."""
    result = what_came_back(tmp_path, *map(file_called, ("d/e/f", "g", "g")))
    assert result.end is AttemptEnd.EXITED
    back = tmp_path / "back" / "a.1"
    modes = {str(path.relative_to(back)): oct(path.stat().st_mode) for path in back.rglob("*")}
    assert modes == {"d": "0o40700", "d/e": "0o40700", "d/e/f": "0o100600", "g": "0o100600"}
    assert (back / "g").stat().st_mtime == 1_000_000_000


def linking(kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("link")
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


@pytest.mark.parametrize(
    "entry",
    [file_called("../../f"), file_called("d/../../f"), linking(tarfile.SYMTYPE)]
    + [linking(kind) for kind in (tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)],
    ids=lambda entry: f"{entry.name} {entry.type}",
)
def test_what_is_no_file_of_the_attempts_folder_is_not_unpacked(
    tmp_path: Path, entry: tarfile.TarInfo
) -> None:
    result = what_came_back(tmp_path, entry)
    assert result.end is AttemptEnd.LOST
    assert "what came back could not be stored" in result.error
    assert not [*tmp_path.rglob("f"), *tmp_path.rglob("link")]


def test_an_attempt_that_does_not_compare_is_found_out(tmp_path: Path) -> None:
    assert end_of(DigestNotCompared, tmp_path, b"hallo") is AttemptEnd.EXITED


def test_nothing_of_a_pool_reads_the_wall_clock() -> None:
    """A lease by a clock that can be set is no lease."""
    package = Path(__file__).parents[4] / "vibeguard"
    for folder in ("core/pool", "system/pool", "system/worker"):
        for source in (package / folder).rglob("*.py"):
            text = source.read_text()
            assert "wall_" not in text, source
            assert "import time" not in text, source


def test_what_comes_back_of_two_attempts_at_once_has_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One made the folder above both while the other looked: its attempt was called lost."""
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    for name in ("a.1", "b.1"):
        make_folder_with_parents(str(tmp_path / "artifacts" / name))
    assert sorted(os.listdir(tmp_path / "artifacts")) == ["a.1", "b.1"]
