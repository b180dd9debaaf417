"""Who asks a broker once can be interrupted at any moment."""

import signal
import socket
from pathlib import Path

import pytest
import trio

from tests.helpers.brokers import KEY
from vibeguard.core.pool.address import parse_address
from vibeguard.core.problems import UsageError
from vibeguard.system.ending_signals import ENDING
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.listing import list_workers


class Interrupted(set[trio.lowlevel.Task]):
    """The tasks that wait for an event: Ctrl-C comes when one that writes has begun to wait."""

    def add(self, task: trio.lowlevel.Task) -> None:
        super().add(task)
        if task.name.endswith("Connection.write"):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_in_the_middle_of_trio_is_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that had ended was woken by the event that it had waited for: a defect, exit 3."""
    real = trio.Event

    def event() -> trio.Event:
        made = real()
        made._tasks = Interrupted()
        return made

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with socket.socket(socket.AF_UNIX) as mute:
            mute.bind(str(tmp_path / "mute"))
            mute.listen()
            monkeypatch.setattr(trio, "Event", event)
            address = parse_address(f"unix://{tmp_path}/mute", insecure=False)
            with pytest.raises(KeyboardInterrupt):
                list_workers(Access(address, "ci", KEY))
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_every_signal_is_ignored_the_broker_is_asked_all_the_same(tmp_path: Path) -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        address = parse_address(f"unix://{tmp_path}/none", insecure=False)
        with pytest.raises(UsageError, match="the broker of"):
            list_workers(Access(address, "ci", KEY))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
