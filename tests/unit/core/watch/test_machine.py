"""What `watch` does next, in a world of files, saves and runs that is made of numbers alone."""

import random
from collections.abc import Iterable

import pytest

from vibeguard.core.watch.machine import (
    NOTHING_FAILED,
    OWN_WRITING,
    RESTLESS_RUNS,
    Cancel,
    Interrupted,
    Key,
    Quit,
    RunEnded,
    Say,
    Start,
    TreeSeen,
    Watch,
)


def moves(watch: Watch) -> list[object]:
    found = []
    while (move := watch.next_move()) is not None:
        found.append(move)
    return found


def watching(*, failing: Iterable[str] = ()) -> Watch:
    """A machine that has seen a tree and the end of its first run."""
    watch = Watch()
    watch.feed(TreeSeen())
    assert moves(watch) == [Start()]
    watch.feed(RunEnded(not failing, failing=frozenset(failing), passing=frozenset({"fine"})))
    assert moves(watch) == []
    return watch


def seen(watch: Watch, *paths: bytes) -> list[object]:
    watch.feed(TreeSeen(dict.fromkeys(paths, 0)))
    return moves(watch)


def ended(watch: Watch, *, passed: bool | None = True) -> list[object]:
    watch.feed(RunEnded(passed))
    return moves(watch)


def test_nothing_starts_before_the_tree_is_known():
    watch = Watch()
    assert moves(watch) == []
    watch.feed(TreeSeen())
    assert moves(watch) == [Start()]


def test_a_look_at_the_same_tree_starts_nothing():
    assert seen(watching()) == []


def test_a_change_supersedes_the_run_and_waits_for_its_end():
    watch = watching()
    assert seen(watch, b"a") == [Start(frozenset(), quiet=True)]
    assert seen(watch, b"a") == [Cancel()]
    assert seen(watch, b"b") == []  # one cancel is enough
    assert ended(watch, passed=None) == [Start(frozenset(), quiet=True)]


def test_what_fails_goes_first_until_it_has_passed():
    watch = watching(failing={"red"})
    assert seen(watch, b"a") == [Start(frozenset({"red"}))]
    watch.feed(TreeSeen({b"a": 0}))
    assert moves(watch) == [Cancel()]
    watch.feed(RunEnded(None, failing=frozenset({"blue"})))  # it was cancelled before red's turn
    assert moves(watch) == [Start(frozenset({"red", "blue"}))]
    watch.feed(RunEnded(True, passing=frozenset({"red", "blue"})))
    assert seen(watch, b"a") == [Start(frozenset(), quiet=True)]


@pytest.mark.parametrize("failing", [frozenset({"red"}), frozenset()])
def test_what_was_told_is_followed_by_the_news_that_it_is_over(failing):
    """A failure, or a config that is wrong, mended before the run with it was quite over."""
    watch = watching()
    assert seen(watch, b"a") == [Start(frozenset(), quiet=True)]
    assert seen(watch, b"a") == [Cancel()]
    watch.feed(RunEnded(None, failing=failing, problem=not failing))
    assert moves(watch) == [Start(failing, quiet=False)]


def test_keys_run_everything_or_what_failed():
    watch = watching(failing={"red"})
    watch.feed(Key.FAILED)
    assert moves(watch) == [Start(frozenset({"red"}), failed_only=True)]
    watch.feed(RunEnded(True, passing=frozenset({"red"})))
    watch.feed(Key.FAILED)
    assert moves(watch) == [Say(NOTHING_FAILED)]
    watch.feed(Key.RERUN)
    assert moves(watch) == [Start(frozenset())]
    watch.feed(Key.RERUN)
    assert moves(watch) == [Cancel()]
    assert ended(watch, passed=None) == [Start(frozenset())]


def test_what_is_saved_when_the_last_check_has_ended_is_no_suspect():
    """Who waits for a verdict saves at once when it is there, before the run is quite over."""
    watch = watching()
    seen(watch, b"a")
    for _ in range(5):
        watch.feed(TreeSeen({b"b": 300}))
        assert moves(watch) == [Cancel()]
        watch.feed(RunEnded(True, began_ns=100, over_ns=200))
        assert moves(watch) == [Start(frozenset(), quiet=True)]


def test_what_fails_is_asked_for_before_it_is_known():
    watch = watching()
    watch.feed(Key.RERUN)
    assert moves(watch) == [Start(frozenset())]
    watch.feed(Key.FAILED)
    assert moves(watch) == []
    watch.feed(RunEnded(False, failing=frozenset({"red"})))
    assert moves(watch) == [Start(frozenset({"red"}), failed_only=True)]


def test_a_change_turns_what_was_asked_for_into_everything():
    watch = watching(failing={"red"})
    watch.feed(Key.RERUN)
    assert moves(watch) == [Start(frozenset({"red"}))]
    watch.feed(Key.FAILED)
    assert moves(watch) == [Cancel()]
    assert seen(watch, b"a") == []
    assert ended(watch, passed=None) == [Start(frozenset({"red"}))]


@pytest.mark.parametrize(
    ("fact", "signal", "code"),
    [(Key.QUIT, "SIGTERM", 0), (Interrupted("SIGINT", 130), "SIGINT", 130)],
)
def test_the_end_waits_for_the_run(fact, signal, code):
    watch = watching()
    watch.feed(fact)
    assert moves(watch) == [Quit(code)]
    watch = watching()
    seen(watch, b"a")
    watch.feed(fact)
    watch.feed(fact)
    assert moves(watch) == [Cancel(signal), Cancel(signal)]  # the second ends all patience
    assert ended(watch, passed=None) == [Quit(code)]


