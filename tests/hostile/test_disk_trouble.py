"""A disk that is full, forbidden or gone: the checks end, exit 4, one message, and never a pass.

What was written stays readable: sealed with 4 where there was room for it, else incomplete.
"""

import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind
from tests.helpers.command import git, project, vibeguard
from tests.helpers.running import running
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import run_folder, run_ids
from vibeguard.system.vouching.endings import ending_of

pytestmark = pytest.mark.slow

PAGE_BYTES = 4096
TWO_CHECKS = """version: "1"
checks:
  - {id: first, run: "echo one"}
  - {id: second, run: "echo two", requires: [first]}
"""
SLEEPERS = """version: "1"
settings: {grace: 1s}
checks:
  - {id: sleeper, run: "exec sleep 600"}
  - {id: other, run: "exec sleep 600"}
"""


def run_of(state: Path) -> Path:
    """The folder of the only run."""
    (run_id,) = run_ids(str(state))
    return Path(run_folder(str(state), run_id))


def code_of(folder: Path) -> int:
    """What `report` would say of the run."""
    state, reading = open_state(str(folder))
    ending = ending_of(reading, str(folder), state)
    if ending.exit_code is not None:
        return int(ending.exit_code)
    assert reading.status is LogStatus.COMPLETE
    return exit_code_so_far(state)


def types_in(folder: Path) -> list[str]:
    """The types of the events in a log, line by line; a torn last line is left out."""
    whole = (folder / "events.jsonl").read_bytes().rpartition(b"\n")[0]
    return [json.loads(line)["type"] for line in whole.splitlines()]


def assert_told_once(stderr: str, error: int) -> None:
    """One message, in words and without a traceback."""
    assert "Traceback" not in stderr
    assert "defect" not in stderr
    assert len(re.findall(rf"the log cannot be written: {os.strerror(error)}", stderr)) == 1, stderr


def assert_nothing_half_made(state: Path) -> None:
    """No folder of a run that was not born, no temporary file, no room still held."""
    for path in state.rglob("*"):
        assert not path.name.startswith((".new-", ".latest", ".history")), path
        assert path.name != "reserve"


# A disk that fails at each write to the log in turn.


