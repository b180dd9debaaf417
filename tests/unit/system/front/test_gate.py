"""One start at a time: who comes second waits, and nobody who is gone keeps anybody out."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from tests.helpers.command import environment
from vibeguard.system.front import gate as gate_module
from vibeguard.system.front.gate import NAME, POLL_S, StartGate

# Takes the gate of the folder that is its argument, says so, and stays.
STARTER = """
import sys
from vibeguard.system.front.gate import StartGate
gate = StartGate(sys.argv[1])
print(gate.close(60), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The waits that were made, on a clock that only they move."""
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        assert sum(waits) < 61, "it waits for ever"

    monkeypatch.setattr(gate_module, "sleep_s", sleep)
    monkeypatch.setattr(gate_module, "monotonic_s", lambda: sum(waits))
    return waits


def test_there_is_one_start_at_a_time_in_a_folder(tmp_path):
    first, second = StartGate(str(tmp_path)), StartGate(str(tmp_path))
    assert first.close(0)
    assert not second.close(0)
    first.open()
    assert second.close(0)
    second.open()


def test_starts_in_other_folders_do_not_wait(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    gates = [StartGate(str(tmp_path / name)) for name in ("one", "two")]
    assert [gate.close(0) for gate in gates] == [True, True]
    for gate in gates:
        gate.open()


def test_who_waits_is_let_in_when_the_first_opens(tmp_path, monkeypatch):
    """The first opens while the second waits between two looks."""
    first, second = StartGate(str(tmp_path)), StartGate(str(tmp_path))
    assert first.close(0)
    monkeypatch.setattr(gate_module, "sleep_s", lambda _: first.open())
    assert second.close(60)
    assert not StartGate(str(tmp_path)).close(0)
    second.open()


def test_patience_ends_and_nothing_is_left_of_the_attempt(tmp_path, clock):
    """A starter that was stopped keeps nobody out for ever."""
    first, second = StartGate(str(tmp_path)), StartGate(str(tmp_path))
    assert first.close(0)
    before = os.listdir("/proc/self/fd")
    assert not second.close(1.0)
    assert 1.0 <= sum(clock) < 1.0 + 2 * POLL_S
    assert len(os.listdir("/proc/self/fd")) == len(before)
    second.open()  # harmless, and it opens nobody else's
    assert not second.close(0)
    first.open()
    assert second.close(0)
    second.open()


def test_a_free_gate_is_closed_without_any_wait(tmp_path, clock):
    gate = StartGate(str(tmp_path))
    assert gate.close(60)
    assert clock == []
    gate.open()


def test_opening_is_harmless_when_it_is_open_and_when_it_is_repeated(tmp_path):
    gate = StartGate(str(tmp_path))
    gate.open()
    assert gate.close(0)
    gate.open()
    gate.open()
    assert gate.close(0)
    gate.open()


def test_a_killed_starter_opens_it(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout.readline() == "True\n"
        gate = StartGate(str(tmp_path))
        assert not gate.close(0)
        os.kill(starter.pid, signal.SIGKILL)
        starter.wait(60)
        assert gate.close(0)
        gate.open()


def test_a_program_that_a_starter_runs_does_not_keep_it_closed(tmp_path):
    """Not even one that inherits every descriptor."""
    gate = StartGate(str(tmp_path))
    assert gate.close(0)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False) as child:
        gate.open()
        assert gate.close(0)
        gate.open()
        child.stdin.close()
        child.wait(60)


def test_its_file_is_the_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        gate = StartGate(str(tmp_path))
        assert gate.close(0)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    gate.open()


@pytest.mark.parametrize(
    "obstacle",
    [
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("elsewhere"),
        lambda path: path.parent.rmdir(),
    ],
    ids=["folder", "link", "no state folder"],
)
def test_where_there_can_be_no_gate_a_start_is_not_the_only_one_and_does_not_wait(
    tmp_path, clock, obstacle
):
    state = tmp_path / "state"
    state.mkdir()
    obstacle(state / NAME)
    assert not StartGate(str(state)).close(60)
    assert clock == []
    assert not (state / "elsewhere").exists()