TICK_NS = 100_000_000


class World:
    """Files with versions, a person who saves, checks that write, and a machine that watches.

    A run has a length and reads the files all the time; `writes` says what its checks write, how
    far into the run, and whether it is always the same. Looks see what is there.
    """

    def __init__(self, chance: random.Random, writes: Iterable[tuple[bytes, bool]] = ()) -> None:
        self.chance = chance
        self.writes = tuple(writes)
        self.files: dict[bytes, int] = {}
        self.written: dict[bytes, int] = {}
        self.began = 0
        self.saved_by_hand = 0
        self.looked: dict[bytes, int] = {}
        self.watch = Watch()
        self.now = 0
        self.run_ends: int | None = None
        self.cancelled = False
        self.runs = 0
        self.told: list[object] = []
        self.verdict_of: int | None = None  # saves by hand that the last verdict has seen
        self.started_with = 0
        self.look()

    def save(self, path: bytes) -> None:
        self.saved_by_hand += 1
        self.files[path] = 1_000 + self.saved_by_hand
        self.written[path] = self.now * TICK_NS

    def look(self) -> None:
        paths = self.files.keys() | self.looked.keys()
        changed = {path for path in paths if self.files.get(path) != self.looked.get(path)}
        self.looked = dict(self.files)
        known = self.chance.random() < 0.5  # a file system that says when a file was written
        self.watch.feed(TreeSeen({path: known and self.written[path] for path in changed}))
        self.carry_out()

    def carry_out(self) -> None:
        while (move := self.watch.next_move()) is not None:
            if isinstance(move, Start):
                assert self.run_ends is None
                self.runs += 1
                self.started_with = self.saved_by_hand
                self.cancelled = False
                self.began = self.now
                self.run_ends = self.now + self.chance.randint(1, 20)
            elif isinstance(move, Cancel):
                self.cancelled = True
                if self.run_ends is not None:
                    self.run_ends = min(self.run_ends, self.now + self.chance.randint(0, 3))
            else:
                self.told.append(move)

    def tick(self) -> None:
        self.now += 1
        if self.run_ends is not None:
            self._go_on()
        if self.chance.random() < 0.4:
            self.look()

    def _go_on(self) -> None:
        for name, same in self.writes:
            path = name.replace(b"*", b"%d" % self.runs)
            if self.chance.random() < 0.3 or self.now == self.run_ends:
                self.files[path] = 1 if same else self.files.get(path, 0) + 1
                self.written[path] = self.now * TICK_NS
        if self.run_ends is not None and self.now >= self.run_ends:
            if not self.cancelled:
                self.verdict_of = (
                    self.started_with if self.started_with == self.saved_by_hand else None
                )
            self.run_ends = None
            self._end()

    def _end(self) -> None:
        self.look()  # as the shell does before it tells of the end
        passed = None if self.cancelled else True
        times = {"began_ns": self.began * TICK_NS, "over_ns": self.now * TICK_NS}
        self.watch.feed(RunEnded(passed, **times))
        self.carry_out()

    def rest(self) -> None:
        """Until nothing goes on and nothing is left to be seen."""
        for _ in range(2_000):
            if self.run_ends is None and self.looked == self.files:
                break
            self.tick()
        assert self.run_ends is None, "it never comes to rest"
        self.look()
        assert self.run_ends is None


def burst(world: World, paths: list[bytes]) -> None:
    """A few saves, close together or not, at any moment of whatever goes on."""
    for _ in range(world.chance.randint(1, 6)):
        world.save(world.chance.choice(paths))
        for _ in range(world.chance.choice([0, 0, 1, 3, 30])):
            world.tick()


@pytest.mark.parametrize("seed", range(100))
def test_the_last_verdict_is_of_the_last_tree(seed):
    """A thousand bursts in all; most worlds have checks that write, some always something else."""
    chance = random.Random(seed)
    writes = chance.choice(
        [(), ((b"out", True),), ((b"out", False),), ((b"x", False), (b"y", True))]
    )
    world = World(chance, writes)
    for _ in range(10):
        burst(world, [b"a", b"b", b"c"])
        if chance.random() < 0.5:
            world.rest()
            assert world.verdict_of == world.saved_by_hand
    world.rest()
    assert world.verdict_of == world.saved_by_hand
    said = {path for move in world.told if isinstance(move, Say) for path in move.paths}
    assert said <= {path for path, same in writes if not same}, "only what checks write is theirs"


def test_a_check_that_writes_something_else_each_time_does_not_loop():
    world = World(random.Random(1), [(b"out", False)])
    world.rest()
    assert world.runs == 4  # one superseded, three whole ones
    assert world.told == [Say(OWN_WRITING, (b"out",))]
    world.save(b"a")
    world.rest()
    assert world.runs == 5  # it is known by now
    world.save(b"out")
    world.rest()
    assert world.runs > 5  # between runs it is somebody else who writes it
    assert world.verdict_of == world.saved_by_hand


def test_a_formatter_comes_to_rest_after_one_run_more():
    world = World(random.Random(2), [(b"a", True)])
    world.rest()
    assert (world.runs, world.told) == (2, [])


def test_a_file_that_people_edit_and_a_check_writes_does_not_loop_either():
    world = World(random.Random(3), [(b"a", False)])
    world.rest()
    world.save(b"a")
    world.rest()
    assert RESTLESS_RUNS < world.runs < RESTLESS_RUNS + 10


def test_a_check_that_writes_another_file_each_time_comes_to_rest():
    world = World(random.Random(4), [(b"out-*", True)])
    world.rest()
    assert world.runs == RESTLESS_RUNS + 3
    assert len(world.told) == 1
