"""While a supervisor lives nobody answers 0 for a run that did not pass, whatever a check does.

Operation x phase x reader, one after the other; then a random adversary on top.
"""

import contextlib
import fcntl
import os
import random
import shutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.adversary import (
    BAD,
    GOOD,
    NOW_NS,
    PHASES,
    READERS,
    SEEKERS,
    World,
    code_of,
    forged,
    set_aside,
)
from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.problems import UsageError
from vibeguard.system.clock import monotonic_s
from vibeguard.system.prune import prune
from vibeguard.system.rundir.ids import run_ids
from vibeguard.system.rundir.order import OrderedRun
from vibeguard.system.vouching import exchange, known, place
from vibeguard.system.vouching.exchange import receive_request, send
from vibeguard.system.vouching.place import keys_of, new_name
from vibeguard.system.vouching.statement import Statement
from vibeguard.system.vouching.witness import Witness

FUTURE = "99991231T235959.999999Z-ffff"
SOON = "20261124T070000.000000Z-ffff"
PAST = "20261123T060000.000000Z-ffff"
DAY_NS = 86_400_000_000_000


def append(world: World) -> None:
    written = world.log().read_bytes()
    with world.log().open("ab") as log:
        log.write(forged(world.run)[len(written) :])


def overwrite(world: World) -> None:
    world.log().write_bytes(forged(world.run))


def overwrite_in_place(world: World) -> None:
    """One byte, in the same place: neither length nor inode changes."""
    before = world.log().stat().st_ctime_ns
    while world.log().stat().st_ctime_ns == before:  # a tick, before Linux 6.13
        with world.log().open("r+b") as log:
            log.write(b"[")


