"""What a check finds when it starts, and what its start, its output and its end amount to."""
# ruff: noqa: ASYNC110, ASYNC221, ASYNC222, ASYNC240 - real processes and files are what is tested

import errno
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from tests.helpers.census import below_us, nothing_left_behind
from tests.helpers.executor_contract import Observer
from tests.helpers.executor_worlds import make_spec
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.names import AttemptEnd, LeakPolicy
from vibeguard.system.executors import local
from vibeguard.system.executors.base import AttemptResult, AttemptSpec
from vibeguard.system.executors.local import LocalExecutor, open_local_executor
from vibeguard.system.executors.local_attempt import LocalAttempt
from vibeguard.system.process import ending, hang, process_tree
from vibeguard.system.process.exits import UNKNOWN
from vibeguard.system.process.proc import Identity
from vibeguard.system.process.reactor import Reactor
from vibeguard.system.process.spawn import SHELL, SPARE_DESCRIPTORS
from vibeguard.system.process.start_refused import StartRefused

MIB = 1 << 20
SECOND_NS = 1_000_000_000


class Bench:
    """An executor and a folder to run commands in."""

    def __init__(self, folder: Path, executor: LocalExecutor) -> None:
        self.folder = folder
        self.executor = executor
        self.seen = Observer()
        self._number = 0

    def spec(self, command: str, **changes: object) -> AttemptSpec:
        self._number += 1
        spec = make_spec(command, str(self.folder / f"{self._number}.log"), leaks=LeakPolicy.WARN)
        return msgspec.structs.replace(
            spec, **{"cwd": str(self.folder), "output_limit_bytes": 64 * MIB, **changes}
        )

    async def start(self, command: str, **changes: object) -> LocalAttempt:
        return await self.executor.start(self.spec(command, **changes), self.seen.callbacks)

    async def run(self, command: str, **changes: object) -> AttemptResult:
        with trio.fail_after(60):
            return await (await self.start(command, **changes)).wait()

    async def output(self, command: str, **changes: object) -> str:
        result = await self.run(command, **changes)
        assert result.end is AttemptEnd.EXITED
        return Path(self.folder / f"{self._number}.log").read_text()

    async def refusal(self, command: str, **changes: object) -> StartRefused:
        with pytest.raises(StartRefused) as refused:
            await self.start(command, **changes)
        assert not (self.folder / f"{self._number}.log").exists()
        return refused.value


