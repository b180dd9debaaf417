"""The guardian of a worker: what it makes of stops and of a page that is being written."""

import os
import signal
import time

import pytest

from vibeguard.system.worker import guardian
from vibeguard.system.worker.guardian import LeasePage, guard


def test_a_guardian_that_stood_still_beyond_its_look_goes_on_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`sigtimedwait` returned a signal that nobody had sent, and it ended when it passed that on."""
    monkeypatch.setattr(guardian, "LOOK_S", 0.02)
    ready, begun = os.pipe()

    def work(_: LeasePage) -> int:
        signal.alarm(10)  # it ends whatever becomes of its guardian
        os.write(begun, b"x")
        return 7 if signal.sigwait({signal.SIGTERM}) else 0

    pid = os.fork()
    if pid == 0:
        code = -1
        try:
            code = guard(work, lambda _: None)
        finally:
            os._exit(code)
    os.read(ready, 1)
    for _ in range(3):  # each stop comes at another moment of its look
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.03)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
    os.kill(pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(ready)
    os.close(begun)


def test_a_page_that_is_being_written_is_never_read_as_a_lease_that_is_over() -> None:
    page = LeasePage()
    page.set(1e9)
    writer = os.fork()
    if writer == 0:
        while True:
            page.set(1e9)
    try:
        assert {page.ends_s() for _ in range(300_000)} == {1e9}
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
