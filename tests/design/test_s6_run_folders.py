"""DESIGN section 6: run folders, with real processes."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, project, vibeguard
from tests.helpers.running import running, start
from vibeguard.core.model.events import RunStarted
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import open_state
from vibeguard.system.rundir.ids import new_run_id, run_folder, run_ids, started_ns
from vibeguard.system.rundir.latest import read_latest

CONFIG = """\
version: "1"
checks:
  - {id: who, run: 'echo "$VIBEGUARD_RUN"; echo more'}
  - {id: after, run: 'echo "$VIBEGUARD_RUN" again', requires: [who]}
"""
WAITING = """\
version: "1"
checks:
  - {id: waits, run: sleep 600, timeout: 15m, async: false}
"""
AT_ONCE = 12
HOUR_NS = 3600 * 10**9


def state_of(folder: Path) -> str:
    return str(folder / ".vibeguard")


def ids_of(folder: Path) -> list[str]:
    return run_ids(state_of(folder))


def runs(folder: Path) -> list[dict]:
    return json.loads(vibeguard("runs", "--json", cwd=folder).stdout)["runs"]


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory) -> Path:
    """A folder with a passed run, a failed one and a passed one; not to be changed."""
    folder = project(tmp_path_factory.mktemp("three"), CONFIG)
    assert vibeguard("run", cwd=folder).returncode == 0
    other = folder / "other.yaml"
    other.write_text('version: "1"\nchecks: [{id: no, run: exit 3}]\n')
    state = ("--state-dir", state_of(folder))
    assert vibeguard("run", "-c", "other.yaml", *state, cwd=folder).returncode == 1
    assert vibeguard("run", cwd=folder).returncode == 0
    return folder


def test_twelve_runs_started_at_once_do_not_touch_each_other(tmp_path):
    """Ids, logs, outputs and exit codes are each run's own, and latest is the newest of them."""
    folder = project(tmp_path, CONFIG)
    together = [start(folder, "run", "--format", "jsonl", env={}) for _ in range(AT_ONCE)]
    said = [process.communicate(timeout=300) for process in together]
    assert [process.wait() for process in together] == [0] * AT_ONCE, said

    ids = ids_of(folder)
    told = {json.loads(out.splitlines()[0])["run_id"] for out, _ in said}
    assert len(ids) == AT_ONCE
    assert told == set(ids)
    for out, _ in said:
        run_id = json.loads(out.splitlines()[0])["run_id"]
        home = Path(run_folder(state_of(folder), run_id))
        assert (home / "events.jsonl").read_text() == out
        assert (home / "output/who.1.log").read_text() == f"{run_id}\nmore\n"
        assert (home / "output/after.1.log").read_text() == f"{run_id} again\n"
        assert open_state(str(home))[1].status is LogStatus.COMPLETE
    assert read_latest(state_of(folder)) == ids[-1]
    assert [run["run_id"] for run in runs(folder)] == ids[::-1]


def test_runs_lists_newest_first_with_state_verdict_duration_and_time(three_runs):
    listed = runs(three_runs)
    assert [run["run_id"] for run in listed] == ids_of(three_runs)[::-1]
    assert [run["state"] for run in listed] == ["complete"] * 3
    assert [run["verdict"] for run in listed] == ["passed", "failed", "passed"]
    assert [run["exit_code"] for run in listed] == [0, 1, 0]
    assert [run["counts"] for run in listed] == [{"passed": 2}, {"failed": 1}, {"passed": 2}]
    for run in listed:
        assert run["duration_ms"] >= 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", run["started_at"])
        assert os.path.isfile(run["path"])


def test_runs_as_text_says_the_same(three_runs):
    lines = vibeguard("runs", cwd=three_runs).stdout.splitlines()
    for line, run in zip(lines, runs(three_runs), strict=True):
        assert line.startswith(run["run_id"])
        assert run["verdict"] in line
        assert run["started_at"] in line


def test_runs_says_live_and_incomplete(tmp_path):
    folder = project(tmp_path, WAITING)
    with running(folder, "run") as under_way:
        under_way.wait_until_running()
        (live,) = runs(folder)
        assert (live["state"], live["verdict"], live["exit_code"]) == ("live", None, None)
        assert vibeguard("prune", "--keep-runs", "0", cwd=folder).returncode == 0
        assert ids_of(folder) == [live["run_id"]]
        under_way.process.terminate()
        assert under_way.end()[0] == 143
    log = Path(live["path"])
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-2]))
    (broken,) = runs(folder)
    assert (broken["state"], broken["verdict"], broken["exit_code"]) == ("incomplete", None, 3)