Main = Callable[[Bench], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """Run a function with a bench, and find nothing left afterwards."""

    def runner(main: Main, *, shell: str = SHELL, reap_adopted: bool = False) -> None:
        async def with_bench() -> None:
            async with open_local_executor(shell=shell) as executor:
                await main(Bench(tmp_path, executor))

        with nothing_left_behind(reap_adopted=reap_adopted):
            trio.run(with_bench)

    return runner


def test_a_check_has_three_descriptors_and_none_of_ours(run, tmp_path: Path) -> None:
    """Not even one that this process was started with."""
    inherited = os.open("/dev/zero", os.O_RDONLY)
    os.set_inheritable(inherited, True)

    async def main(bench: Bench) -> None:
        listing = await bench.output("ls -l /proc/$$/fd")
        targets = [line.split(" -> ")[1] for line in listing.splitlines() if " -> " in line]
        assert targets[0] == "/dev/null"
        assert targets[1].startswith("pipe:")
        assert targets[1:] == [targets[1]] * 2

    run(main)
    os.close(inherited)


def test_a_check_starts_with_default_signals_and_an_empty_mask(run) -> None:
    """Whatever this process ignores or blocks (Python ignores SIGPIPE)."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def main(bench: Bench) -> None:
        text = await bench.output("exec cat /proc/self/status")
        fields = dict(line.split(":\t") for line in text.splitlines() if line.startswith("Sig"))
        internal = 0b11 << 31  # 32 and 33 are the C library's own; posix_spawn ignores them
        for name in ("SigBlk", "SigIgn", "SigCgt"):
            assert int(fields[name], 16) & ~internal == 0, name

    run(main)
    signal.signal(signal.SIGHUP, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_a_check_leads_a_session_without_a_terminal(run) -> None:
    async def main(bench: Bench) -> None:
        text = await bench.output("cat /proc/$$/stat; read x </dev/tty || echo no terminal")
        pid, _, _, _, group, session, *_ = text.split()
        assert pid == group == session
        assert "no terminal" in text

    run(main)


def test_a_check_gets_exactly_the_environment_it_is_given(run) -> None:
    """Bytes as they are, and nothing that Python or we would add."""

    async def main(bench: Bench) -> None:
        given = {b"PATH": os.environb[b"PATH"], b"ODD": b"\xff=\n"}
        result = await bench.run("exec env -0 >env", environment=given)
        assert result.exit_code == 0
        found = (bench.folder / "env").read_bytes().rstrip(b"\0").split(b"\0")
        # The shell itself adds PWD and such.
        assert {b"PATH=" + given[b"PATH"], b"ODD=\xff=\n"} <= set(found)
        assert not any(entry.startswith((b"LC_", b"PYTHON", b"VIBEGUARD")) for entry in found)

    run(main)


def test_both_streams_keep_their_true_order(run) -> None:
    async def main(bench: Bench) -> None:
        text = await bench.output("for i in 1 2 3; do echo out$i; echo err$i >&2; done")
        assert text.split() == ["out1", "err1", "out2", "err2", "out3", "err3"]

    run(main)


def test_opening_dev_stderr_again_loses_nothing(run) -> None:
    async def main(bench: Bench) -> None:
        text = await bench.output("echo one; echo two >/dev/stderr; echo three >/dev/stdout")
        assert text.split() == ["one", "two", "three"]

    run(main)


def test_a_check_runs_in_its_folder_and_we_stay_in_ours(run) -> None:
    ours = os.getcwd()

    async def main(bench: Bench) -> None:
        (bench.folder / "below").mkdir()
        text = await bench.output("pwd", cwd=str(bench.folder / "below"))
        assert text == f"{bench.folder}/below\n"
        assert os.getcwd() == ours

    run(main)


def test_a_folder_that_cannot_be_used_is_told_apart_from_the_command(run) -> None:
    async def main(bench: Bench) -> None:
        for cwd, word in ((f"{bench.folder}/none", "No such file"), ("/dev/null", "Not a dir")):
            refused = await bench.refusal("true", cwd=cwd)
            assert "working folder" in refused.reason
            assert word in refused.reason
            assert not refused.transient

    run(main)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo \0", "NUL"),
        ("echo " + "x" * 200_000, "too long"),
        ("echo \ud800", "cannot take"),
    ],
)
def test_a_command_that_the_system_cannot_take_is_refused(run, command: str, words: str) -> None:
    async def main(bench: Bench) -> None:
        refused = await bench.refusal(command)
        assert words in refused.reason
        assert not refused.transient

    run(main)


def test_an_environment_that_cannot_be_passed_on_is_refused_by_name(run) -> None:
    async def main(bench: Bench) -> None:
        refused = await bench.refusal("true", environment={b"TOKEN": b"a\0b"})
        assert "'TOKEN'" in refused.reason

    run(main)


def test_a_missing_shell_is_refused(run) -> None:
    async def main(bench: Bench) -> None:
        refused = await bench.refusal("true")
        assert "shell /nowhere/sh" in refused.reason
        assert not refused.transient

    run(main, shell="/nowhere/sh")


def test_a_shell_that_may_not_be_run_is_refused(run, tmp_path: Path) -> None:
    shell = tmp_path / "sh"
    shell.write_text("#!/bin/sh\n")
    shell.chmod(0o600)

    async def main(bench: Bench) -> None:
        refused = await bench.refusal("true")
        assert "cannot be started: Permission denied" in refused.reason

    run(main, shell=str(shell))


def test_a_missing_command_is_the_shells_business(run) -> None:
    """127 is an exit code like any other: the shell ran."""

    async def main(bench: Bench) -> None:
        result = await bench.run("no-such-program-anywhere")
        assert result.exit_code == 127

    run(main)


@pytest.mark.parametrize("how", ["it cannot be opened", "it cannot be entered"])
def test_the_callers_folder_need_not_be_one_that_the_user_may_use(
    run, tmp_path, monkeypatch, how
) -> None:
    """`sudo -u ci vibeguard run -c FILE` in root's folder; only checks that are to run there fail."""
    monkeypatch.chdir(tmp_path)  # the folder of before comes back with it
    really_open, really_change = os.open, os.chdir
    here: list[int] = []

    def may_not_open(path, *more, **options):
        if path == "." and how == "it cannot be opened":
            raise PermissionError(13, "Permission denied")
        descriptor = really_open(path, *more, **options)
        here.extend([descriptor] if path == "." else [])
        return descriptor

    def may_not_enter(path):
        if path in here and how == "it cannot be entered":
            raise PermissionError(13, "Permission denied")
        really_change(path)

    monkeypatch.setattr(os, "open", may_not_open)
    monkeypatch.setattr(os, "chdir", may_not_enter)

    async def main(bench: Bench) -> None:
        assert await bench.output("pwd") == f"{bench.folder}\n"

    run(main)


@pytest.mark.parametrize("spare", range(14))
def test_running_out_of_descriptors_is_pressure_at_every_step(run, spare: int) -> None:
    """Wherever the limit strikes, the start is refused as transient, or succeeds; nothing leaks.

    It succeeds only if some are left with which processes can be found and ended.
    """

    async def main(bench: Bench) -> None:
        await bench.run("true")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest_free = os.dup(0)
        os.close(lowest_free)
        before = os.listdir("/proc/self/fd")
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + spare, hard))
        try:
            result = await bench.run("exit 5")
        except StartRefused as refused:
            assert refused.transient
            assert spare < 4 + SPARE_DESCRIPTORS
        else:
            assert result.exit_code == 5
            assert spare >= 4 + SPARE_DESCRIPTORS
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert os.listdir("/proc/self/fd") == before

    run(main)


