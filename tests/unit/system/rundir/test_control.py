"""Requests to a run are files; only what is surely a request of the same user counts."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.journals import open_journal
from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.control import Request, request, take_requests

CANCEL = Request("cancel", {"check": "unit"})
ASK = """
import sys
from vibeguard.system.rundir.control import request
for number in range(20):
    request(sys.argv[1], "cancel", {"n": f"{sys.argv[2]}.{number}"}, now_ns=number)
"""


@pytest.fixture
def folder(tmp_path):
    journal = open_journal(tmp_path)
    yield journal.run_folder
    journal.close()


def plant(folder, name="00000000000000000001-aa.json", content=b'{"kind":"cancel"}', mode=0o600):
    path = Path(folder) / "control" / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_request_arrives_once(folder):
    request(folder, "cancel", {"check": "unit"}, now_ns=5)
    assert take_requests(folder) == [CANCEL]
    assert take_requests(folder) == []
    assert os.listdir(folder + "/control") == []


def test_requests_are_taken_up_in_their_order(folder):
    for moment in (30, 4, 200):
        request(folder, "cancel", {"n": str(moment)}, now_ns=moment)
    assert [found.payload["n"] for found in take_requests(folder)] == ["4", "30", "200"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"kind":5}',
        b'{"payload":{}}',
        b"\xff",
        b'{"kind":"' + b"a" * 70000 + b'"}',
        b'{"kind":"\xff"}',
        b'{"kind":"cancel","more":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
)
def test_what_is_no_request_is_removed_and_not_obeyed(folder, content):
    plant(folder, content=content)
    request(folder, "cancel", {"check": "unit"}, now_ns=5)
    assert take_requests(folder) == [CANCEL]
    assert os.listdir(folder + "/control") == []


def test_a_link_a_fifo_and_a_folder_are_not_obeyed_and_block_nothing(folder):
    control = Path(folder) / "control"
    real = plant(folder, name="real")
    (control / "1.json").symlink_to(real)
    os.mkfifo(control / "2.json")
    (control / "3.json").mkdir()
    assert take_requests(folder) == take_requests(folder) == []
    assert sorted(os.listdir(control)) == ["3.json", "real"]


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_request_that_others_could_have_written_is_not_obeyed(folder, mode):
    plant(folder, mode=mode)
    assert take_requests(folder) == []


@pytest.mark.parametrize("mode", [0o644, 0o444, 0o755])
def test_one_that_others_can_only_read_is_obeyed(folder, mode):
    """Some mounts show every file so, and nothing could be cancelled there."""
    plant(folder, mode=mode)
    assert len(take_requests(folder)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_request_of_somebody_else_is_not_obeyed(folder):
    os.chown(plant(folder), 12345, 12345)
    assert take_requests(folder) == []
    assert os.listdir(folder + "/control") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_request_of_root_is_handed_to_the_owner_of_the_run(folder):
    os.chown(folder, 12345, 12345)
    request(folder, "cancel", {}, now_ns=1)
    [name] = os.listdir(folder + "/control")
    assert os.stat(f"{folder}/control/{name}").st_uid == 12345


def test_half_written_requests_are_not_seen(folder):
    plant(folder, name=".00000000000000000001-aa.json.99.ffff")
    assert take_requests(folder) == []


def test_a_run_that_is_gone_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="gone"):
        request(str(tmp_path / "none"), "cancel", {}, now_ns=1)


@pytest.mark.slow
def test_requests_of_several_processes_all_arrive_whole(folder):
    command = [sys.executable, "-c", ASK, folder]
    askers = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    taken = []
    while any(asker.poll() is None for asker in askers):
        taken += take_requests(folder)
    taken += take_requests(folder)
    expected = {f"{asker}.{number}" for asker in range(3) for number in range(20)}
    assert sorted(found.payload["n"] for found in taken) == sorted(expected)
    assert [asker.returncode for asker in askers] == [0, 0, 0]


@pytest.mark.parametrize("step", ["listdir", "open"])
def test_a_request_waits_until_there_are_descriptors_to_read_it_with(folder, monkeypatch, step):
    request(folder, "cancel", {}, now_ns=1)

    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as without_descriptors:
        without_descriptors.setattr(os, step, refuse)
        assert take_requests(folder) == []
    assert take_requests(folder) == [Request("cancel", {})]
