"""DESIGN section 13: checks of a run on other machines. Real broker, real workers, real command."""

import json
import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.brokers import broker
from tests.helpers.command import vibeguard
from tests.helpers.pools import (
    Pool,
    WorkerProcess,
    config_of,
    git,
    project,
    report,
    run_cli,
)
from tests.helpers.running import running
from tests.helpers.waiting import PATIENCE_S, is_gone, wait_until
from vibeguard.core.model.events import CheckStarted, CheckSubmitted
from vibeguard.core.pool.broker_names import PoolNames


def test_a_check_runs_on_a_worker_with_the_files_of_the_run(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """Dirty and new files are there, ignored ones are not, and git knows the run's HEAD."""
    folder = project(
        pool,
        source,
        tmp_path,
        "  - {id: there, run: 'cat tracked new; ls; git rev-parse HEAD; git status --short', "
        "where: {labels: [linux]}}",
    )
    (folder / "tracked").write_text("changed\n")
    (folder / "new").write_text("new\n")
    (folder / ".gitignore").write_text("secret\n")
    (folder / "secret").write_text("x")
    before = git(folder, "status", "--short")
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 0, done.stderr
    [output] = (folder / ".vibeguard").glob("runs/*/output/there.1.log")
    lines = output.read_text().splitlines()
    assert lines[:2] == ["changed", "new"]
    assert "secret" not in lines
    assert git(folder, "rev-parse", "HEAD").strip() in lines
    assert " M tracked" in lines
    assert git(folder, "status", "--short") == before


def test_a_stale_local_file_never_decides(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    folder = project(
        pool,
        source,
        tmp_path,
        "  - {id: low, run: 'echo cov=1 > cov.txt', file: cov.txt, grok: 'cov=%{NUMBER:cov}', "
        "assert: 'cov > 80', where: {}}\n"
        "  - {id: none, run: 'true', file: here.txt, grok: 'cov=%{NUMBER:cov}', "
        "assert: 'cov > 80', where: {}}",
    )
    for name in ("cov.txt", "here.txt"):
        (folder / name).write_text("cov=99\n")
    (folder / ".gitignore").write_text("*.txt\n")
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 1, done.stderr
    checks = report(folder)
    assert (checks["low"]["status"], checks["low"]["reason"]) == ("failed", "assertion")
    assert (checks["none"]["status"], checks["none"]["reason"]) == ("error", "file")


def test_artifacts_come_back_and_nothing_else(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    folder = project(
        pool,
        source,
        tmp_path,
        "  - {id: makes, run: 'mkdir out; echo 1 > out/a.xml; echo 2 > b.txt; "
        "ln -s /etc/passwd out/c.xml', artifacts: ['out/*.xml', none.txt], where: {}}",
    )
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 0
    missing = ["out/*.xml: out/c.xml is a link", "none.txt: there is no such file"]
    assert f"artifacts of makes that did not come back: {missing[0]}" in done.stderr
    assert report(folder)["makes"]["not_returned"] == missing
    [back] = (folder / ".vibeguard").glob("runs/*/artifacts/makes.1")
    assert [str(p.relative_to(back)) for p in back.rglob("*") if p.is_file()] == ["out/a.xml"]
    assert not (folder / "b.txt").exists()


CIRCLES = "mkdir d; ln -s .. d/a; ln -s .. d/b; ln -s .. d/c"
DEEP = "for i in 1 2 3 4; do mkdir -p $(printf %0400d | sed s,0,a/,g); cd $_; done"
NO_TEXT = r"""ln -s nowhere "$(printf 'out-\377.xml')" """


@pytest.mark.parametrize("makes", [CIRCLES, DEEP, NO_TEXT])
def test_whatever_a_check_leaves_in_its_folder_is_looked_through_and_removed(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path, makes: str
) -> None:
    """Links in circles were walked for ever; the others ended the worker, and all that it ran."""
    script = tmp_path / "makes"
    script.write_text(makes)
    checks = f"  - {{id: a, run: 'bash {script}', artifacts: ['**/*.xml'], where: {{}}}}"
    folder = project(pool, source, tmp_path, checks, lease="2s")
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 0, done.stderr
    attempts = pool.folder / "cache" / "vibeguard" / "workers" / pool.name / "0" / "attempts"
    wait_until(
        lambda: all(one.name.startswith("ready") for one in attempts.iterdir()), "it is not removed"
    )
    assert not worker.is_over()


def test_names_that_are_no_text_come_back_and_go_there_as_they_are(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """A folder of the project, a file that comes back, a report that nobody wrote."""
    folder = project(pool, source, tmp_path, "")
    odd = os.fsdecode(b"odd\xff")
    (folder / odd).mkdir()
    (folder / odd / f"{odd}.xml").write_text(JUNIT)
    checks = (
        "  - {id: a, run: 'cp odd* new.txt', artifacts: ['o*.xml'], where: {}}\n"
        "  - {id: stale, run: 'true', results: {junit: 'o*.xml'}, where: {}}"
    )
    (folder / odd / "vibeguard.yaml").write_text(config_of(pool.name, checks))
    done = run_cli(folder / odd, "run", **pool.variables)
    assert done.returncode == 1, done.stderr
    checks = report(folder / odd)
    assert checks["a"]["status"] == "passed"
    assert list((folder / odd / ".vibeguard").glob(f"runs/*/artifacts/a.1/{odd}.xml"))
    assert "stale" in str(checks["stale"]["message"])


JUNIT = (
    '<testsuite><testcase name="good"/><testcase name="bad">'
    '<failure message="no"/></testcase></testsuite>'
)


def test_results_come_back_and_only_those_that_the_attempt_wrote(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """A failed test beside exit code 0 fails; a report of the tree that nobody wrote is stale."""
    folder = project(
        pool,
        source,
        tmp_path,
        "  - {id: tells, run: 'cp junit.xml out.xml', results: {junit: out.xml}, where: {}}\n"
        "  - {id: stale, run: 'true', results: {junit: junit.xml}, where: {}}\n"
        "  - {id: none, run: 'true', results: {junit: 'here/*.xml'}, where: {}}",
    )
    (folder / "junit.xml").write_text(JUNIT)
    (folder / "here").mkdir()
    (folder / "here" / "local.xml").write_text(JUNIT)
    (folder / ".gitignore").write_text("here\n")
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 1, done.stderr
    checks = report(folder)
    tells = checks["tells"]
    assert (tells["status"], tells["exit_code"]) == ("failed", 0)
    results = tells["results"]
    assert isinstance(results, dict)
    assert results["tests"] == {"failed": 1, "passed": 1}
    assert "stale" in str(checks["stale"]["message"])
    assert "here/*.xml: there is no such file" in str(checks["none"]["message"])
    assert {checks[each]["worker"] for each in checks} == {"w1"}


@pytest.mark.parametrize("results", ["", ", results: {matcher: gcc}"], ids=["guessed", "asked for"])
def test_a_file_of_the_top_is_found_by_the_path_that_it_had_on_the_worker(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path, results: str
) -> None:
    """Many tools write whole paths, which are others in each attempt."""
    run = 'echo "$PWD/tracked:3:1: error: no"; exit 1'
    check = f"  - {{id: a, run: '{run}', where: {{}}{results}}}"
    folder = project(pool, source, tmp_path, check)
    done = run_cli(folder, "run", **pool.variables)
    found = report(folder)["a"]["results"]
    assert isinstance(found, dict), done.stderr
    [one] = found["results"]
    assert (one["file"], one["line"], one["message"]) == ("tracked", 3, "no")


def test_a_check_on_a_worker_is_handed_its_files(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    checks = (
        "  - {id: files, files: ['*.py'], pass_files: true, where: {}, "
        'run: \'cat "$@"; tr "\\0" " " < $VIBEGUARD_FILES\'}'
    )
    folder = project(pool, source, tmp_path, checks)
    (folder / "a b.py").write_text("one\n")
    (folder / "-c.py").write_text("two\n")
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 0, done.stderr
    [output] = (folder / ".vibeguard").glob("runs/*/output/files.1.log")
    lines = output.read_text().splitlines()
    assert sorted(lines[:2]) == ["one", "two"]
    assert set(lines[2].split(" ")) >= {"./-c.py", "a", "b.py"}


def test_nothing_of_the_callers_environment_leaves_but_what_is_named(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    folder = project(
        pool,
        source,
        tmp_path,
        "  - {id: env, run: 'env', env: {OWN: own}, pass_env: [NAMED], where: {}}",
    )
    done = run_cli(folder, "run", **pool.variables, CANARY="tweety-bird-77", NAMED="named")
    assert done.returncode == 0, done.stderr
    [output] = (folder / ".vibeguard").glob("runs/*/output/env.1.log")
    text = output.read_text()
    assert "OWN=own" in text
    assert "NAMED=named" in text
    assert "VIBEGUARD_CHECK=env" in text
    assert "tweety" not in text
    assert "VIBEGUARD_POOL_URL" not in text
    assert pool.server.url not in text


def test_local_runs_all_here(pool: Pool, source: Path, tmp_path: Path) -> None:
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'true', where: {labels: [none]}}")
    done = run_cli(folder, "run", "--local")
    assert done.returncode == 0, done.stderr
    assert (
        "check.submitted"
        not in next((folder / ".vibeguard").glob("runs/*/events.jsonl")).read_text()
    )


def test_labels_that_nobody_has_are_an_error_that_says_what_is_there(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    checks = "  - {id: a, run: 'true', where: {labels: [gpu]}}"
    folder = project(pool, source, tmp_path, checks, patience="1s")
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 1
    assert "no worker took it within 1s; wanted: gpu; present: linux" in done.stderr


def test_a_broker_that_does_not_say_who_is_there_is_not_read_as_nobody(
    source: Path, tmp_path: Path
) -> None:
    checks = "  - {id: a, run: 'true', where: {labels: [gpu]}}"
    with broker() as server:
        own = Pool(server, tmp_path)
        folder = project(own, source, tmp_path, checks, patience="3s")
        with (
            own.worker(source, "--label", "linux"),
            running(folder, "run", **own.variables) as run,
        ):
            queues = PoolNames(own.name).queues
            wait_until(lambda: b":1" in server.command("SCARD", queues), "it was not submitted")
            server.stop()
            code, _, err = run.end()
            server.go_on()
    assert code == 1
    assert "wanted: gpu; present when the run began: linux" in err


def test_a_cancel_of_a_waiting_check_frees_the_run_at_once(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    """And until then, `status` says what it waits for."""
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'true', where: {labels: [gpu]}}")
    with running(folder, "run", **pool.variables) as run:
        run.wait_for(CheckSubmitted)
        status = run_cli(folder, "status").stdout
        assert "a (for a worker with gpu; present: linux)" in status
        assert run_cli(folder, "cancel", "--check", "a").returncode == 0
        code, _, _ = run.end()
    assert code == 1
    assert report(folder)["a"]["status"] == "cancelled"


def test_what_a_check_waits_for_is_said_again_when_others_are_there(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'true', where: {labels: [gpu]}}")
    with running(folder, "run", **pool.variables) as run:
        run.wait_for(CheckSubmitted)
        with pool.worker(source, "--label", "arm", name="w2"):
            wait_until(lambda: "present: arm; linux" in run_cli(folder, "status").stdout)
        run_cli(folder, "cancel", "--check", "a")
        run.end()


def test_a_timeout_by_the_workers_clock_ends_the_tree(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    marks = tmp_path / "pid"
    folder = project(
        pool,
        source,
        tmp_path,
        f"  - {{id: slow, run: 'echo $$ > {marks}; sleep 1000', timeout: 300ms, where: {{}}}}",
    )
    done = run_cli(folder, "run", **pool.variables)
    assert done.returncode == 1, done.stderr
    assert report(folder)["slow"]["status"] == "timeout"
    assert is_gone(int(marks.read_text()))


VICTIMS = ("worker", "guardian", "both", "stopped")


def strike(victim: str, mortal: WorkerProcess) -> None:
    """End, or stop, who works for this worker, who guards it, or both."""
    if victim == "stopped":
        mortal.tell(signal.SIGSTOP, to_guardian=False)
        return
    pids = {"worker": [mortal.worker], "guardian": [mortal.guardian]}
    for one in pids.get(victim) or [mortal.guardian, mortal.worker]:
        os.kill(one, signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_or_stopped_worker_is_lost_never_failed(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    """A worker for each way in one run: what is waited for is a lease of two seconds, and three."""
    check = "  - {{id: {0}, run: 'echo $$ > {1}/{0}; sleep 1000', where: {{labels: [{0}]}}}}"
    checks = "\n".join(check.format(victim, tmp_path) for victim in VICTIMS)
    folder = project(pool, source, tmp_path, checks, more="  parallel: 4", lease="2s")
    with ExitStack() as stack:
        mortals = {
            victim: stack.enter_context(
                pool.worker(source, "--label", victim, name=f"mortal-{victim}")
            )
            for victim in VICTIMS
        }
        with running(folder, "run", **pool.variables) as run:
            marks = [tmp_path / victim for victim in VICTIMS]
            wait_until(lambda: all(m.exists() and m.read_text().endswith("\n") for m in marks))
            pids = {mark.name: int(mark.read_text()) for mark in marks}
            for victim, mortal in mortals.items():
                strike(victim, mortal)
            code, _, err = run.end()
        assert code == 1, err
        assert is_gone(pids["stopped"]), "its guardian has not ended its tree"
    outcomes = report(folder)
    for victim in VICTIMS:
        assert (outcomes[victim]["status"], outcomes[victim]["reason"]) == ("error", "lost")
    for victim in ("worker", "guardian"):
        wait_until(lambda v=victim: is_gone(pids[v]), "its tree goes on")
    with pool.worker(source, "--label", "both", name="next-both"):
        wait_until(lambda: is_gone(pids["both"]), "it was not swept")


@pytest.mark.slow
def test_retry_lost_starts_again_and_makes_no_pass_flaky(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    marks = tmp_path / "seen"
    command = f"if [ -e {marks} ]; then exit 0; fi; touch {marks}; sleep 1000"
    folder = project(
        pool,
        source,
        tmp_path,
        f"  - {{id: a, run: '{command}', retry_lost: 1, where: {{labels: [again]}}}}",
        lease="2s",
    )
    with (
        pool.worker(source, "--label", "again", name="first") as first,
        running(folder, "run", **pool.variables) as run,
    ):
        run.wait_for(CheckStarted)
        wait_until(marks.exists)
        os.kill(first.worker, signal.SIGKILL)
        with pool.worker(source, "--label", "again", name="second"):
            code, _, err = run.end()
        assert code == 0, err
    outcome = report(folder)["a"]
    assert (outcome["status"], outcome["attempts"], outcome["flaky"]) == ("passed", 2, False)


@pytest.mark.slow
def test_a_supervisor_that_is_killed_leaves_nothing_on_the_worker(
    pool: Pool, source: Path, worker: WorkerProcess, tmp_path: Path
) -> None:
    marks = tmp_path / "pid"
    folder = project(
        pool,
        source,
        tmp_path,
        f"  - {{id: a, run: 'echo $$ > {marks}; sleep 1000', where: {{}}}}",
        lease="2s",
    )
    with running(folder, "run", **pool.variables) as run:
        run.wait_for(CheckStarted)
        wait_until(lambda: marks.exists() and bool(marks.read_text()))
        os.kill(run.supervisor(), signal.SIGKILL)
        code, _, _ = run.end()
    assert code == 3
    pid = int(marks.read_text())
    wait_until(lambda: is_gone(pid), "it outlived its lease", patience_s=30)


@pytest.mark.slow
def test_a_broker_that_is_stopped_for_good_hangs_nobody(source: Path, tmp_path: Path) -> None:
    with broker() as server:
        own = Pool(server, tmp_path)
        checks = "  - {id: a, run: 'sleep 1000', where: {}}"
        folder = project(own, source, tmp_path, checks, lease="2s")
        with own.worker(source), running(folder, "run", **own.variables) as run:
            run.wait_for(CheckStarted)
            server.stop()
            code, _, err = run.end()
            server.go_on()
        assert code == 1
        assert "was not heard of" in err


@pytest.mark.slow
def test_a_broker_that_comes_back_empty_costs_nothing(source: Path, tmp_path: Path) -> None:
    with broker() as server:
        own = Pool(server, tmp_path)
        go = tmp_path / "go"
        checks = f"  - {{id: a, run: 'while [ ! -e {go} ]; do sleep 0.05; done', where: {{}}}}"
        folder = project(own, source, tmp_path, checks)
        with own.worker(source), running(folder, "run", **own.variables) as run:
            run.wait_for(CheckStarted)
            server.restart()
            go.touch()
            code, _, err = run.end()
        assert code == 0, err


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"VIBEGUARD_POOL_URL": ""}, "VIBEGUARD_POOL_URL is not set"),
        ({"VIBEGUARD_POOL_URL": "http://x"}, "VIBEGUARD_POOL_URL cannot be used"),
        ({"VIBEGUARD_POOL_URL": "unix:///nowhere/x"}, "VIBEGUARD_POOL_URL"),
        ({"VIBEGUARD_POOL_URL": "redis://10.0.0.1"}, "sends the files of the tree in the clear"),
        ({"VIBEGUARD_POOL_KEY_FILE": ""}, "VIBEGUARD_POOL_KEY_FILE is not set"),
        ({"VIBEGUARD_POOL_KEY_FILE": "/nowhere"}, "cannot be read"),
    ],
)
def test_bad_input_is_refused_before_anything_ran(
    pool: Pool, source: Path, tmp_path: Path, variables: dict[str, str], told: str
) -> None:
    folder = project(
        pool, source, tmp_path, "  - {id: here, run: 'touch ran'}\n  - {id: a, run: 'x', where: {}}"
    )
    done = run_cli(folder, "run", **{**pool.variables, **variables})
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert not (folder / "ran").exists()
    assert not list((folder / ".vibeguard").glob("runs/*"))


def test_a_key_that_others_can_read_is_refused(pool: Pool, source: Path, tmp_path: Path) -> None:
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'x', where: {}}")
    open_key = tmp_path / "key"
    open_key.write_bytes(b"k" * 44)
    open_key.chmod(0o640)
    done = run_cli(folder, "run", **{**pool.variables, "VIBEGUARD_POOL_KEY_FILE": str(open_key)})
    assert done.returncode == 2
    assert "may be read or written by others" in done.stderr


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("group: db", "a group holds on one machine"),
        ("on_change: fail", "nobody looks at what a check changes on a worker"),
        ("leaks: ignore", "a worker leaves nothing running"),
        ("git_env: keep", "git's variables of this machine"),
    ],
)
def test_what_cannot_be_had_there_is_refused_at_load(tmp_path: Path, key: str, told: str) -> None:
    (tmp_path / "vibeguard.yaml").write_text(
        config_of("p", f"  - {{id: a, run: 'true', where: {{}}, {key}}}")
    )
    done = run_cli(tmp_path, "validate")
    assert done.returncode == 2
    assert told in done.stderr


def test_where_without_a_pool_is_refused_at_load(tmp_path: Path) -> None:
    (tmp_path / "vibeguard.yaml").write_text("checks:\n  - {id: a, run: 'true', where: {}}\n")
    done = run_cli(tmp_path, "validate")
    assert done.returncode == 2
    assert "add settings.pool" in done.stderr


def test_a_run_without_where_knows_nothing_of_pools(tmp_path: Path) -> None:
    """No import of the broker's parser, no connection."""
    (tmp_path / "vibeguard.yaml").write_text(
        "checks:\n  - {id: a, run: 'grep -c hiredis /proc/$PPID/maps || true'}\n"
    )
    there = {"VIBEGUARD_POOL_URL": "unix:///nowhere"}
    done = vibeguard("run", cwd=tmp_path, env=there, fresh=True)
    assert done.returncode == 0
    [output] = (tmp_path / ".vibeguard").glob("runs/*/output/a.1.log")
    assert output.read_text().splitlines()[-1] == "0"


def test_a_worker_drains_and_exits_0(pool: Pool, source: Path) -> None:
    with pool.worker(source, "--label", "drains", name="drains") as drains:
        drains.tell(signal.SIGTERM)
        assert drains.process.wait(PATIENCE_S) == 0
    assert all(one.name != "drains" for one in pool.present())


def test_a_worker_that_comes_once_goes_with_the_run(
    pool: Pool, source: Path, tmp_path: Path
) -> None:
    folder = project(pool, source, tmp_path, "  - {id: a, run: 'true', where: {labels: [once]}}")
    with pool.worker(source, "--label", "once", "--once", name="once") as once:
        assert run_cli(folder, "run", **pool.variables).returncode == 0
        assert once.process.wait(PATIENCE_S) == 0


def test_workers_lists_who_is_there(pool: Pool, worker: WorkerProcess, tmp_path: Path) -> None:
    done = run_cli(tmp_path, "workers", "--pool", pool.name, "--json", **pool.variables)
    assert done.returncode == 0
    [shown] = [w for w in json.loads(done.stdout)["workers"] if w["name"] == "w1"]
    assert (shown["labels"], shown["slots"]) == (["linux"], 4)