def test_a_background_job_that_holds_the_output_open_holds_nothing_up(run) -> None:
    async def main(bench: Bench) -> None:
        started = trio.current_time()
        result = await bench.run("sleep 100 & echo done")
        assert result.exit_code == 0
        assert result.leaked[0].command == "sleep 100"
        assert trio.current_time() - started < 90

    run(main)


def test_what_ends_within_the_leak_grace_is_no_leak(run) -> None:
    async def main(bench: Bench) -> None:
        result = await bench.run("sleep 0.1 & echo done", leak_grace_ns=20 * SECOND_NS)
        assert (result.exit_code, result.leaked) == (0, ())
        assert bench.seen.terminating == []

    run(main)


def test_an_ignored_leak_goes_on_and_may_go_on_writing(run) -> None:
    """Its output is discarded while the run goes on, and it outlives the run."""
    beat = "i=0; while :; do i=$((i+1)); echo $i >beat; echo out; sleep 0.01; done"

    async def main(bench: Bench) -> None:
        result = await bench.run(f"sh -c '{beat}' & echo $! >pid", leaks=LeakPolicy.IGNORE)
        assert result.exit_code == 0
        assert any("echo out" in leaked.command for leaked in result.leaked)  # its sleep may be one
        beats = bench.folder / "beat"

        async def goes_on() -> bool:
            before = beats.read_text() if beats.exists() else ""
            with trio.move_on_after(60):
                while not beats.exists() or beats.read_text() in ("", before):
                    await trio.sleep(0.005)
                return True
            return False

        assert await goes_on()
        assert await bench.executor.close(shield_s=1) == ()
        pid = int((bench.folder / "pid").read_text())
        assert any(identity.pid == pid for identity in below_us())
        os.killpg(os.getpgid(pid), signal.SIGKILL)

    run(main, reap_adopted=True)