def cut(world: World) -> None:
    os.truncate(world.log(), world.log().stat().st_size // 2)


def empty(world: World) -> None:
    os.truncate(world.log(), 0)


def swap_the_inode(world: World) -> None:
    set_aside(world.log())
    overwrite(world)


def replace(world: World) -> None:
    new = world.parent / "new"
    new.write_bytes(forged(world.run))
    new.replace(world.log())


def copy_an_older_pass(world: World) -> None:
    world.log().write_bytes(world.log(world.old_pass).read_bytes())


def put_an_older_folder_in_place(world: World) -> None:
    set_aside(world.folder())
    shutil.copytree(world.folder(world.old_pass), world.folder())


def forge_the_folder(world: World) -> None:
    set_aside(world.folder())
    world.plant(world.run)


def take_the_folder_away(world: World) -> None:
    set_aside(world.folder())


def forge_the_older_failure(world: World) -> None:
    world.log(world.old_failure).write_bytes(forged(world.old_failure))


def swap_the_older_failure(world: World) -> None:
    set_aside(world.log(world.old_failure))
    world.log(world.old_failure).write_bytes(forged(world.old_failure))


def move_the_state_folder(world: World) -> None:
    world.copy_of_state(world.parent / "copy")
    set_aside(world.state)
    (world.parent / "copy").rename(world.state)


def move_the_repository(world: World) -> None:
    world.copy_of_state(world.parent / "copy")
    set_aside(world.repository)
    world.repository.mkdir()
    (world.parent / "copy").rename(world.state)


def swap_runs(world: World) -> None:
    shutil.copytree(world.state / "runs", world.parent / "copy")
    set_aside(world.state / "runs")
    (world.parent / "copy").rename(world.state / "runs")
    overwrite(world)


def plant_a_newer(world: World) -> None:
    world.plant(FUTURE)
    world.plant(SOON)


def plant_an_older(world: World) -> None:
    world.plant(PAST)


def plant_and_record(world: World) -> None:
    world.plant(SOON)
    with (world.state / "order").open("a") as order:
        order.write(f"{SOON} -\n{world.run} pruned\n")


def remove_the_record(world: World) -> None:
    world.plant(SOON)
    (world.state / "order").unlink()


def point_latest_elsewhere(world: World) -> None:
    world.plant(SOON)
    (world.state / "latest").unlink()
    (world.state / "latest").symlink_to(f"runs/{SOON}")


def link_the_folder_elsewhere(world: World) -> None:
    forge_the_folder(world)
    elsewhere = set_aside(world.folder())
    world.folder().symlink_to(elsewhere)


def link_to_an_older_pass(world: World) -> None:
    set_aside(world.folder())
    world.folder().symlink_to(world.old_pass)


def link_a_newer_and_the_older_failure(world: World) -> None:
    for run in (SOON, world.old_failure):
        world.plant(run) if run == SOON else forge_the_older_failure(world)
        elsewhere = set_aside(world.folder(run))
        world.folder(run).symlink_to(elsewhere)


def hold_a_lock(world: World) -> None:
    swap_the_inode(world)
    held = os.open(world.log(), os.O_RDWR)
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    fcntl.fcntl(held, fcntl.F_OFD_SETLK, lock)  # until the test's process ends


def make_unreadable(world: World) -> None:
    swap_the_inode(world)
    world.log().chmod(0)


def claim(world: World) -> None:
    """One more who says to be a supervisor, and vouches for everything that was forged."""
    overwrite(world)
    world.plant(SOON)
    decoder = LogDecoder()
    decoder.feed(forged(world.run))
    assert decoder.sealed is not None
    runs = [OrderedRun(world.run, decoder.sealed.sha256), OrderedRun(SOON, decoder.sealed.sha256)]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{new_name(keys_of(str(world.state)))}")
    listener.listen()
    threading.Thread(target=serve, args=(listener, Statement(tuple(runs))), daemon=True).start()
    CLAIMANTS.append(listener)


def claim_in_silence(world: World) -> None:
    """One that never listens: the supervisor's own word is not enough then."""
    overwrite(world)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{new_name(keys_of(str(world.state)))}")
    CLAIMANTS.append(listener)


def remember_another_content(world: World) -> None:
    """What a later scan is to take the file for, while a passing log is forged beside it."""
    overwrite(world)
    world.remember(GOOD)


CLAIMANTS: list[socket.socket] = []


def serve(listener: socket.socket, statement: Statement) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            receive_request(connection, monotonic_s() + 5)
            send(connection, statement, monotonic_s() + 5)


OPERATIONS: dict[str, Callable[[World], None]] = {
    operation.__name__: operation
    for operation in (
        append,
        overwrite,
        cut,
        empty,
        swap_the_inode,
        replace,
        copy_an_older_pass,
        put_an_older_folder_in_place,
        forge_the_folder,
        take_the_folder_away,
        forge_the_older_failure,
        swap_the_older_failure,
        move_the_state_folder,
        move_the_repository,
        swap_runs,
        plant_a_newer,
        plant_an_older,
        plant_and_record,
        remove_the_record,
        point_latest_elsewhere,
        link_the_folder_elsewhere,
        link_to_an_older_pass,
        link_a_newer_and_the_older_failure,
        hold_a_lock,
        make_unreadable,
        claim,
        claim_in_silence,
        remember_another_content,
    )
}


@pytest.fixture(autouse=True)
def _no_time_to_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Supervisors that contradict each other are asked again for a second, which no test needs."""
    monkeypatch.setattr(known, "AGREEMENT_S", 0.0)
    monkeypatch.setattr(exchange, "REFUSED_S", 0.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()
    while CLAIMANTS:
        listener = CLAIMANTS.pop()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def nobody_believes(world: World, *, thoroughly: bool = True) -> None:
    """No reader answers 0 but for the one run that passed, wherever the folder went."""
    for state in world.places():
        for name, seeker in SEEKERS.items():
            assert code_of(seeker, state, "latest") != 0, f"{name} in {state}"
        others = ("latest~1", *run_ids(str(state))) if thoroughly else (world.run,)
        for reference in ("latest", *others):
            if reference == world.old_pass:
                continue
            for name, reader in READERS.items():
                code = code_of(reader, state, reference)
                assert code != 0, f"{name} {reference} in {state}"


# Like the squares of a chessboard: by day every operation meets every other phase, by night each.
DEEDS = [
    pytest.param(operation, phase, marks=[pytest.mark.nightly] if (row + column) % 2 else [])
    for row, operation in enumerate(OPERATIONS)
    for column, phase in enumerate(PHASES[:-1])
]


@pytest.mark.parametrize(("operation", "phase"), DEEDS)
def test_nobody_believes_what_a_check_has_made(world: World, operation: str, phase: str) -> None:
    """While the supervisor lives; and when it has compared and gone, what it found is not lost."""
    world.advance(phase)
    OPERATIONS[operation](world)
    nobody_believes(world)
    if phase != "sealed":  # a check cannot outlive the supervisor's last look
        world.advance("sealed")
        nobody_believes(world)


def planted_below(world: World) -> Path:
    """A folder below with a state folder of its own, in which a newer run has passed."""
    below = world.repository / "below"
    (below / ".vibeguard" / "runs" / FUTURE).mkdir(parents=True)
    (below / ".vibeguard" / "runs" / FUTURE / "events.jsonl").write_bytes(forged(FUTURE))
    (below / ".vibeguard" / "order").write_text(f"{FUTURE} -\n")
    return below


@pytest.mark.parametrize("mark", ["", ".git"])
@pytest.mark.parametrize("above", ["", "vibeguard.yaml", ".git"])
def test_a_state_folder_planted_below_one_with_a_supervisor_is_not_meant(
    world: World, monkeypatch: pytest.MonkeyPatch, mark: str, above: str
) -> None:
    """A reader in that folder was told of the pass while the run that failed went on."""
    below = planted_below(world)
    (below / "deep").mkdir()
    for name in filter(None, (f"below/{mark}" if mark else "", above)):
        (world.repository / name).touch()
    world.advance("running")
    monkeypatch.chdir(below / "deep")
    monkeypatch.delenv("VIBEGUARD_RUN", raising=False)
    assert state_dir_of_runs(GlobalOptions()) == str(world.state)
    monkeypatch.setenv("VIBEGUARD_RUN", world.run)  # a check of it, which has runs of its own there
    assert state_dir_of_runs(GlobalOptions()) == str(below / ".vibeguard")


def test_nor_is_one_whose_run_is_of_a_time_still_to_come(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is left to say which it is: it outlasted every later run of the folder above."""
    (world.repository / ".git").mkdir()
    (world.repository / "vibeguard.yaml").touch()
    below = planted_below(world)
    world.advance("after")
    monkeypatch.chdir(below)
    with pytest.raises(UsageError, match="a time that is still to come"):
        state_dir_of_runs(GlobalOptions())


@pytest.mark.parametrize("phase", PHASES[:-1])
def test_without_an_adversary_a_pass_is_believed_at_every_moment(world: World, phase: str) -> None:
    """The other side: an older pass is 0 for every reader, while a supervisor lives and after."""
    world.advance(phase)
    for reader in READERS.values():
        assert code_of(reader, world.state, world.old_pass) == 0
        assert code_of(reader, world.state, "latest~2") == 0
    world.advance("after")
    for reader in READERS.values():
        assert code_of(reader, world.state, world.old_pass) == 0
        assert code_of(reader, world.state, "latest") == 1


@pytest.fixture
def _from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisors of a world are of one process, which would be one inside the other's check."""
    monkeypatch.setattr(Witness, "_is_of_a_check", lambda *_: False)


@pytest.mark.usefixtures("_from_outside")
@pytest.mark.parametrize("phase", PHASES[:-2])
@pytest.mark.parametrize("passes", [True, False])
def test_two_supervisors_in_one_folder_vouch_for_each_other(
    world: World, phase: str, *, passes: bool
) -> None:
    """The second one starts and ends while the first one lives, which then vouches for its run."""
    world.advance(phase)
    second = world.whole_run(NOW_NS + 10**9, passes=passes)
    for reader in READERS.values():
        assert (code_of(reader, world.state, second) == 0) is passes
        assert (code_of(reader, world.state, "latest") == 0) is passes
        assert code_of(reader, world.state, world.run) != 0
    world.log(second).write_bytes(forged(second))
    for reader in READERS.values():
        assert code_of(reader, world.state, second) != 0


@pytest.mark.parametrize("passes", [True, False])
def test_a_run_beside_that_cannot_be_asked_and_ends_first_is_no_forgery(
    world: World, monkeypatch: pytest.MonkeyPatch, *, passes: bool
) -> None:
    """Without a /proc, or in another network namespace: it was moved aside, and both were lost."""
    monkeypatch.setattr(place, "LISTING", "/proc of somebody else")
    first = world.start(NOW_NS + 10**9)
    second = world.start(NOW_NS + 2 * 10**9)
    world.finish(*first, passes=passes)
    world.finish(*second, passes=True)
    for reader in READERS.values():
        assert (code_of(reader, world.state, first[1].run_id) == 0) is passes
        assert code_of(reader, world.state, second[1].run_id) == 0


def test_nor_is_it_believed_while_one_lives_that_cannot_ask_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the end of a run that was there before the first check is taken for its own."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(place, "LISTING", "/proc of somebody else")
        first = world.start(NOW_NS + 10**9)
        world.close()
        second = world.start(NOW_NS + 2 * 10**9)
        world.finish(*first, passes=True)
    for reader in READERS.values():
        assert code_of(reader, world.state, first[1].run_id) == 5
    world.finish(*second, passes=True)
    for reader in READERS.values():
        assert code_of(reader, world.state, first[1].run_id) == 0


@pytest.mark.usefixtures("_from_outside")
@pytest.mark.parametrize("phase", PHASES)
def test_a_run_is_of_what_lay_there_whatever_the_folder_remembers(world: World, phase: str) -> None:
    """A pass on the good file proves nothing of the bad one, for which the memory is to take it."""
    world.advance(phase)
    world.write(GOOD)
    world.remember(BAD)
    world.whole_run(NOW_NS + 10**9, passes=True)
    assert code_of(SEEKERS["evidence"], world.state, "latest") == 0  # of what lies there now
    world.write(BAD)
    assert code_of(SEEKERS["evidence"], world.state, "latest") != 0


@pytest.mark.usefixtures("_from_outside")
@pytest.mark.parametrize("phase", PHASES[:-2])
def test_a_supervisor_that_starts_among_forgeries_believes_none(world: World, phase: str) -> None:
    """It asks the one that lives, and not the folder; what it finds there makes it end with 4."""
    world.advance(phase)
    plant_and_record(world)
    swap_the_older_failure(world)
    swap_the_inode(world)
    second = world.whole_run(NOW_NS + 10**9, passes=True)
    for run in (second, world.run, world.old_failure, SOON, "latest"):
        for reader in READERS.values():
            assert code_of(reader, world.state, run) != 0
    assert 0 not in [code_of(seeker, world.state, "latest") for seeker in SEEKERS.values()]
    world.advance("sealed")
    assert SOON not in run_ids(str(world.state))


def test_the_forgery_is_one_that_would_be_believed(world: World) -> None:
    """Else nothing would be shown here: seal and story fit, and only the supervisor can object."""
    world.advance("after")
    overwrite(world)
    assert code_of(READERS["report"], world.state, world.run) == 0


def test_a_run_folder_that_is_a_link_is_believed_by_nobody_after_the_end_either(
    world: World, tmp_path: Path
) -> None:
    """What it leads to may be another's at any time; whoever pins the seal vouches for the bytes."""
    world.advance("after")
    elsewhere = tmp_path / "elsewhere"
    world.folder(world.old_pass).rename(elsewhere)
    world.folder(world.old_pass).symlink_to(elsewhere)
    for name, reader in READERS.items():
        assert code_of(reader, world.state, world.old_pass) == 4, name


def test_what_was_planted_is_moved_aside_and_named(world: World) -> None:
    world.advance("running")
    plant_a_newer(world)
    forge_the_older_failure(world)
    world.advance("after")
    assert run_ids(str(world.state)) == [world.old_pass, world.run]
    assert len(list((world.state / "foreign").iterdir())) == 3
    assert code_of(READERS["report"], world.state, "latest") == 4
    note = (world.folder() / "differences").read_text()
    assert FUTURE in note


@pytest.mark.parametrize(
    "operation",
    [append, overwrite, overwrite_in_place, cut, empty],
    ids=lambda operation: operation.__name__,
)
def test_a_log_of_other_bytes_than_were_written_is_noticed_at_the_next_write(
    world: World, operation: Callable[[World], None]
) -> None:
    world.advance("running")
    written = world.journal.events
    operation(world)
    world.advance("judging")
    assert world.journal.events == written + 1  # the event that found it is the last one
    before = world.log().read_bytes()
    world.advance("sealing")
    assert world.log().read_bytes() == before


def forge_and_cut(world: World) -> Callable[[], None]:
    size = world.log().stat().st_size
    append(world)
    return lambda: os.truncate(world.log(), size)


def swap_and_swap_back(world: World) -> Callable[[], None]:
    kept = set_aside(world.log())
    overwrite(world)
    return lambda: kept.replace(world.log())


def lend_a_folder(world: World) -> Callable[[], None]:
    kept = set_aside(world.folder())
    world.plant(world.run)

    def give_back() -> None:
        shutil.rmtree(world.folder())
        kept.rename(world.folder())

    return give_back


def plant_for_a_moment(world: World) -> Callable[[], None]:
    record = (world.state / "order").read_bytes()
    plant_and_record(world)

    def remove() -> None:
        shutil.rmtree(world.folder(SOON))
        (world.state / "order").write_bytes(record)

    return remove


@pytest.mark.parametrize(
    "lend",
    [forge_and_cut, swap_and_swap_back, lend_a_folder, plant_for_a_moment],
    ids=lambda lend: lend.__name__,
)
def test_what_is_taken_back_again_was_believed_by_nobody(
    world: World, lend: Callable[[World], Callable[[], None]]
) -> None:
    """Nor is it afterwards: the run has failed, or its log was found to be another."""
    world.advance("running")
    take_back = lend(world)
    nobody_believes(world, thoroughly=False)
    take_back()
    nobody_believes(world, thoroughly=False)
    world.advance("after")
    assert code_of(READERS["report"], world.state, world.run) in (1, 4)
    assert code_of(READERS["report"], world.state, world.old_pass) == 0


def test_prune_spares_a_run_that_goes_on_whatever_lies_in_its_place(world: World) -> None:
    world.advance("running")
    swap_the_inode(world)
    removed = prune(str(world.state), keep_runs=0, keep_bytes=0, keep_age_ns=DAY_NS, now_ns=0)
    assert world.run not in removed
    assert world.old_pass in removed


NIGHTLY = pytest.param(5, 2000, marks=[pytest.mark.slow, pytest.mark.nightly])


@pytest.mark.parametrize(("seed", "count"), [(1, 50), (2, 50), (3, 50), (4, 50), NIGHTLY])
def test_a_random_adversary(tmp_path: Path, seed: int, count: int) -> None:
    """Several operations, one on top of the other, between any two steps of the supervisor."""
    chance = random.Random(seed)
    moments = 0
    quick = [name for name in OPERATIONS if name != "claim_in_silence"]
    while moments < count:
        parent = tmp_path / str(moments)
        parent.mkdir()
        world = World(parent)
        try:
            for phase in PHASES[:-1]:
                world.advance(phase)
                if phase == "sealed":
                    break
                for _ in range(chance.randrange(3)):
                    try:
                        OPERATIONS[chance.choice(quick)](world)
                    except OSError:
                        continue  # an earlier operation has taken away what this one needs
                nobody_believes(world, thoroughly=False)
                moments += 1
        finally:
            world.close()
            while CLAIMANTS:
                listener = CLAIMANTS.pop()
                listener.shutdown(socket.SHUT_RDWR)
                listener.close()
