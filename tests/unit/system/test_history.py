"""`.vibeguard/history` costs nothing but estimates, whatever happens to it."""

import os
import re
import stat
import threading

import pytest
from msgspec import json

from tests.helpers.command import project, vibeguard
from vibeguard.core.history import LONGEST_NS, Sample, definition_of
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.names import Outcome
from vibeguard.system import history
from vibeguard.system.history import append_history, load_estimates, machine_id

UNIT = CheckConfig(id="unit", run="make test")


def sample(duration_ns, check="unit"):
    return Sample(check, definition_of("make test", ""), machine_id(), duration_ns, Outcome.PASSED)


def expected(folder):
    found = load_estimates(str(folder), [UNIT])
    return found["unit"].expected_ns if found else None


def test_what_is_appended_is_estimated_from(tmp_path):
    assert expected(tmp_path) is None
    for duration in (10, 30, 20):
        append_history(str(tmp_path), [sample(duration), sample(7, check="other")])
    assert expected(tmp_path) == 20
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o600


def test_a_run_that_executed_nothing_leaves_no_file(tmp_path):
    append_history(str(tmp_path), [])
    assert os.listdir(tmp_path) == []


def test_deleting_it_loses_the_estimates_and_nothing_else(tmp_path):
    append_history(str(tmp_path), [sample(10)])
    (tmp_path / "history").unlink()
    assert expected(tmp_path) is None
    append_history(str(tmp_path), [sample(20)])
    assert expected(tmp_path) == 20


@pytest.mark.parametrize(
    "damage",
    [b"\0" * 50, b"{", b'{"check":"unit"}', b"\xff\xfe", b"[" * 99999, b'{"duration_ns":-1}'],
)
def test_damaged_lines_are_passed_over(tmp_path, damage):
    append_history(str(tmp_path), [sample(10)])
    with (tmp_path / "history").open("ab") as file:
        file.write(damage)
    append_history(str(tmp_path), [sample(30)])
    assert expected(tmp_path) == 20


@pytest.mark.parametrize("duration_ns", [-5, 2**63 - 1, 2**64, 10**30, 400 * 86400 * 10**9])
def test_a_duration_that_cannot_be_is_no_sample(tmp_path, duration_ns):
    append_history(str(tmp_path), [sample(10)])
    with (tmp_path / "history").open("ab") as file:
        file.write(json.encode(sample(10)).replace(b":10,", b":%d," % duration_ns) + b"\n")
    assert str(duration_ns) in (tmp_path / "history").read_text()
    assert expected(tmp_path) == 10


def test_no_history_keeps_a_run_from_its_verdict(tmp_path):
    project(tmp_path, "checks: [{id: a, run: ':'}, {id: b, run: ':', requires: [a]}]")
    for number in (2**63 - 1, LONGEST_NS):
        assert vibeguard("run", cwd=tmp_path).returncode == 0
        path = tmp_path / ".vibeguard" / "history"
        path.write_text(re.sub(r'"duration_ns":\d+', f'"duration_ns":{number}', path.read_text()))
        assert vibeguard("run", cwd=tmp_path).returncode == 0
        assert vibeguard("status", cwd=tmp_path).returncode == 0


def test_what_is_no_regular_file_gives_no_estimates_and_blocks_nothing(tmp_path):
    os.mkfifo(tmp_path / "history")
    assert expected(tmp_path) is None
    with pytest.raises(OSError, match="history"):
        append_history(str(tmp_path), [sample(10)])
    (tmp_path / "history").unlink()
    (tmp_path / "history").symlink_to("/etc/passwd")
    assert expected(tmp_path) is None
    with pytest.raises(OSError, match="symbolic"):
        append_history(str(tmp_path), [sample(10)])
    (tmp_path / "history").unlink()
    (tmp_path / "history").mkdir()
    assert expected(tmp_path) is None
    with pytest.raises(OSError, match="directory"):
        append_history(str(tmp_path), [sample(10)])


def test_when_it_gets_large_the_older_half_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "LARGEST_BYTES", 8000)
    for duration in range(400):
        append_history(str(tmp_path), [sample(duration)])
        assert (tmp_path / "history").stat().st_size < 8200
    assert [one.duration_ns for one in history._read(str(tmp_path))][-20:] == [*range(380, 400)]
    assert expected(tmp_path) in range(385, 395)


def test_runs_that_end_together_do_not_mix_their_lines(tmp_path):
    def run(number):
        for _ in range(20):
            append_history(str(tmp_path), [sample(number + 1) for _ in range(50)])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(history._read(str(tmp_path))) == 4 * 20 * 50


def test_a_machine_has_one_name():
    assert machine_id() == machine_id()
    assert len(machine_id()) == 16
