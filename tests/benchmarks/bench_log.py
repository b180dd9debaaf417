"""What the log costs, each figure beside a peer measured in the same run.

    python tests/benchmarks/bench_log.py [append|replay|tail|followers] ...

append   stamp, fold, encode, hash and write an event, against a bare os.write of the same line
replay   read, check, hash, decode and fold a million events, against decoding alone
tail     from the write of a line to its being seen: the follower against `tail -F`
followers  a writer that fifty processes follow, against one that nobody follows
"""

import os
import resource
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

from msgspec import json
from msgspec.structs import force_setattr

from vibeguard.core.eventlog.encode import encode_line, encode_seal, new_digest
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckQueued,
    CheckRetryScheduled,
    CheckSettled,
    CheckStarted,
    Event,
    FrontierAdvanced,
    LogSealed,
    RunFinished,
    RunForegroundSettled,
    RunPlanned,
    RunStarted,
)
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.names import AttemptEnd, Outcome, Pool, Verdict
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.reader import CHUNK_BYTES, open_state
from vibeguard.system.journal.writer import Journal
from vibeguard.system.rundir.state_folder import state_folder
from vibeguard.system.supervisor.recorder import Recorder

CHECKS = 1000


def events_of(attempts: int) -> Iterator[Event]:
    """A passing run of CHECKS checks that each need so many attempts."""
    settings = ResolvedSettings(parallel=4, async_parallel=4)
    names = tuple(f"check_{number}" for number in range(CHECKS))
    plan = tuple(
        PlannedCheck(id=name, run=f"make {name}", stem=name, retries=attempts) for name in names
    )
    yield RunStarted(
        run_id="r",
        schema="1.0",
        tool_version="1",
        wall_time="2026-11-24T06:00:00Z",
        boot_id="b",
        pid=1,
        pid_start=1,
        argv=("vibeguard", "run"),
        cwd="/",
    )
    yield RunPlanned(settings=settings, config_path="v", config_sha256="c" * 64, checks=plan)
    yield FrontierAdvanced(number=0, checks=names)
    for name in names:
        yield from life_of(name, attempts)
    counts = {Outcome.PASSED.value: CHECKS}
    yield RunForegroundSettled(counts=counts)
    yield RunFinished(verdict=Verdict.PASSED, counts=counts, exit_code=0, elapsed_ns=0)


def life_of(name: str, attempts: int) -> Iterator[Event]:
    """All events of one check."""
    for attempt in range(1, attempts + 1):
        pool = Pool.FOREGROUND
        yield CheckQueued(check=name, attempt=attempt, pool=pool)
        yield CheckStarted(check=name, attempt=attempt, pool=pool, pid=4000)
        yield CheckAttemptFinished(
            check=name,
            attempt=attempt,
            end=AttemptEnd.EXITED,
            exit_code=0 if attempt == attempts else 1,
            elapsed_ns=123456789,
            active_ns=123456789,
            cpu_user_ns=4000000,
            cpu_system_ns=4000000,
            max_rss_bytes=33333333,
            output_path=f"output/{name}.{attempt}.log",
            output_bytes=1536,
            output_sha256="0" * 64,
        )
        if attempt < attempts:
            yield CheckRetryScheduled(check=name, attempt=attempt + 1, delay_ns=1000)
    yield CheckSettled(check=name, outcome=Outcome.PASSED, attempts=attempts, flaky=attempts > 1)