def test_a_run_is_named_by_latest_by_counting_back_and_by_any_unique_prefix(three_runs):
    oldest, middle, newest = ids_of(three_runs)

    def shown(reference: str) -> tuple[int, str]:
        said = vibeguard("report", reference, "--format", "jsonl", cwd=three_runs)
        return said.returncode, json.loads(said.stdout.splitlines()[0])["run_id"]

    assert shown("latest") == (0, newest)
    assert shown("latest~1") == (1, middle)
    assert shown("latest~2") == (0, oldest)
    assert shown(middle) == (1, middle)
    assert shown(middle[:-1]) == (1, middle)
    for unknown in ("latest~3", oldest[:4], "nonsense"):
        assert vibeguard("report", unknown, cwd=three_runs).returncode == 2


def copies(folder: Path, count: int) -> Path:
    """A folder with a run and copies of it that look older, by two hours each."""
    project(folder, CONFIG)
    assert vibeguard("run", cwd=folder).returncode == 0
    (real,) = ids_of(folder)
    home = Path(run_folder(state_of(folder), real))
    for number in range(1, count):
        older = new_run_id(started_ns(real) - number * 2 * HOUR_NS)
        copy = home.parent / older
        subprocess.run(["cp", "-r", home, copy], check=True)
    return folder


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (("--keep-runs", "2"), 2),
        (("--keep-runs", "0"), 0),
        (("--keep-age", "1h"), 1),
        (("--keep-size", "1B"), 1),
        (("--keep-runs", "9", "--keep-age", "900000h", "--keep-size", "1GiB"), 4),
    ],
)
def test_prune_keeps_by_count_age_and_size_and_says_before_what_would_go(tmp_path, limit, kept):
    folder = copies(tmp_path, 4)
    before = ids_of(folder)
    trial = vibeguard("prune", *limit, "--dry-run", "--json", cwd=folder)
    assert ids_of(folder) == before
    done = vibeguard("prune", *limit, cwd=folder)
    assert (trial.returncode, done.returncode) == (0, 0)
    assert ids_of(folder) == before[4 - kept :]
    gone = before[: 4 - kept][::-1]
    assert json.loads(trial.stdout) == {"removed": gone, "dry_run": True}
    assert done.stdout.split() == gone
    assert read_latest(state_of(folder)) in ids_of(folder) or kept == 0


def test_old_runs_go_by_themselves_after_a_run(tmp_path):
    folder = copies(tmp_path, 4)
    (folder / "vibeguard.yaml").write_text(f"settings: {{keep_runs: 2}}\n{CONFIG}")
    newest = ids_of(folder)[-1]
    assert vibeguard("run", cwd=folder).returncode == 0
    left = ids_of(folder)
    assert len(left) == 2
    assert left[0] == newest
    assert sorted(os.listdir(f"{state_of(folder)}/runs")) == left


def test_a_run_that_goes_on_is_not_pruned_by_another_that_ends(tmp_path):
    folder = project(
        tmp_path, f"settings: {{keep_runs: 1}}\n{WAITING}  - {{id: quick, run: 'true'}}\n"
    )
    with running(folder, "run", "waits") as under_way:
        under_way.wait_until_running()
        started = under_way.wait_for(RunStarted)
        assert vibeguard("run", "quick", cwd=folder).returncode == 0
        assert started.run_id in ids_of(folder)
        under_way.process.terminate()
        assert under_way.end()[0] == 143


