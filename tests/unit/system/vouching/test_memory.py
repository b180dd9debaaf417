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
    memory = Memory()
    memory.start([])
    memory.begin(OrderedRun("mine"), proc.Identity(os.getpid(), 0))
    memory.begin(OrderedRun("dead"), proc.Identity(ended.pid, 0))
    memory.begin(OrderedRun("other"), proc.Identity(os.getpid(), 777))
    assert memory.statement().live == {"mine": (os.getpid(), 0)}


def test_a_supervisor_outside_of_this_pid_namespace_lives_until_it_has_sealed():
    """Nobody here can tell otherwise, and a reader would call its log corrupt before its word."""
    memory = Memory()
    memory.start([])
    memory.begin(OrderedRun("outside"), proc.Identity(0, 0))
    assert set(memory.statement().live) == {"outside"}
    memory.seal(OrderedRun("outside", "5ea1"))
    assert not memory.statement().live


def test_what_was_told_before_the_start_completes_what_was_read():
    """A seal is told once; whoever asked before it, or read the record, would miss it for ever."""
    memory = Memory()
    memory.begin(OrderedRun("sealed since"), None)
    memory.seal(OrderedRun("sealed since", "5ea1"))
    memory.begin(OrderedRun("read with its seal"), None)
    memory.begin(OrderedRun("new"), None)
    memory.forget(["pruned since"])
    assert memory.statement().starting
    read = [OrderedRun("old", "01d"), OrderedRun("pruned since"), OrderedRun("sealed since")]
    memory.start([*read, OrderedRun("read with its seal", "5ea1")])
    assert {run.run_id: run.seal for run in memory.statement().runs} == {
        "old": "01d",
        "sealed since": "5ea1",
        "read with its seal": "5ea1",
        "new": "",
    }


def test_a_run_whose_process_was_told_of_goes_on_as_long_as_that_lives():
    """Of two starts at once, each reads of the other that it goes on, and not whose it is."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    memory = Memory()
    memory.begin(OrderedRun("killed"), proc.Identity(ended.pid, 1))
    memory.begin(OrderedRun("known"), proc.Identity(ended.pid, 1))
    mine = (os.getpid(), proc.own_start())
    memory.start([OrderedRun("killed"), OrderedRun("known")], {"killed": (0, 0), "known": mine})
    assert memory.statement().live == {"known": mine}


def test_a_run_that_was_said_to_be_pruned_can_still_be_given_up():
    """Anybody may say so; its supervisor broke on it, and 4 became 3."""
    memory = Memory()
    memory.start([])
    memory.begin(OrderedRun("mine"), proc.Identity(os.getpid(), proc.own_start()))
    memory.forget(["mine"])
    memory.give_up("mine")
    assert memory.statement().runs == ()