@pytest.fixture(scope="module")
def writes(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many writes the log of TWO_CHECKS takes: one an event."""
    folder = project(tmp_path_factory.mktemp("whole"), TWO_CHECKS)
    assert vibeguard("run", cwd=folder).returncode == 0
    return len(types_in(run_of(folder / ".vibeguard")))


def on_failing_disk(
    folder: Path, way: str, error: int, first: int
) -> "subprocess.CompletedProcess[str]":
    """`vibeguard run` in a folder, its log on a disk that fails."""
    before = ("tests.helpers.failing_disk", way, str(error), str(first))
    return vibeguard("run", cwd=folder, before=before)


@pytest.mark.parametrize("way", ["reserve", "torn"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_at_any_event_still_takes_the_end_of_the_run(
    tmp_path: Path, way: str, error: int, writes: int
) -> None:
    """Sealed with 4, every check settled. Once all have settled, the verdict is out and stands."""
    with nothing_left_behind(reap_adopted=True):
        for first in range(0, writes, 1 if error == errno.ENOSPC else 5):
            folder = project(tmp_path / str(first), TWO_CHECKS)
            result = on_failing_disk(folder, way, error, first)
            run = run_of(folder / ".vibeguard")
            types = types_in(run)
            assert types[-2:] == ["run.finished", "log.sealed"], (first, types)
            assert types.count("check.settled") == 2
            assert result.returncode == code_of(run), (first, result.stderr)
            assert "Traceback" not in result.stderr
            assert_nothing_half_made(folder / ".vibeguard")
            if result.returncode == 0:
                assert "run.cancel_requested" not in types
                assert first >= types.index("check.settled", types.index("check.settled") + 1) - 1
            else:
                assert result.returncode == 4, (first, result.stderr)
                assert "the disk is full" in result.stderr


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_disk_that_fails_for_good_at_any_event_leaves_what_was_before_it(
    tmp_path: Path, error: int, writes: int
) -> None:
    """Exit 4, and an incomplete log of exactly the events before; never a seal."""
    every = 1 if error == errno.ENOSPC else 6
    with nothing_left_behind(reap_adopted=True):
        for first in range(0, writes, every):
            folder = project(tmp_path / str(first), TWO_CHECKS)
            result = on_failing_disk(folder, "lasting", error, first)
            assert result.returncode == 4, (first, result.stderr)
            assert_told_once(result.stderr, error)
            assert len(types_in(run_of(folder / ".vibeguard"))) == first
            assert code_of(run_of(folder / ".vibeguard")) == 3
            assert_nothing_half_made(folder / ".vibeguard")


@pytest.mark.parametrize("first", [0, 1])
def test_what_may_not_have_reached_the_disk_does_not_pass(tmp_path: Path, first: int) -> None:
    """Neither now nor for who reads it later, when plan (0) or seal (1) cannot be synced."""
    folder = project(tmp_path, TWO_CHECKS)
    result = on_failing_disk(folder, "sync", errno.EIO, first)
    assert result.returncode == 4, result.stderr
    assert_told_once(result.stderr, errno.EIO)
    assert "passed" not in result.stderr
    assert vibeguard("report", cwd=folder).returncode == (3, 4)[first]


# A real disk that is full.


@contextmanager
def small_disk(folder: Path, more: str = "") -> Iterator[Path]:
    """A file system of one MiB; skips the test where mounting is refused."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size=1m,mode=700{more}", "small", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave_free(disk: Path, size: int) -> None:
    """Fill the disk but for so many bytes."""
    status = os.statvfs(disk)
    with open(disk / "filling", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - size)


def quiet_checks(count: int) -> str:
    """Checks that write nothing: only the log grows."""
    return 'version: "1"\nsettings: {parallel: 2}\nchecks:\n' + "".join(
        f'  - {{id: check_{number}, run: "true"}}\n' for number in range(count)
    )


def talking_checks(count: int) -> str:
    """Checks that write several pages each."""
    return 'version: "1"\nsettings: {parallel: 2}\nchecks:\n' + "".join(
        f'  - {{id: check_{number}, run: "seq 2000"}}\n' for number in range(count)
    )


@pytest.mark.parametrize(
    ("config", "pages"),
    [(quiet_checks(40), range(0, 48, 4)), (talking_checks(6), range(1, 52, 7))],
    ids=["by the log", "by the outputs"],
)
def test_a_disk_that_is_full_after_any_page(tmp_path: Path, config: str, pages: range) -> None:
    """From no room at all to enough: 4 until it is enough, and the log says the same as the run."""
    folder = project(tmp_path, config)
    codes = []
    with nothing_left_behind(reap_adopted=True):
        for free in pages:
            with small_disk(tmp_path / f"disk{free}") as disk:
                leave_free(disk, free * PAGE_BYTES)
                codes.append(_run_on(disk, folder))
    assert codes[0] == 4
    assert set(codes) <= {0, 4}
    assert codes == sorted(codes, reverse=True), "more room made it worse"


def _run_on(disk: Path, folder: Path) -> int:
    state = ("--state-dir", str(disk))
    result = vibeguard(*state, "run", cwd=folder)
    assert "Traceback" not in result.stderr
    assert "defect" not in result.stderr
    assert_nothing_half_made(disk)
    if result.returncode:
        assert os.strerror(errno.ENOSPC) in result.stderr or "disk is full" in result.stderr
    if run_ids(str(disk)):
        assert code_of(run_of(disk)) in (result.returncode, 3)
    else:
        assert vibeguard(*state, "report", cwd=folder).returncode == 2
    return result.returncode


@pytest.mark.parametrize("inodes", ["", ",nr_inodes=40"], ids=["no room", "no name"])
@pytest.mark.parametrize("start", [("run",), ("run", "--detach"), ("run", "--max-wait", "9s")])
def test_no_older_pass_answers_for_a_run_that_found_no_room(
    tmp_path: Path, start: tuple[str, ...], inodes: str
) -> None:
    """Without an id, whoever asks; the pass itself is there by its id."""
    folder = project(tmp_path / "project", TWO_CHECKS)
    with small_disk(tmp_path / "disk", more=inodes) as disk:
        state = ("--state-dir", str(disk))
        assert vibeguard(*state, "run", cwd=folder).returncode == 0
        if inodes:
            _use_up_names(disk)
        else:
            leave_free(disk, 0)
        assert vibeguard(*state, *start, cwd=folder).returncode == 4
        for command in (("report",), ("tail",), ("wait",)):
            asked = vibeguard(*state, *command, cwd=folder)
            assert (asked.returncode, asked.stdout) == (2, ""), asked.stderr
        passed = run_ids(str(disk))[0]
        assert vibeguard(*state, "report", passed, cwd=folder).returncode == 0


def _use_up_names(disk: Path) -> None:
    with suppress(OSError):
        for number in range(100):
            (disk / f"used{number}").touch()


def test_running_checks_are_ended_when_the_disk_fills(tmp_path: Path) -> None:
    """A check fills the disk; what sleeps beside it is cancelled, and the run is sealed with 4."""
    config = SLEEPERS + '  - {id: filler, run: "cat /dev/zero > $DISK/zeros; echo done"}\n'
    folder = project(tmp_path, config)
    with small_disk(tmp_path / "disk") as disk, nothing_left_behind(reap_adopted=True):
        state = ("--state-dir", str(disk))
        result = vibeguard(*state, "run", cwd=folder, env={"DISK": str(disk)})
        assert result.returncode == 4, result.stderr
        assert "Traceback" not in result.stderr
        assert types_in(run_of(disk))[-1] == "log.sealed"
        assert vibeguard(*state, "report", cwd=folder).returncode == 4


def test_an_output_that_cannot_be_stored_ends_the_run(tmp_path: Path) -> None:
    """The check that is too loud for the disk is an error, never a pass; the log says which."""
    config = SLEEPERS + '  - {id: loud, run: "head -c 2000000 /dev/zero"}\n'
    folder = project(tmp_path, config)
    with small_disk(tmp_path / "disk") as disk, nothing_left_behind(reap_adopted=True):
        result = vibeguard("--state-dir", str(disk), "run", cwd=folder)
        assert result.returncode == 4, result.stderr
        assert "the output of loud could not be stored" in result.stderr
        assert types_in(run_of(disk))[-1] == "log.sealed"


USES_UP_NAMES = """version: "1"
checks:
  - {id: greedy, run: "{ i=0; while true >$DISK/u$i; do i=$((i+1)); done; } 2>/dev/null; :"}
  - {id: next, run: ":", requires: [greedy], severity: warning, MORE}
  - {id: after, run: ":", requires: [next], severity: warning}
"""


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("timeout: 9s", "the output file"),
        ("group: g", "the lock of group g"),
        ("files: ['*.yaml']", "the list of its files"),
    ],
)
def test_a_file_that_an_attempt_needs_and_the_disk_does_not_take_ends_the_run(
    tmp_path: Path, more: str, what: str
) -> None:
    """Although only warnings are concerned: what the run says of itself is not whole."""
    folder = project(tmp_path / "project", USES_UP_NAMES.replace("MORE", more))
    git("init", "-q", cwd=folder)
    with small_disk(tmp_path / "disk", more=",nr_inodes=60") as disk:
        state = ("--state-dir", str(disk))
        result = vibeguard(*state, "run", cwd=folder, env={"DISK": str(disk)})
        assert result.returncode == 4, result.stderr
        assert f"because it could not be recorded: {what}" in result.stderr
        assert types_in(run_of(disk))[-1] == "log.sealed"
        assert vibeguard(*state, "report", cwd=folder).returncode == 4