def best(run: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds: the one that was disturbed least."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def bench_append(folder: str) -> None:
    """The recorder, fold and journal in one step, against os.write, on the same file system."""
    state_dir = state_folder(f"{folder}/.vibeguard", create=True)
    events = list(events_of(attempts=25))

    def ours() -> None:
        journal = Journal(state_dir, now_ns=time.time_ns(), clock=time.monotonic_ns)
        recorder = Recorder(journal, time.monotonic_ns)
        for event in events:
            recorder.record(event)
        journal.close()

    ours()
    lines = [encode_line(event) for event in events]

    def bare() -> None:
        fd = os.open(f"{folder}/bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        for line in lines:
            os.write(fd, line)
        os.close(fd)

    pairs = [(best(bare, 1), best(ours, 1)) for _ in range(7)]
    us = [1e6 * min(column) / len(events) for column in zip(*pairs, strict=True)]
    print(f"append   {len(events)} events: os.write {us[0]:.2f} us, ours {us[1]:.2f} us", end="")
    print(f", ratio {us[1] / us[0]:.2f} (budget 4)")


def by_chunk(path: str) -> None:
    """The leanest way to decode a log without holding it whole."""
    decode = json.Decoder(Event).decode_lines
    rest = b""
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            complete, newline, rest_of_line = (rest + chunk).rpartition(b"\n")
            decode(complete + newline)
            rest = rest_of_line


def bench_replay(folder: str) -> None:
    """`open_state` on a million events, against the ways in which msgspec alone decodes them.

    By line and whole are its two calls for such a file; by chunk is the leanest loop around them
    that keeps memory flat.
    """
    path = f"{folder}/events.jsonl"
    total = write_stamped(path, events_of(attempts=250))

    def by_line() -> None:
        decode = json.Decoder(Event).decode
        with open(path, "rb") as file:
            for line in file:
                decode(line)

    def whole() -> None:
        json.Decoder(Event).decode_lines(Path(path).read_bytes())

    def ours() -> None:
        reading = open_state(path)[1]
        assert reading.events == total, reading

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    ways = {"by line": by_line, "by chunk": partial(by_chunk, path), "whole": whole}
    rounds = [[best(ours, 1), *(best(way, 1) for way in ways.values())] for _ in range(5)]
    replay = statistics.median(each[0] for each in rounds)
    size = Path(path).stat().st_size >> 20
    print(f"replay   {total} events, {size} MiB: {replay:.2f} s, memory +{grown >> 10} MiB")
    for number, name in enumerate(ways, 1):
        seconds = statistics.median(each[number] for each in rounds)
        ratio = statistics.median(each[0] / each[number] for each in rounds)
        print(f"replay   msgspec {name:8} {seconds:.2f} s, ratio {ratio:.2f} (budget 2.5)")


def write_stamped(path: str, events: Iterator[Event]) -> int:
    """Write a sealed log without a journal; how many lines it has."""
    digest = new_digest()
    size = 0
    number = 0
    with open(path, "wb") as file:
        for number, event in enumerate(events):
            force_setattr(event, "seq", number)
            force_setattr(event, "t", 200000000 + number)
            line = encode_line(event)
            digest.update(line)
            size += file.write(line)
        seal = LogSealed(seq=number + 1, t=10**12, events=number + 1, bytes=size, sha256="")
        file.write(encode_seal(seal, digest))
    return number + 2


def bench_tail(folder: str) -> None:
    """Latency of one line at a time, as seen by the follower and by `tail -F`."""
    state_dir = state_folder(f"{folder}/.vibeguard", create=True)
    journal = Journal(state_dir, now_ns=time.time_ns(), clock=time.monotonic_ns)
    events = events_of(attempts=1)
    journal.append(next(events))
    rows = {
        "tail -F": latencies(journal, events, by_tail(journal.log_path)),
        "follower": latencies(journal, events, by_follower(journal.run_folder)),
    }
    medians = {}
    for name, seconds in rows.items():
        ordered = sorted(seconds)
        medians[name] = statistics.median(ordered)
        print(f"tail     {name:9} p50 {medians[name] * 1e3:.2f} ms", end="")
        print(f", p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.2f} ms")
    ratio = medians["follower"] / medians["tail -F"]
    print(f"tail     ratio of the medians {ratio:.2f} (budget 2)")
    journal.close()


Watch = Callable[[threading.Event, list[float]], None]


def latencies(journal: Journal, events: Iterator[Event], watch: Watch) -> list[float]:
    """Write single lines, apart in time; how long each took to be seen."""
    seen: list[float] = []
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(stop, seen))
    watcher.start()
    settle = threading.Event()
    settle.wait(0.5)
    seen.clear()
    found = []
    for expected in count(1):
        settle.wait(0.004)
        start = time.perf_counter()
        journal.append(next(events))
        while len(seen) < expected:
            settle.wait(0.0005)
        found.append(seen[expected - 1] - start)
        if expected == 500:
            break
    stop.set()
    watcher.join()
    return found


def by_tail(path: str) -> Watch:
    """GNU tail, its lines read from a pipe."""

    def watch(stop: threading.Event, seen: list[float]) -> None:
        command = ["tail", "-F", "-n", "0", path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            fd = process.stdout.fileno()
            while not stop.is_set():
                if select.select([fd], [], [], 0.1)[0]:
                    lines = os.read(fd, 1 << 16).count(b"\n")
                    seen.extend([time.perf_counter()] * lines)
            process.kill()

    return watch


def by_follower(folder: str) -> Watch:
    """The follower behind `tail`, decoding every event."""

    def watch(stop: threading.Event, seen: list[float]) -> None:
        follower = Follower(folder)
        while not stop.is_set():
            events = follower.read()
            seen.extend([time.perf_counter()] * len(events))
            if not events:
                follower.wait(0.1)
        follower.close()

    return watch


FOLLOWERS = 50
PACE_S = 0.001


def bench_followers(folder: str) -> None:
    """How long an append takes in a burst of events: alone, and with fifty that look on."""
    ways = (None, by_fifty_tails, by_fifty_followers)
    rounds = [[median_append(folder, way) for way in ways] for _ in range(3)]
    alone, tails, ours = (1e6 * min(column) for column in zip(*rounds, strict=True))
    print(f"followers  one append: alone {alone:.0f} us, fifty tail -F {tails:.0f} us", end="")
    print(f" (ratio {tails / alone:.2f}), fifty of ours {ours:.0f} us (ratio {ours / alone:.2f})")


def median_append(folder: str, followed: Callable[[str], list[int]] | None) -> float:
    """Seconds of the median append to a new log, at a thousand events a second."""
    state_dir = state_folder(f"{folder}/.vibeguard", create=True)
    journal = Journal(state_dir, now_ns=time.time_ns(), clock=time.monotonic_ns)
    children = [] if followed is None else followed(journal.log_path)
    pause = threading.Event()
    pause.wait(1.0)
    seconds = []
    for event in events_of(attempts=1):
        pause.wait(PACE_S)
        start = time.perf_counter()
        journal.append(event)
        seconds.append(time.perf_counter() - start)
        if len(seconds) == 1000:
            break
    journal.close()
    for child in children:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
    return statistics.median(seconds)


def by_fifty_tails(path: str) -> list[int]:
    """GNU tail, its output thrown away."""
    command = ["tail", "-F", "-n", "0", path]
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    return [
        os.posix_spawnp("tail", command, os.environ, file_actions=quiet) for _ in range(FOLLOWERS)
    ]


def by_fifty_followers(path: str) -> list[int]:
    """The follower behind `tail`."""
    return [follow_in_a_process(path) for _ in range(FOLLOWERS)]


def follow_in_a_process(path: str) -> int:
    """The pid of a process that follows a log until it is killed."""
    child = os.fork()
    if child:
        return child
    os.closerange(3, 1024)  # the writer's descriptor was inherited, and its lock with it
    follower = Follower(os.path.dirname(path))
    while True:
        if not follower.read():
            follower.wait(1.0)


def main() -> None:
    """Run the parts that are named, or all."""
    parts = {
        "append": bench_append,
        "replay": bench_replay,
        "tail": bench_tail,
        "followers": bench_followers,
    }
    for name in sys.argv[1:] or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](folder)


if __name__ == "__main__":
    main()
