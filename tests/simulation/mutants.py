"""`python -m tests.simulation.mutants`: forty ways to break the product, and whether anybody notices.

Each mutant is one replacement in a copy of the product, over which the simulation then runs until
it finds something wrong. The faults were chosen from what the product promises and from its code,
not from what the oracles look at. Those that no history can show say why.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HANG_S = 400
ROOT = Path(__file__).parents[2]


class Mutant(NamedTuple):
    """`old` becomes `new` in `file` (below vibeguard/); `survives` explains why nobody notices."""

    what: str
    file: str
    old: str
    new: str
    survives: str = ""


PROCESS, SUPERVISOR, JOURNAL, CORE = (
    "system/process/", "system/supervisor/", "system/journal/", "core/",
)  # fmt: skip
MUTANTS = (
    Mutant(
        "a pid is signalled without a look at whose it is now",
        PROCESS + "process_tree.py",
        "        if not _is_there(identity):\n            return False\n",
        "",
    ),
    Mutant(
        "without a pidfd, too",
        PROCESS + "process_tree.py",
        "return not gone and _is_there(identity) and _send",
        "return not gone and _send",
    ),
    Mutant(
        "a tree is stopped in one round",
        PROCESS + "process_tree.py",
        "FREEZE_ROUNDS = 100",
        "FREEZE_ROUNDS = 1",
        survives="the kill looks again until nothing is left; what forks for ever is in tests/hostile",
    ),
    Mutant(
        "a tree is killed without being stopped",
        PROCESS + "process_tree.py",
        "for key, stat in freeze(roots).items() if",
        "for key, stat in with_descendants(roots()).items() if",
        survives="the same: a program of a history does not fork for ever",
    ),
    Mutant(
        "a stopped process is not woken to obey SIGTERM",
        PROCESS + "attempt_tree.py",
        "            if process_tree.is_stopped(stat):\n                process_tree.send(identity, signal.SIGCONT)\n        self._paused.clear()",
        "        self._paused.clear()",
        survives="the grace passes and SIGKILL ends it: only who reads the survivors sees it",
    ),
    Mutant("SIGKILL is repeated for a minute", PROCESS + "ending.py", "KILL_PATIENCE_S = 2.0", "KILL_PATIENCE_S = 60.0"),
    Mutant(
        "nothing is killed after the grace",
        PROCESS + "ending.py",
        "            self.survivors = self._tree.survivors()\n        await self._kill()",
        "            self.survivors = self._tree.survivors()\n            return\n        await self._kill()",
    ),
    Mutant(
        "a leader's exit is taken for the end of its tree",
        "system/executors/local_attempt.py",
        "elif self._tree.is_gone():",
        "elif self._tree.leader_gone:",
    ),
    Mutant(
        "what belongs to nobody is not swept at the end",
        "system/executors/local.py",
        "swept = await self._sweep(trio.current_time() + shield_s)",
        "swept = ()",
    ),
    Mutant(
        "an attempt that is not wanted any more goes on",
        "system/executors/local.py",
        "            attempt.request_end(0)\n",
        "",
        survives="a start has no checkpoint before `accepted`: on this machine nothing can settle in between",
    ),
    Mutant(
        "an orphan's mark is not looked at",
        PROCESS + "orphans.py",
        "lambda claim: claim.mark == mark,",
        "lambda claim: False,",
    ),
    Mutant(
        "there are never any orphans",
        PROCESS + "orphans.py",
        "return self._leaders.issuperset(self._children.read())",
        "return True",
    ),
    Mutant(
        "an exit that was seen before a cancel loses its outcome",
        SUPERVISOR + "check.py",
        "        if attempt.exited:\n            return _Ended(await self._end(attempt, TerminationReason.LEAK))\n",
        "",
    ),
    Mutant(
        "a broken limit does not decide the outcome",
        SUPERVISOR + "check.py",
        "return _Ended(await self._end(attempt, reason), reason)\n            self._waiting",
        "return _Ended(await self._end(attempt, reason))\n            self._waiting",
    ),
    Mutant(
        "what could not be killed is judged like any end",
        SUPERVISOR + "check.py",
        "    if result.unkillable:\n        names",
        "    if False:\n        names",
    ),
    Mutant(
        "an output that was not stored is judged all the same",
        SUPERVISOR + "check.py",
        "    if result.output_error:\n        return settled",
        "    if False:\n        return settled",
    ),
    Mutant("an idle check is left alone", SUPERVISOR + "limits.py", "self._idle_period = _seconds(planned.idle_timeout_ns)", "self._idle_period = math.inf"),
    Mutant("a timeout strikes late", SUPERVISOR + "limits.py", "planned.timeout_ns / SECOND_NS if", "planned.timeout_ns * 4 / SECOND_NS if"),
    Mutant(
        "a cancel reaches nothing that runs",
        SUPERVISOR + "run.py",
        "        self.scheduler.feed(request)\n        self._work.cancel()",
        "        self.scheduler.feed(request)",
    ),
    Mutant(
        "a cancel is not synchronised",
        SUPERVISOR + "run.py",
        "self.recorder.record_durably(request)",
        "self.recorder.record(request)",
    ),
    Mutant(
        "a pause does not stop the clock",
        SUPERVISOR + "run.py",
        "                self.executor.pause()\n                self._clock.pause()",
        "                self.executor.pause()",
    ),
    Mutant(
        "a pause does not stop the checks",
        SUPERVISOR + "run.py",
        "                self.executor.pause()\n                self._clock.pause()",
        "                self._clock.pause()",
    ),
    Mutant(
        "checks outlive their front by the grace",
        SUPERVISOR + "services.py",
        "        self._run.grace_ns = 0\n        self._run.cancel(CancelReason.FRONT_LOST)\n        self._kill()",
        "        self._run.cancel(CancelReason.FRONT_LOST)",
    ),
    Mutant(
        "requests are looked for once",
        SUPERVISOR + "services.py",
        "        while self._take_requests():  # noqa: ASYNC110 - inotify may not be had\n            await trio.sleep(REQUEST_POLL_S)",
        "        self._take_requests()",
    ),
    Mutant(
        "a suspended machine counts as time of the checks",
        SUPERVISOR + "run_clock.py",
        "            self._paused_ns += int(gap_ns)",
        "            pass",
    ),
    Mutant(
        "a failed write is forgotten",
        SUPERVISOR + "recorder.py",
        "        except LogWriteError as error:\n            self.fail(error)\n            return\n        if self._log",
        "        except LogWriteError:\n            return\n        if self._log",
    ),
    Mutant(
        "a short write is taken for a whole one",
        JOURNAL + "writer.py",
        "            if written != len(line):",
        "            if written > len(line):",
    ),
    Mutant(
        "foreign bytes in the log are not noticed",
        JOURNAL + "writer.py",
        "if os.lseek(self._folder.log_fd, 0, os.SEEK_CUR) != self.bytes:",
        "if False:",
        survives="the log is read back before its seal, and then it is found",
    ),
    Mutant(
        "the seal is not synchronised",
        JOURNAL + "writer.py",
        "        self._write(encode_seal(event, self._digest))\n        self.sync()",
        "        self._write(encode_seal(event, self._digest))",
    ),
    Mutant(
        "a disk that is full cannot be written to with the reserve",
        JOURNAL + "writer.py",
        "if error.errno not in _FULL or not self._reserve.give_up():",
        "if True:",
        survives="the run ends with 4 either way: only that it says less of how it ended",
    ),
    Mutant(
        "a log is complete when its last check has settled",
        JOURNAL + "reader.py",
        "    elif decoder.sealed is not None:",
        "    elif decoder.lines > 6:",
    ),
    Mutant(
        "a seal of other bytes is believed",
        CORE + "eventlog/decode.py",
        "if digest.hexdigest() != event.sha256:",
        "if False:",
        survives="no history forges a seal: tests/model mutates every byte of a log",
    ),
    Mutant(
        "errors do not fail a run",
        CORE + "fold/verdict.py",
        "record.outcome is Outcome.PASSED:\n        return False",
        "record.outcome in (Outcome.PASSED, Outcome.ERROR):\n        return False",
    ),
    Mutant(
        "every skip is one that the config asked for",
        CORE + "fold/verdict.py",
        "if settled is not None and (settled.waived or settled.quarantined):",
        "if settled is not None and (record.outcome is Outcome.SKIPPED or settled.quarantined):",
    ),
    Mutant(
        "a cancel decides over a log that could not be stored",
        CORE + "fold/verdict.py",
        "    if present is None or cancel.reason is CancelReason.LOG_FAILURE:\n        return present is None or present.reason is not CancelReason.LOG_FAILURE\n",
        "    if present is None:\n        return True\n",
    ),
    Mutant(
        "fail-fast waits for what runs",
        CORE + "scheduling/scheduler.py",
        "if not self.settings.fail_fast or self._failed_first is None:",
        "if True:",
    ),
    Mutant(
        "weight counts for nothing",
        CORE + "scheduling/slots.py",
        "return used == 0 or used + record.slots <= capacity",
        "return used < capacity",
    ),
    Mutant(
        "another run's group is taken",
        SUPERVISOR + "groups.py",
        "        except BlockingIOError:\n            os.close(descriptor)\n            return None",
        "        except BlockingIOError:\n            return descriptor",
    ),
    Mutant(
        "a leak never fails a check",
        SUPERVISOR + "judging.py",
        "return bool(result.leaked) and planned.leaks is LeakPolicy.FAIL",
        "return False",
    ),
    Mutant(
        "the front kills without stopping first",
        PROCESS + "sweep.py",
        "process_tree.freeze(roots).items()",
        "process_tree.with_descendants(roots()).items()",
        survives="the sweep looks again until nothing is left, so that what forks away is found at the next look",
    ),
    Mutant(
        "past: an attempt that could not be killed has no status, and the fold refuses it",
        CORE + "fold/checks.py",
        "return event.end is not _EXITED or bool(event.unkillable)",
        "return event.end is not _EXITED",
    ),
    Mutant(
        "past: housekeeping looks through what has been given back",
        "system/executors/local.py",
        "            if self._closed:  # while it slept",
        "            if False:  # while it slept",
        survives="it takes a wake-up in the same microseconds: found once, by a defect of the simulator",
    ),
    Mutant(
        "past: what could not be killed is waited for twice",
        "system/executors/local_attempt.py",
        "            self._shared.orphans.give_up(self._tree.alive())",
        "            pass",
    ),
    Mutant(
        "past: a pause that finds the log gone stops the clock",
        SUPERVISOR + "run.py",
        "            if self.recorder.failure is None:  # else everything",
        "            if True:  # else everything",
    ),
)  # fmt: skip


def try_mutant(mutant: Mutant, count: int, seed: int) -> tuple[str, float]:
    """What found the mutant (empty: nothing did), and how many seconds it took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        for part in ("vibeguard", "tests/simulation", "tests/helpers"):
            shutil.copytree(
                ROOT / part, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__")
            )
        path = Path(folder, "vibeguard", mutant.file)
        text = path.read_text()
        if text.count(mutant.old) != 1:
            return f"NOT APPLIED: its text is there {text.count(mutant.old)} times", 0.0
        path.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "tests.simulation", "--jobs", "1", "--first"]
        try:
            done = subprocess.run(
                [*command, "--count", str(count), "--seed", str(seed)],
                cwd=folder, env={**os.environ, "PYTHONPATH": folder}, capture_output=True,
                text=True, check=False, timeout=HANG_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"a history did not end within {HANG_S} s", float(HANG_S)
    found = done.stdout.strip().splitlines()
    if done.returncode == 0:
        return "", time.monotonic() - began
    told = " ".join(line.strip() for line in found[:2]) or done.stderr.strip()[-100:]
    return told, time.monotonic() - began


def main() -> int:
    """How many mutants were neither caught nor explained, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    parser.add_argument("--count", type=int, default=600, help="histories a mutant")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="mutants whose description holds this")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.what]
    unexplained = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda each: try_mutant(each, options.count, options.seed), chosen)
        for number, (mutant, (found, took_s)) in enumerate(zip(chosen, results, strict=True), 1):
            verdict = "caught" if found else "explained" if mutant.survives else "SURVIVES"
            unexplained += verdict == "SURVIVES" or found.startswith("NOT APPLIED")
            print(f"{number:2} {verdict:9} {mutant.what}: {found[:150] or mutant.survives}", end="")
            print(f" ({took_s:.0f} s)", flush=True)
    print(f"{len(chosen)} mutants, {unexplained} neither caught nor explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