def test_a_log_folder_on_a_full_disk(tmp_path: Path) -> None:
    """The copies that --log-dir asks for are part of what the run promised."""
    folder = project(tmp_path, talking_checks(3))
    with small_disk(tmp_path / "disk") as disk:
        leave_free(disk, PAGE_BYTES)
        result = vibeguard("--log-dir", str(disk / "logs"), "run", cwd=folder)
        assert result.returncode == 4, result.stderr
        assert "Traceback" not in result.stderr
        assert result.stderr.count(f"the outputs cannot be copied to {disk}") == 1
    assert vibeguard("report", cwd=folder).returncode in (3, 4)


# Places where nothing may be written.


def without_privilege(*argv: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """The real command with permissions that count: root's right to pass them by is taken away."""
    if os.geteuid() != 0:
        return vibeguard(*argv, cwd=cwd)
    if shutil.which("setpriv") is None:
        pytest.skip("root cannot give up its rights here")
    without = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
    return vibeguard(*argv, cwd=cwd, within=without)


def _nothing(_: Path) -> None:
    """The counter-test."""


def _closed_project(folder: Path) -> None:
    folder.chmod(0o555)


def _closed_state(folder: Path) -> None:
    assert vibeguard("run", cwd=folder).returncode == 0
    (folder / ".vibeguard").chmod(0o500)


def _closed_runs(folder: Path) -> None:
    assert vibeguard("run", cwd=folder).returncode == 0
    (folder / ".vibeguard/runs").chmod(0o500)


def _unreadable_runs(folder: Path) -> None:
    assert vibeguard("run", cwd=folder).returncode == 0
    (folder / ".vibeguard/runs").chmod(0)


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (_nothing, 0),
        (_closed_project, 4),
        (_closed_state, 4),
        (_closed_runs, 4),
        (_unreadable_runs, 4),
    ],
    ids=["none", "project", "state folder", "runs", "unreadable runs"],
)
def test_where_one_may_not_write(tmp_path: Path, close: Callable[[Path], None], code: int) -> None:
    """No check starts, exit 4 and one message that names the place."""
    folder = project(tmp_path / "project", TWO_CHECKS)
    close(folder)
    with nothing_left_behind(reap_adopted=True):
        result = without_privilege("run", cwd=folder)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    if code:
        assert result.stderr.count(os.strerror(errno.EACCES)) == 1, result.stderr
        assert str(folder) in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert_nothing_half_made(folder / ".vibeguard")
    report = without_privilege("report", cwd=folder)
    assert (report.returncode == 0) is (code == 0), "an older pass was taken for the answer"