def test_64_kib_of_output_after_sigterm_are_kept(run) -> None:
    async def main(bench: Bench) -> None:
        attempt = await bench.start(
            "trap 'head -c 65536 /dev/zero; exit 1' TERM; echo ready; sleep 100 & wait"
        )
        while not attempt.output_bytes:
            await trio.sleep(0.002)
        result = await attempt.terminate(10 * SECOND_NS)
        assert result.exit_code == 1
        assert result.output_bytes == 65536 + len("ready\n")

    run(main)


def test_a_flood_is_cut_at_the_limit_and_goes_on_being_read(run) -> None:
    async def main(bench: Bench) -> None:
        result = await bench.run("head -c 50000000 /dev/zero; exit 4", output_limit_bytes=MIB)
        assert (result.exit_code, result.output_bytes) == (4, MIB)
        assert bench.seen.exceeded == 1
        assert (bench.folder / "1.log").stat().st_size == MIB

    run(main)


def test_memory_is_that_of_the_command_or_not_known(run) -> None:
    """A command as small as `true` must not show the peak of the process that started it."""

    async def main(bench: Bench) -> None:
        assert (await bench.run("true")).max_rss_bytes is None
        size = 4 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        result = await bench.run(f"{sys.executable} -c 'bytearray({size}).count(1)'")
        assert result.max_rss_bytes is not None
        assert size < result.max_rss_bytes < 2 * size

    run(main)


def test_cpu_time_includes_that_of_orphans(run) -> None:
    """The kernel counts what a leader has waited for; what it left behind we reap ourselves."""
    burn = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"

    async def main(bench: Bench) -> None:
        leader = await bench.run(burn)
        orphan = await bench.run(f"({burn}) &", leak_grace_ns=60 * SECOND_NS)
        assert orphan.cpu_user_ns > leader.cpu_user_ns / 4

    run(main)


def _is_hanging(reports: dict[str, ProcessReport]) -> bool:
    """Both are there, and the sleeper sleeps: on a busy machine it may be starting for long."""
    return "cat" in reports and "sleep 100" in reports and reports["sleep 100"].state == "blocked"


def test_a_hanging_tree_says_what_it_is_doing(run) -> None:
    async def main(bench: Bench) -> None:
        attempt = await bench.start("echo last words; mkfifo f; (sleep 100 >f) & cat <f | cat")
        reports: dict[str, ProcessReport] = {}
        with trio.fail_after(60):
            while not _is_hanging(reports) or not attempt.last_lines():
                await trio.sleep(0.005)
                reports = {report.command: report for report in attempt.processes()}
        assert any(report.parent == attempt.processes()[0].pid for report in reports.values())
        assert attempt.last_lines() == ("last words",)
        await attempt.terminate(0)

    run(main)


def test_an_exit_status_that_somebody_else_took_is_lost_not_passed(run, monkeypatch) -> None:
    def reap_quietly(pid: int):
        os.waitpid(pid, 0)
        return UNKNOWN

    monkeypatch.setattr("vibeguard.system.process.exits.reap", reap_quietly)

    async def main(bench: Bench) -> None:
        result = await bench.run("true")
        assert result.end is AttemptEnd.LOST
        assert result.exit_code is None
        assert "exit status" in result.error

    run(main)


def test_an_accepting_side_that_fails_leaves_no_process(run) -> None:
    """When the start cannot be recorded, what was started is ended."""

    async def main(bench: Bench) -> None:
        before = below_us()  # another test may have left a child that is dead

        def refuse() -> None:
            raise RuntimeError("the log is full")

        bench.seen.on_accepted = refuse
        with pytest.raises(RuntimeError, match="the log is full"):
            await bench.start("sleep 100")
        with trio.fail_after(60):
            while below_us() - before:  # while the run goes on, not only at its end
                await trio.sleep(0.001)

    run(main)


