"""What a dead supervisor left behind is ended without Trio, bounded, and nothing else is."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.helpers.census import nothing_left_behind, with_token
from vibeguard.system.process.sweep import sweep_marked

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[2] / "hostile" / "programs.py"
ROOT = HERE.parents[3]


def run_python(code: str, *arguments: str) -> str:
    """Run code in a process of its own, since a sweep is about all children of a process."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


GUARDIAN = """
    import os, signal, subprocess, sys, time
    from vibeguard.system.process.sweep import kill_descendants
    from vibeguard.system.process.process_tree import become_subreaper, own_children
    assert "trio" not in sys.modules
    become_subreaper()
    programs, token = sys.argv[1:3]
    supervisor = subprocess.Popen(
        [sys.executable, "-c", '''if True:
            import subprocess, sys, time
            shapes = [subprocess.Popen([sys.executable, sys.argv[1], name, sys.argv[2]],
                                       stdout=subprocess.PIPE) for name in sys.argv[3:]]
            for shape in shapes:
                shape.stdout.readline()
            print("ready", flush=True)
            time.sleep(100)
        ''', programs, token, *sys.argv[3:]],
        stdout=subprocess.PIPE,
    )
    supervisor.stdout.readline()
    supervisor.kill()
    supervisor.wait()
    started = time.monotonic()
    swept = kill_descendants(60)
    print(len(swept), time.monotonic() - started < 60, own_children(), sys.modules.get("trio"))
"""


def test_everything_below_is_ended_however_it_hides() -> None:
    """Daemons without a mark, endless forkers, stopped ones, those that ignore every signal."""
    token = f"9{os.getpid()}.0001"
    names = (
        "double_fork_without_a_trace",
        "sessions_every_10_ms",
        "forks_while_being_killed",
        "subreaper",
        "stops_whenever_continued",
        "ignores_everything",
        "zombie_factory",
        "vfork_parent",
    )
    with nothing_left_behind(token=token):
        answer = run_python(GUARDIAN, str(PROGRAMS), token, *names).split()
    (ROOT / f"fifo.{token}").unlink(missing_ok=True)
    assert int(answer[0]) >= len(names)
    assert answer[1:] == ["True", "[]", "None"]


def test_nothing_below_is_nothing_to_do() -> None:
    answer = run_python(
        """
        from vibeguard.system.process.sweep import kill_descendants
        print(kill_descendants(0.0))
        """
    )
    assert answer.strip() == "()"


def test_marked_leftovers_of_dead_runs_are_ended_and_named_and_no_others() -> None:
    token = f"9{os.getpid()}.0002"
    command = ["sh", "-c", f"setsid sleep {token} & echo; wait"]

    def start(run: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            command, env={**os.environ, "VIBEGUARD_RUN": run}, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        return child

    def asleep() -> int:  # before that it is the shell's fork, or setsid
        return sum(found.partition(" ")[2] == f"sleep {token}" for found in with_token(token))

    with (
        nothing_left_behind(token=token, reap_adopted=True),
        start("dead-1") as dead,
        start("dead-2") as other_dead,
        start("alive") as alive,
    ):
        give_up = time.monotonic() + 60
        while asleep() < 3 and time.monotonic() < give_up:
            time.sleep(0.01)
        swept = sweep_marked({"dead-1", "dead-2"})
        assert dead.wait() == other_dead.wait() == -9
        assert {f"sleep {token}"} <= {report.command for report in swept}
        assert len(swept) == 4
        assert alive.poll() is None
        give_up = time.monotonic() + 60
        while len(with_token(f"sleep {token}")) > 2 and time.monotonic() < give_up:
            time.sleep(0.01)
        assert sweep_marked({"alive"}) != ()


def test_a_sweep_spares_the_process_that_asks_for_it() -> None:
    """A check that runs VibeGuard in the folder of its own run carries that run's mark."""
    answer = run_python(
        """
        import os, subprocess, sys
        code = "from vibeguard.system.process.sweep import sweep_marked; print(sweep_marked({'r'}))"
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "VIBEGUARD_RUN": "r"})
        """
    )
    assert answer.strip() == "()"


def test_no_runs_no_sweep() -> None:
    assert sweep_marked(set()) == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TRIED HERE: only root can start a root's child")
def test_what_got_no_signal_is_neither_killed_nor_swept() -> None:
    """A setuid child of somebody who is not root: it lives on, and nobody may say otherwise."""
    answer = run_python(
        """
        import os, subprocess
        from types import SimpleNamespace
        from vibeguard.system.process import sweep, process_tree
        from vibeguard.system.process.attempt_tree import AttemptGroup
        marked = {**os.environ, "VIBEGUARD_RUN": "r", "VIBEGUARD_WORKER": "w"}
        child = subprocess.Popen(["sleep", "60"], env=marked, start_new_session=True)
        claim = SimpleNamespace(leader=child.pid)
        group = AttemptGroup(claim, SimpleNamespace(of=lambda _: [], nothing_new=lambda: True))
        group.leader_gone = True
        os.setresuid(65534, 65534, 0)
        group.kill()
        print(len(process_tree.kill(lambda: [child.pid])), sweep.kill_descendants(0.1))
        print(sweep.sweep_marked({"r"}), sweep.sweep_worker("w"))
        print(group.is_gone(), group.swept, [report.command for report in group.reports()])
        print(child.poll())
        os.setresuid(0, 0, 0)
        child.kill()
        child.wait()
        """
    )
    assert answer.splitlines() == ["0 ()", "() ()", "False set() ['[its process group]']", "None"]