def test_a_read_only_file_system(tmp_path: Path) -> None:
    """The same, for root too; what was recorded before stays readable there, by its name.

    The start that failed could leave no mark: the newest run that is recorded is not the answer.
    """
    folder = project(tmp_path, TWO_CHECKS)
    with small_disk(tmp_path / "disk") as disk:
        state = ("--state-dir", str(disk))
        assert vibeguard(*state, "run", cwd=folder).returncode == 0
        (run,) = os.listdir(disk / "runs")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        result = vibeguard(*state, "run", cwd=folder)
        assert result.returncode == 4, result.stderr
        assert result.stderr.count(os.strerror(errno.EROFS)) == 1
        for command in (("report", run), ("tail", run), ("wait", run), ("runs",), ("status",)):
            read = vibeguard(*state, *command, cwd=folder)
            assert read.returncode == 0, (command, read.stderr)
        for verb in ("report", "tail", "wait"):
            read = vibeguard(*state, verb, cwd=folder)
            assert (read.returncode, run in read.stderr) == (2, True), (verb, read.stderr)
        removed = vibeguard(*state, "prune", "--keep-runs", "0", cwd=folder)
        assert (removed.returncode, removed.stdout) == (2, "")
        assert removed.stderr.count(os.strerror(errno.EROFS)) == 1


def test_a_disk_that_runs_no_program_is_not_told_as_hooks_that_refuse(tmp_path: Path) -> None:
    """The stub of `hook doctor` lies in the temporary folder."""
    folder = project(tmp_path / "project", TWO_CHECKS)
    git("init", "-q", cwd=folder)
    assert vibeguard("hook", "agent", "--target", "codex", "--write", cwd=folder).returncode == 0
    with small_disk(tmp_path / "disk", more=",noexec") as disk:
        tried = vibeguard("hook", "doctor", cwd=folder, env={"TMPDIR": str(disk)})
        assert (tried.returncode, tried.stdout) == (2, "")
        assert f"no program can be run in the temporary folder {disk}: name another" in tried.stderr
    assert vibeguard("hook", "doctor", cwd=folder).returncode == 0


# Folders that vanish in the middle of a run.


@pytest.mark.parametrize("gone", ["control", "output", "run folder", "state folder", "moved away"])
def test_a_folder_that_vanishes_ends_the_run(tmp_path: Path, gone: str) -> None:
    """Whoever removed it: the checks are ended, exit 4 and it is said once."""
    folder = project(tmp_path, SLEEPERS)
    with nothing_left_behind(reap_adopted=True), running(folder, "run") as run:
        run.wait_until_running(2)
        _take_away(gone, run.run_folder())
        if gone == "output":  # nobody needs the folder before the end
            vibeguard("cancel", cwd=folder)
        code, _, err = run.end()
    assert code == 4, err
    if gone != "output":
        said = (
            "the run folder cannot be read any more",
            "the log was changed while it was written",
        )
        assert sum(map(err.count, said)) == 1, err  # by a look, or by a write that came before it
    assert "Traceback" not in err
    assert "defect" not in err
    assert vibeguard("report", cwd=folder).returncode in (2, 3, 4)


def _take_away(gone: str, run: Path) -> None:
    state = run.parent.parent
    if gone == "moved away":
        state.rename(state.with_name("elsewhere"))
    else:
        places = {"run folder": run, "state folder": state}
        shutil.rmtree(places.get(gone, run / gone))
