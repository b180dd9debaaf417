"""Nobody is told that a run has passed before its supervisor has compared, sealed and said so."""

import subprocess
import sys

import pytest
from msgspec.structs import force_setattr

from tests.helpers.command import ROOT, environment, project, vibeguard
from tests.helpers.histories import History, check
from tests.helpers.journals import open_journal, write_run
from tests.helpers.running import PATIENCE_S
from vibeguard.core.model.events import Event, LogSealed

ANY_CONFIG = "checks: [{id: a, run: ':'}]"

# A front whose supervisor is this process: it tells of the start, and then nothing.
FRONT = """
import os, sys
from vibeguard.core.model.plan import Plan, ResolvedSettings
from vibeguard.system.channel import Launch, Started, send
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.guarding import Front, Watching
from vibeguard.system.front.early import Supervisor

folder, max_wait, dies = sys.argv[1:]
_, orders = os.pipe()
reports, told = os.pipe()
send(told, Started("run", os.fsencode(folder)))
if dies == "dies":
    os.close(told)
limit = max_wait if max_wait == "foreground" else int(max_wait)
watching = Watching(format="text", max_wait=limit, began_s=monotonic_s())
front = Front(Supervisor(orders, reports, 0, guarded_here=False), watching)
plan = Plan(ResolvedSettings(parallel=1, async_parallel=1, grace_ns=0), (), {})
sys.exit(front.run(Launch(plan, (), {}, {}, b"/", b"/", b"/", "", "", "")))
"""
TEN_MINUTES_NS = 600_000_000_000


def passing(run_id: str) -> list[Event]:
    """A run of one check that passes, not stamped and without its seal."""
    history = History(check("a"), started={"run_id": run_id})
    history.ready("a")
    history.passes("a")
    events = [event for event in history.finish().events if not isinstance(event, LogSealed)]
    for event in events:
        force_setattr(event, "seq", -1)
    return events


@pytest.fixture
def journal(tmp_path):
    """A live run that has its verdict and no seal."""
    project(tmp_path, ANY_CONFIG)
    journal = open_journal(tmp_path)
    write_run(journal, passing(journal.run_id))
    yield journal
    journal.close()


def front(folder: str, max_wait: object, end: str) -> int:
    """The exit code of a front that follows `folder`."""
    argv = [sys.executable, "-c", FRONT, folder, str(max_wait), end]
    done = subprocess.run(argv, cwd=ROOT, env=environment(), timeout=PATIENCE_S, check=False)
    return done.returncode


@pytest.mark.parametrize("max_wait", [TEN_MINUTES_NS, "foreground"])
def test_a_front_that_has_read_the_verdict_waits_for_its_supervisor(journal, max_wait):
    """The supervisor dies here before it seals; who had not waited would have said 0."""
    assert front(journal.run_folder, max_wait, "dies") == 3


def test_when_the_time_is_over_and_only_the_seal_is_missing_it_is_5(journal):
    assert front(journal.run_folder, 1, "lives") == 5


def test_a_seal_of_which_the_supervisor_says_nothing_is_no_pass(journal):
    journal.seal()
    assert front(journal.run_folder, 1, "lives") == 5


@pytest.mark.parametrize(
    "words",
    [
        ("report",),
        ("wait", "--max-wait", "1ms"),
        ("wait", "--until", "foreground", "--max-wait", "1ms"),
        ("wait", "--until", "check", "a", "--max-wait", "1ms"),
    ],
)
def test_readers_say_5_until_the_run_is_sealed_and_its_writer_gone(journal, tmp_path, words):
    """Who holds the lock might be anybody, and nobody vouches for this seal."""
    assert vibeguard(*words, cwd=tmp_path).returncode == 5
    journal.seal()
    assert vibeguard(*words, cwd=tmp_path).returncode == 5
    journal.close()
    assert vibeguard(*words, cwd=tmp_path).returncode == 0


# Enough to compare that a front which does not wait for the comparison is gone before its end.
TAMPERED = """
checks:
  - {id: big, run: "head -c 60000000 /dev/zero", output_limit: 100MB}
  - {id: evil, run: "echo x >> .vibeguard/latest/output/big.1.log", requires: [big]}
"""


@pytest.mark.parametrize("max_wait", ["10m", "foreground"])
def test_a_bounded_wait_ends_with_4_for_outputs_that_a_check_has_changed(tmp_path, max_wait):
    done = vibeguard("run", "--max-wait", max_wait, cwd=project(tmp_path, TAMPERED))
    assert done.returncode == 4, done.stderr