@pytest.mark.parametrize("mask", ["000", "077", "777"])
def test_folders_are_0700_and_files_0600_under_any_umask(tmp_path, mask):
    folder = project(tmp_path, CONFIG.replace("id: who", "id: who, group: g"))
    call = f'umask {mask}; exec "{sys.executable}" -m vibeguard run --max-wait 1m'
    ran = subprocess.run(
        ["sh", "-c", call], cwd=folder, env=environment(), capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found = {}
    for path in [folder / ".vibeguard", *(folder / ".vibeguard").rglob("*")]:
        status = path.lstat()
        if not stat.S_ISLNK(status.st_mode):
            found[str(path)] = (stat.S_ISDIR(status.st_mode), stat.S_IMODE(status.st_mode))
    assert len(found) > 8
    assert {mode for is_folder, mode in found.values() if is_folder} == {0o700}, found
    assert {mode for is_folder, mode in found.values() if not is_folder} == {0o600}, found


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_inside_a_check_of_the_same_folder_leaves_the_one_around_it_whole(tmp_path, code):
    """It records its own seal, and removes no run: the one around it ended with 4."""
    inner = f"{sys.executable} -m vibeguard run inner"
    checks = f"{{id: outer, run: {inner}}}, {{id: inner, run: exit {code}}}"
    project(tmp_path, f"settings: {{keep_runs: 1}}\nchecks: [{checks}]\n")
    for _ in range(2):
        done = vibeguard("run", "outer", cwd=tmp_path)
        assert done.returncode == code, done.stderr
        assert vibeguard("report", cwd=tmp_path).returncode == code
        assert len(ids_of(tmp_path)) == 2  # of this round: the one around removes what is older


def test_nothing_is_pruned_inside_a_check_of_a_run_of_the_folder(tmp_path):
    """The run around it took that for tampering, and was told nothing before it was done."""
    prune = f"{sys.executable} -m vibeguard prune --keep-runs 0"
    project(tmp_path, f"checks: [{{id: a, run: '{prune} --dry-run && {prune}; test $? -eq 2'}}]\n")
    for _ in range(2):
        done = vibeguard("run", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert len(ids_of(tmp_path)) == 2
    assert vibeguard("prune", "--keep-runs", "0", cwd=tmp_path).returncode == 0
    assert ids_of(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        "wait",
        "wait --json",
        "wait --check a",
        "wait --check b",
        "wait --until foreground",
        "tail",
        "tail --check b",
    ],
)
def test_a_check_that_would_wait_for_its_own_run_is_told_so(tmp_path, command):
    """`latest` is never a run that was begun inside a check: it waited until its own timeout."""
    said = f"{sys.executable} -m vibeguard {command} >said 2>&1; test $? -eq 2"
    bounded = f"{sys.executable} -m vibeguard wait --max-wait 1ms; test $? -eq 5"
    checks = f"{{id: a, run: '{said} && {{ {bounded}; }}'}}, {{id: b, run: 'true'}}"
    done = vibeguard("run", cwd=project(tmp_path, f"checks: [{checks}]\n"))
    assert done.returncode == 0, done.stderr
    assert "both might wait for ever" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("how", ["", "--detach"])
def test_so_is_one_of_a_run_inside_a_check_of_it(tmp_path, how):
    """Its own mark names the inner run alone: it waited until the outer check's timeout."""
    inner = f"run {how} inner" + (" && vibeguard wait --max-wait 1m RUN" if how else "")
    begun = inner.replace("RUN", "$(ls -d .vibeguard/runs/*/ | tail -n1 | xargs basename)")
    outer = f"OUTER=$VIBEGUARD_RUN; export OUTER; vibeguard {begun}; true"
    waits = "vibeguard wait $OUTER >said 2>&1; echo $? >code"
    checks = f"{{id: outer, run: '{outer}'}}, {{id: inner, run: '{waits}'}}"
    done = vibeguard("run", "outer", cwd=project(tmp_path, f"checks: [{checks}]\n"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "code").read_text() == "2\n"
    assert "both might wait for ever" in (tmp_path / "said").read_text()


def test_a_check_of_a_run_inside_another_is_told_that_its_group_is_held_by_that_one(tmp_path):
    """It waited for the group until the outer check's timeout."""
    checks = (
        '{id: outer, run: "vibeguard run inner >said 2>&1; test $? -eq 1", group: db}, '
        "{id: inner, run: 'true', group: db}"
    )
    folder = project(tmp_path, f"checks: [{checks}]\n")
    assert vibeguard("run", "outer", cwd=folder).returncode == 0
    said = (folder / "said").read_text()
    assert "the group db is held by check outer, which waits for this run" in said
    assert vibeguard("run", "inner", cwd=folder).returncode == 0


def test_of_a_named_config_s_runs_and_the_project_s_the_newest_start_is_meant(tmp_path):
    """A nearer `.vibeguard` with an older pass stood for the project's failure, or its refusal."""
    config = "checks: [{{id: a, run: '{}'}}]\n"
    folder = project(tmp_path / "project", config.format("exit 1"))
    git("init", "-q", cwd=folder)
    below = project(folder / "below", config.format("true"))
    (below / "vibeguard.yaml").rename(below / "named.yaml")
    named = ("-c", "named.yaml")
    for words, code in ((named, 0), ((), 1), (named, 0), (("nope",), 2)):
        assert vibeguard("run", *words, cwd=below).returncode == code
        assert vibeguard("report", cwd=below).returncode == code
        if code == 1:
            assert vibeguard("report", *named, cwd=below).returncode == 0


def test_a_run_inside_a_check_is_no_harm_to_the_run_that_it_is_in(tmp_path):
    """Both are sealed and believed: to the outer run the record of the inner one looked forged."""
    config = 'checks: [{id: outer, run: "vibeguard run inner"}, {id: inner, run: "true"}]'
    folder = project(tmp_path, config)
    assert vibeguard("run", "outer", cwd=folder).returncode == 0
    outer, inner = ids_of(folder)
    assert vibeguard("report", inner, cwd=folder).returncode == 0
    assert vibeguard("report", cwd=folder).returncode == 0
    assert read_latest(state_of(folder)) == outer