def test_orphans_go_to_the_attempt_that_made_them(run) -> None:
    """Two checks with daemons alike: each leak is named where it belongs."""

    async def main(bench: Bench) -> None:
        results: dict[str, AttemptResult] = {}

        async def one(seconds: str) -> None:
            results[seconds] = await bench.run(f"(setsid sleep {seconds} &) ; sleep 0.2")

        async with trio.open_nursery() as nursery:
            for seconds in ("101", "102", "103"):
                nursery.start_soon(one, seconds)
        for seconds, result in results.items():
            assert [report.command for report in result.leaked] == [f"sleep {seconds}"]

    run(main)


def test_what_belongs_to_nobody_is_swept_at_the_end_and_listed(run) -> None:
    """With several checks alive, a daemon that wiped mark, session and pipe has no owner."""
    daemon = "(env -i setsid sleep 104 </dev/null >/dev/null 2>&1 &)"

    async def main(bench: Bench) -> None:
        other = await bench.start("sleep 100")
        result = await bench.run(f"{daemon}; sleep 0.1")
        assert result.leaked == ()
        await other.terminate(0)
        swept = await bench.executor.close(shield_s=2)
        assert [report.command for report in swept] == ["sleep 104"]

    run(main)


def test_what_belongs_to_nobody_is_swept_while_nothing_runs(run, monkeypatch) -> None:
    """A worker's end may be far. The next daemon of one attempt alone is that attempt's again."""
    monkeypatch.setattr(local, "HOUSEKEEPING_S", 0.01)
    daemon = "(env -i setsid sleep 104 </dev/null >/dev/null 2>&1 &); sleep 0.1"

    async def main(bench: Bench) -> None:
        before = below_us()
        other = await bench.start("sleep 100")
        assert (await bench.run(daemon)).leaked == ()
        await other.terminate(0)
        with trio.fail_after(60):
            while below_us() - before:
                await trio.sleep(0.001)
        assert names((await bench.run(daemon)).leaked) == ["sleep 104"]
        assert names(await bench.executor.close(shield_s=2)) == ["sleep 104"]

    run(main)


def refuse_signals(monkeypatch, command: str) -> list[int]:
    """What runs this is somebody else's, as a setuid program is; its numbers, once seen."""
    send, seen = process_tree.send, []

    def refused(identity: Identity, number: int) -> bool:
        if command_of(identity.pid) != command:
            return send(identity, number)
        seen.append(identity.pid)
        return False

    monkeypatch.setattr(process_tree, "send", refused)
    monkeypatch.setattr(ending, "LEAK_KILL_GRACE_S", 0.01)
    monkeypatch.setattr(ending, "KILL_PATIENCE_S", 0.05)
    return seen


def command_of(pid: int) -> str:
    return hang.brief_report(stat).command if (stat := process_tree.stat_of(pid)) else ""


def names(reports) -> list[str]:
    return [report.command for report in reports]


def test_what_is_left_behind_and_may_not_be_signalled_is_named_and_not_called_ended(
    run, monkeypatch
) -> None:
    seen = refuse_signals(monkeypatch, "sleep 106")

    async def main(bench: Bench) -> None:
        result = await bench.run("sleep 106 & :")
        assert names(result.leaked) == names(result.unkillable) == ["sleep 106"]
        assert (names(result.survivors), result.swept) == ([], 0)
        os.kill(seen[0], signal.SIGKILL)

    run(main, reap_adopted=True)


def test_a_leader_that_may_not_be_signalled_is_named_and_not_called_killed(
    run, monkeypatch
) -> None:
    seen = refuse_signals(monkeypatch, "sleep 106")

    async def main(bench: Bench) -> None:
        attempt = await bench.start("exec sleep 106")
        while command_of(bench.seen.accepted[0].pid) != "sleep 106":
            await trio.sleep(0.001)
        await attempt.terminate(0.01)
        result = await attempt.wait()
        assert names(result.unkillable) == ["sleep 106"]
        assert (names(result.survivors), result.swept) == ([], 0)
        os.kill(seen[0], signal.SIGKILL)
        while not attempt.exited:
            await trio.sleep(0.001)

    run(main, reap_adopted=True)


