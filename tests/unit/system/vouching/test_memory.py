"""What a supervisor says of the runs that it knows."""

import os
import subprocess

from vibeguard.system.process import proc
from vibeguard.system.rundir.order import OrderedRun
from vibeguard.system.vouching.memory import Memory


def test_a_run_goes_on_for_its_supervisor_also_where_proc_is_of_other_processes(monkeypatch):
    """A sandbox: between the seal and the word for it, a reader would call the log corrupt."""
    monkeypatch.setattr(proc, "is_ours", lambda: False)
    ended = subprocess.Popen(["true"])
    ended.wait()
    memory = Memory([])
    memory.begin(OrderedRun("mine"), proc.Identity(os.getpid(), 0))
    memory.begin(OrderedRun("dead"), proc.Identity(ended.pid, 0))
    memory.begin(OrderedRun("other"), proc.Identity(os.getpid(), 777))
    assert memory.statement().live == {"mine": (os.getpid(), 0)}


def test_a_supervisor_outside_of_this_pid_namespace_lives_until_it_has_sealed():
    """Nobody here can tell otherwise, and a reader would call its log corrupt before its word."""
    memory = Memory([])
    memory.begin(OrderedRun("outside"), proc.Identity(0, 0))
    assert set(memory.statement().live) == {"outside"}
    memory.seal(OrderedRun("outside", "5ea1"))
    assert not memory.statement().live
