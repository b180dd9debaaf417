"""What /proc says is read rightly, whatever a process calls itself."""

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from vibeguard.system.process import proc


def started(command: list[str], env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A child that has printed its first line: its exec is over."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
    )
    child.stdout.readline()
    return child


FIELDS = b"S 10 20 30 0 -1 4194560 0 0 0 0 150 50 0 0 20 0 1 0 777 0 0"


@given(name=st.binary(max_size=15).filter(lambda name: b"\0" not in name))
def test_any_name_leaves_the_fields_after_it_in_place(name: bytes) -> None:
    stat = proc.parse_stat(b"42 (" + name + b") " + FIELDS)
    assert stat is not None
    assert stat.identity == proc.Identity(42, 777)
    assert (stat.state, stat.parent, stat.group, stat.session) == ("S", 10, 20, 30)
    assert stat.cpu_ns == 200 * proc.CLOCK_TICK_NS


@given(line=st.binary(max_size=80))
def test_a_line_that_is_no_stat_is_none_or_a_stat_but_never_an_error(line: bytes) -> None:
    assert proc.parse_stat(line) is None or line.count(b" ") >= 19


def test_this_process_is_known_by_pid_and_start() -> None:
    stat = proc.stat_of(os.getpid())
    assert stat is not None
    assert stat.parent == os.getppid()
    assert stat.session == os.getsid(0)


def test_a_process_that_is_gone_is_none_everywhere() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert proc.stat_of(child.pid) is None
    assert proc.children_of(child.pid) == []
    assert proc.environment_of(child.pid) == {}
    assert proc.descriptor_target(child.pid, 1) == ""
    assert proc.peak_memory_bytes(child.pid) is None
    assert proc.waits_in(child.pid) == ""
    assert proc.system_call(child.pid) is None
    assert proc.owner_of(child.pid) is None


def test_a_command_is_shown_as_typed_and_cut_at_200_characters() -> None:
    words = ["x" * 150, "y" * 150]
    child = started([sys.executable, "-c", "print(flush=True); input()", *words])
    try:
        stat = proc.stat_of(child.pid)
        assert stat is not None
        shown = proc.command_of(stat)
        assert shown.startswith(f"{sys.executable} -c print(flush=True); input() xxx")
        assert len(shown) == 200
    finally:
        child.communicate(b"\n")


def test_a_wiped_command_line_shows_the_name_in_brackets() -> None:
    kernel_name = proc.Stat(proc.Identity(1 << 30, 0), "S", 0, 0, 0, 0, "kworker/0:1")
    assert proc.command_of(kernel_name) == "[kworker/0:1]"


def test_the_environment_is_that_of_the_start() -> None:
    child = started([sys.executable, "-c", "print(flush=True); input()"], env={"A": "1=2", "B": ""})
    try:
        assert proc.environment_of(child.pid) == {b"A": b"1=2", b"B": b""}
    finally:
        child.communicate(b"\n")
