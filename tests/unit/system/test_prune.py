"""Old runs go by count, size and age; live ones never."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.helpers.journals import NOW_NS, open_journal, unsealed_events, write_run
from vibeguard.cli import main
from vibeguard.core.names import LogStatus
from vibeguard.system import prune as prune_module
from vibeguard.system.journal import live_runs, reader
from vibeguard.system.journal.reader import read_log
from vibeguard.system.prune import is_live, prune
from vibeguard.system.rundir.files import open_regular
from vibeguard.system.rundir.ids import run_ids
from vibeguard.system.rundir.latest import read_latest
from vibeguard.system.rundir.order import read_order
from vibeguard.system.rundir.told import count_file, counted, set_count
from vibeguard.system.vouching.witness import open_witness

SECOND_NS = 10**9
ALL = {"keep_runs": 1000, "keep_bytes": 1 << 40, "keep_age_ns": 10**18}


@pytest.fixture
def state(tmp_path):
    """Five finished runs, a second apart, with a kilobyte of output each."""
    for number in range(5):
        journal = open_journal(tmp_path, now_ns=NOW_NS + number * SECOND_NS)
        began, *others = unsealed_events()
        write_run(journal, [replace(began, run_id=Path(journal.run_folder).name), *others])
        (Path(journal.run_folder, "output", "a.1.log")).write_bytes(b"x" * 1000)
        journal.seal()
        journal.close()
    return str(tmp_path / ".vibeguard")


def removed(state, **limits):
    before = run_ids(state)
    gone = prune(state, **{**ALL, "now_ns": NOW_NS + 10 * SECOND_NS, **limits})
    assert sorted(set(before) - set(run_ids(state))) == sorted(gone)
    return [before.index(run_id) for run_id in gone]


def test_within_the_limits_everything_stays(state):
    assert removed(state) == []


def test_nobody_is_asked_what_goes_on_where_no_run_is_to_go(state, monkeypatch):
    asked = []
    monkeypatch.setattr(prune_module, "runs_going_on", lambda where: asked.append(where) or ())
    removed(state)
    assert asked == []
    removed(state, keep_runs=4)
    assert asked == [state]


def test_a_run_that_starts_while_others_are_pruned_does_not_miss_them_at_its_end(
    state, monkeypatch
):
    """Told were those that were there before, and the record was not written yet: it ended with 4."""
    tell, begun = prune_module.tell_all, []

    def tell_and_let_one_start(where, gone):
        tell(where, gone)
        begun.append(open_witness(where))

    monkeypatch.setattr(prune_module, "tell_all", tell_and_let_one_start)
    removed(state, keep_runs=2)
    (witness,) = begun
    assert witness.foreign() == []
    witness.close()
    assert [run.run_id for run in read_order(state)] == run_ids(state)


def test_the_newest_runs_are_kept(state):
    assert removed(state, keep_runs=2) == [2, 1, 0]


def test_runs_beyond_the_age_go(state):
    assert removed(state, keep_age_ns=7 * SECOND_NS + 1) == [2, 1, 0]


def test_the_oldest_go_when_all_together_are_too_large(state):
    size = sum(file.stat().st_size for file in Path(state).rglob("*") if file.is_file())
    assert removed(state, keep_bytes=size * 3 // 5) == [1, 0]


def test_the_newest_run_is_not_removed_for_its_size(state):
    assert removed(state, keep_bytes=10) == [3, 2, 1, 0]


def test_a_live_run_is_never_removed(state, tmp_path):
    live = write_run(open_journal(tmp_path, now_ns=NOW_NS - SECOND_NS))
    assert len(removed(state, keep_runs=0, keep_bytes=0, keep_age_ns=0)) == 5
    assert run_ids(state) == [live.run_id]
    assert live.verify() == []
    live.close()
    assert prune(state, **{**ALL, "keep_runs": 0}, now_ns=NOW_NS) == [live.run_id]


def test_a_live_run_that_ends_while_newer_ones_are_removed_finds_nothing_changed(
    state, tmp_path, monkeypatch
):
    """Removing much takes time, and may be interrupted: `latest` names a run that exists."""
    live = write_run(open_journal(tmp_path, now_ns=NOW_NS - SECOND_NS))
    rename, found = os.rename, []

    def rename_and_look(source, target):
        rename(source, target)
        found.append(live.verify())

    monkeypatch.setattr(os, "rename", rename_and_look)
    assert len(removed(state, keep_runs=0)) == 5
    assert found == [[]] * 5
    live.close()


def test_where_locks_do_not_tell_an_unsealed_run_counts_as_live(state, tmp_path, monkeypatch):
    journal = write_run(open_journal(tmp_path))
    monkeypatch.setattr(live_runs, "writer_alive", lambda _fd: None)
    assert is_live(journal.run_folder)
    journal.seal()
    assert not is_live(journal.run_folder)
    journal.close()


def test_nothing_of_a_removed_run_is_left(state):
    removed(state, keep_runs=1)
    assert len(os.listdir(state + "/runs")) == 1


def test_nothing_is_left_of_what_a_check_has_put_in_the_place_of_a_run(state, tmp_path):
    runs, elsewhere = Path(state) / "runs", tmp_path / "elsewhere"
    elsewhere.mkdir()
    linked, file = run_ids(state)[:2]
    for run_id in (linked, file):
        (runs / run_id).rename(elsewhere / run_id)
    (runs / linked).symlink_to(elsewhere / linked)
    (runs / file).touch()
    assert len(removed(state, keep_runs=1)) == 4
    assert len(os.listdir(runs)) == 1
    assert len(os.listdir(elsewhere)) == 2


def test_latest_follows(state):
    removed(state, keep_runs=1)
    assert read_latest(state) == run_ids(state)[0]


def test_a_run_that_is_being_read_can_be_read_to_its_end(state):
    folder = f"{state}/runs/{run_ids(state)[0]}"
    seen = []

    def visit(event):
        if not seen:
            removed(state, keep_runs=1)
        seen.append(event)

    assert read_log(folder, visit).status is LogStatus.COMPLETE


@pytest.mark.parametrize(
    "words", ["wait", "wait --json", "tail", "tail --check fmt", "report", "report --json"]
)
def test_one_that_is_pruned_while_a_command_reads_it_is_gone_and_not_corrupt(
    state, words, monkeypatch, capfd
):
    """Just before the log is opened for the first, second, third and fourth time."""
    command, *flags = words.split()
    ended = []
    for moment in range(4):
        oldest, *others = run_ids(state)
        opens = iter(range(9))

        def open_it(path, others=others, moment=moment, opens=opens):
            if next(opens) == moment:
                removed(state, keep_runs=len(others))
            return open_regular(path)

        monkeypatch.setattr(reader, "open_regular", open_it)
        pid = os.fork()
        if pid == 0:  # it takes over the signals of its process
            os._exit(main([command, oldest, *flags, "--state-dir", state]))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code != 2 or "removed (pruned)" in "".join(capfd.readouterr())
        ended.append(code)
    assert set(ended) == {143, 2}


def test_one_that_is_pruned_while_runs_are_listed_is_left_out(state, monkeypatch, capfd):
    oldest, *others = run_ids(state)

    def open_it(path):
        if oldest in path:
            monkeypatch.undo()
            removed(state, keep_runs=len(others))
        return open_regular(path)

    monkeypatch.setattr(reader, "open_regular", open_it)
    assert main(["runs", "--json", "--state-dir", state]) == 0
    assert "incomplete" not in capfd.readouterr().out
    assert run_ids(state) == others


def test_what_an_earlier_prune_or_a_dead_start_left_is_swept(state):
    runs = Path(state) / "runs"
    for name in (".old-20200101T000000.000000Z-0000", ".new-dead", ".new-fresh"):
        (runs / name / "output").mkdir(parents=True)
    long_ago = NOW_NS - 2 * 3600 * SECOND_NS
    os.utime(runs / ".new-dead", ns=(long_ago, long_ago))
    os.utime(runs / ".new-fresh", ns=(NOW_NS, NOW_NS))
    removed(state)
    assert [name for name in os.listdir(runs) if name.startswith(".")] == [".new-fresh"]


def test_the_size_of_a_run_is_counted_once(state, monkeypatch):
    """Ten thousand output files are not looked at after every run."""
    removed(state)
    monkeypatch.setattr(prune_module.os, "scandir", lambda _path: pytest.fail("counted again"))
    monkeypatch.setattr(prune_module, "_sweep", lambda *_args: None)
    assert removed(state, keep_bytes=1) == [3, 2, 1, 0]


def test_a_run_without_a_log_is_no_obstacle(state):
    (Path(state) / "runs" / "20200101T000000.000000Z-0000").mkdir()
    assert removed(state, keep_runs=5) == [0]


def test_how_often_an_agent_was_told_goes_with_the_runs_of_that_time(state):
    told = [count_file(state, f"session {number}") for number in range(5)]
    for number, path in enumerate(told):
        set_count(path, 1)
        moment = NOW_NS + number * SECOND_NS + SECOND_NS // 2
        os.utime(path, ns=(moment, moment))
    removed(state)
    assert all(map(os.path.exists, told))
    removed(state, keep_runs=2)
    assert [counted(path) for path in told] == [0, 0, 0, 1, 1]