def test_a_stranger_that_may_not_be_signalled_is_not_called_swept(run, monkeypatch) -> None:
    seen = refuse_signals(monkeypatch, "sleep 107")
    daemon = "(env -i setsid sleep 107 </dev/null >/dev/null 2>&1 &)"

    async def main(bench: Bench) -> None:
        other = await bench.start("sleep 100")
        await bench.run(f"{daemon}; sleep 0.1")
        await other.terminate(0)
        assert await bench.executor.close(shield_s=0.2) == ()
        os.kill(seen[0], signal.SIGKILL)

    run(main, reap_adopted=True)


def test_what_dies_while_the_end_is_looked_for_is_reaped_with_all_it_leaves(
    run, monkeypatch
) -> None:
    """Seen alive, and dead a moment later: the children came to us after the list was read."""
    freeze = process_tree.freeze
    killed: list[int] = []

    def freeze_slowly(roots: process_tree.Roots) -> process_tree.Members:
        def roots_that_die() -> list[int]:
            pids = list(roots())
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            killed.extend(pids)
            return pids

        return freeze(roots_that_die)

    async def main(bench: Bench) -> None:
        other = await bench.start("sleep 100")
        family = "env -i setsid sh -c 'sleep 105 & sleep 105' </dev/null >/dev/null 2>&1 &"
        await bench.run(f"({family}); sleep 0.1")
        await other.terminate(0)
        monkeypatch.setattr(process_tree, "freeze", freeze_slowly)
        await bench.executor.close(shield_s=2)
        monkeypatch.undo()
        assert len(killed) == 3

    run(main)


def test_a_child_that_is_spared_is_left_alone(run) -> None:
    async def main(bench: Bench) -> None:
        pid = os.posix_spawn("/bin/sleep", ["sleep", "100"], {})
        bench.executor.spare(pid)
        await bench.run("true")
        assert await bench.executor.close(shield_s=1) == ()
        os.kill(pid, signal.SIGKILL)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL

    run(main)


@pytest.mark.slow
@pytest.mark.parametrize(
    # 500 through the command are in test_many_and_much; here they take three seconds of a processor.
    "count",
    [100, pytest.param(500, marks=pytest.mark.nightly)],
)
def test_many_at_once_leave_nothing(run, count: int) -> None:
    async def main(bench: Bench) -> None:
        results: list[AttemptResult] = []

        async def one() -> None:
            results.append(await bench.run("sleep 0.3; exit 0"))

        before = len(os.listdir("/proc/self/fd"))
        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(one)
        assert [result.exit_code for result in results] == [0] * count
        assert len(os.listdir("/proc/self/fd")) == before
        assert len(list(bench.folder.iterdir())) == count

    run(main)


def test_housekeeping_that_sleeps_past_the_end_looks_through_nothing() -> None:
    """It wakes once a second, perhaps just after its executor gave back what it looks through."""

    async def main() -> None:
        async with open_local_executor() as executor:
            await executor.close(shield_s=2)
            await executor.housekeeping()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_an_executor_that_cannot_be_opened_holds_nobody_up() -> None:
    """Out of descriptors, a supervisor waited for ever for tasks of its own."""
    held: list[trio.Nursery] = []
    over: list[bool] = []

    def refuse(tasks: trio.Nursery) -> Reactor:
        held.append(tasks)
        raise OSError(errno.EMFILE, "Too many open files")

    async def look() -> None:
        await trio.testing.wait_all_tasks_blocked()
        over.append(not held)
        for tasks in held:
            tasks.cancel_scope.cancel()

    async with trio.open_nursery() as beside:
        beside.start_soon(look)
        with pytest.RaisesGroup(OSError):
            async with open_local_executor(reactor=refuse):
                pass
        held.clear()
    assert over == [True]
