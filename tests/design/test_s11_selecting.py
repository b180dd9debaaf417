"""DESIGN section 11, "Selecting": what an earlier run or a change leaves of the checks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import environment, git, project, vibeguard

CHECKS = """
version: "1"
checks:
  - {id: base, run: "true"}
  - {id: unit, run: "test -e mended", requires: [base]}
  - {id: ship, run: "true", requires: [unit]}
  - {id: docs, run: "true"}
  - {id: style, run: "test -e styled", severity: warning}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path, CHECKS)


def ran(done) -> list[str]:
    """The checks of a run with --json, in order."""
    return [check["id"] for check in json.loads(done.stdout)["checks"]]


def test_failed_takes_what_did_not_pass_and_what_that_requires(folder):
    assert vibeguard("run", cwd=folder).returncode == 1
    again = vibeguard("run", "--failed", "--json", cwd=folder)
    assert (again.returncode, ran(again)) == (1, ["base", "unit", "ship", "style"])
    (folder / "mended").touch()
    assert vibeguard("run", "--failed", cwd=folder).returncode == 0


def test_a_run_that_passed_leaves_nothing_to_run(folder):
    (folder / "mended").touch()
    assert vibeguard("run", cwd=folder).returncode == 0  # with a warning
    done = vibeguard("run", "--failed", cwd=folder)
    assert done.returncode == 2
    assert "passed: nothing of it is left to run" in done.stderr


def test_a_mistake_that_is_mended_does_not_stand_between_failed_and_the_last_run(folder):
    vibeguard("run", cwd=folder)
    project(folder, CHECKS.replace("id: ship,", "id: ship, timeot: 1s,"))
    assert vibeguard("run", "--failed", cwd=folder).returncode == 2
    project(folder, CHECKS)
    again = vibeguard("run", "--failed", "--json", cwd=folder)
    assert (again.returncode, ran(again)) == (1, ["base", "unit", "ship", "style"])


@pytest.mark.parametrize("words", [("--failed=latest~1",), ("--failed", "latest~1")])
def test_failed_of_a_named_run(folder, words):
    vibeguard("run", "unit", cwd=folder)
    vibeguard("run", "docs", cwd=folder)
    done = vibeguard("run", *words, "--json", cwd=folder)
    assert ran(done) == ["base", "unit"]


def test_no_run_has_passed_for_failed_that_nobody_has_sealed(folder):
    for name in ("mended", "styled"):
        (folder / name).touch()
    assert vibeguard("run", cwd=folder).returncode == 0
    (log,) = folder.glob(".vibeguard/runs/*/events.jsonl")
    assert ": nothing of it is left to run" in vibeguard("run", "--failed", cwd=folder).stderr
    (folder / ".vibeguard" / "refused").unlink()
    log.write_bytes(log.read_bytes().rpartition(b'{"type":"log.sealed"')[0])
    done = vibeguard("run", "--failed", cwd=folder)
    assert done.returncode == 2
    assert " has no verdict: " in done.stderr


def test_ids_and_failed_narrow_each_other(folder):
    vibeguard("run", cwd=folder)
    done = vibeguard("run", "--failed", "style", "--json", cwd=folder)
    assert ran(done) == ["style"]
    done = vibeguard("run", "--failed=latest~1", "docs", cwd=folder)
    assert (done.returncode, "name others" in done.stderr) == (2, True)


def test_a_failed_check_that_is_no_more_is_named(folder):
    vibeguard("run", cwd=folder)
    project(folder, CHECKS.replace("{id: ship,", "{id: send,"))
    done = vibeguard("run", "--failed", "--json", cwd=folder)
    assert ran(done) == ["base", "unit", "style"]
    assert json.loads(done.stdout)["notes"] == ["not in the config any more: ship"]


def test_a_damaged_log_is_nothing_to_take_from(folder):
    vibeguard("run", cwd=folder)
    (log,) = folder.glob(".vibeguard/runs/*/events.jsonl")
    log.write_bytes(log.read_bytes().replace(b'"failed"', b'"passed"'))
    done = vibeguard("run", "--failed", cwd=folder)
    assert done.returncode == 4


PATTERNS = """
version: "1"
checks:
  - {id: lint, run: "true", files: ["*.py"], inputs: ["never/**"]}
  - {id: docs, run: "true", inputs: ["docs/**", "!*.tmp"]}
  - {id: ship, run: "true", requires: [lint], files: ["release/**"]}
  - {id: fmt, run: "true", files: ["../../shared/*.json"]}
  - {id: beside, run: "true", files: ["../web/*.ts"]}
"""
EVERY = ["lint", "docs", "ship", "fmt", "beside"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package in a repository, on a branch that has just begun."""
    git("init", "-q", "-b", "main", cwd=tmp_path)
    git("config", "user.email", "a@example.org", cwd=tmp_path)
    git("config", "user.name", "a", cwd=tmp_path)
    folder = project(tmp_path / "packages" / "api", PATTERNS)
    for name in ("a.py", "docs/x.md", "release/y", "../../shared/z.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    git("add", "-A", cwd=tmp_path)
    git("commit", "-qm", "m", cwd=tmp_path)
    git("switch", "-qc", "work", cwd=tmp_path)
    return folder


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("touch fresh.py", ["lint", "ship"]),
        ("rm a.py", ["lint", "ship"]),
        ("git mv a.py a.txt", ["lint", "ship"]),
        ("git mv docs/x.md x.md", ["docs"]),
        ("echo new >docs/x.md && git add docs", ["docs"]),
        ("echo new >../../shared/z.json && git commit -qam c", ["fmt"]),
        ("touch release/new", ["lint", "ship"]),
        ("mkdir ../web && touch ../web/a.ts", ["beside"]),
        ("touch docs/x.tmp never", []),
        ("touch ../a.py ../../docs", []),
        ("echo >>vibeguard.yaml", EVERY),
    ],
)
def test_changed_takes_what_a_change_concerns_and_what_requires_that(package, change, expected):
    """And what a dependent that is concerned requires, as ever."""
    subprocess.run(["sh", "-ec", change], cwd=package, check=True)
    done = vibeguard("run", "--changed=main", "--json", cwd=package)
    assert (done.returncode, ran(done)) == (0, expected)


def test_a_config_that_is_a_link_has_changed_when_the_link_or_what_it_leads_to_has(package):
    (package / "vibeguard.yaml").rename(package / "one.yaml")
    (package / "vibeguard.yaml").symlink_to("one.yaml")
    (package / "two.yaml").write_text(PATTERNS)
    git("add", "-A", cwd=package)
    git("commit", "-qm", "c", cwd=package)
    assert ran(vibeguard("run", "--changed=HEAD", "--json", cwd=package)) == []
    for change in ("ln -sf two.yaml vibeguard.yaml", "git checkout . && echo >>one.yaml"):
        subprocess.run(["sh", "-ec", change], cwd=package, check=True)
        done = vibeguard("run", "--changed=HEAD", "--json", cwd=package)
        assert ran(done) == EVERY


def test_a_file_of_matchers_is_part_of_the_config(package):
    one = '{id: lint, run: "true", files: ["*.py"], results: {matcher: ./m.json}}'
    project(package, f'version: "1"\nchecks: [{one}]\n')
    matchers = (
        '{"problemMatcher": [{"owner": "x", "pattern": [{"regexp": "^(%s)$", "message": 1}]}]}'
    )
    (package / "m.json").write_text(matchers % "a")
    git("add", "-A", cwd=package)
    git("commit", "-qm", "c", cwd=package)
    assert ran(vibeguard("run", "--changed=HEAD", "--json", cwd=package)) == []
    (package / "m.json").write_text(matchers % "b")
    assert ran(vibeguard("run", "--changed=HEAD", "--json", cwd=package)) == ["lint"]


def test_a_pattern_that_names_a_folder_is_told_of_for_it_means_none_of_its_files(package):
    project(package, 'version: "1"\nchecks: [{id: lint, run: "true", files: [docs, "*.py"]}]\n')
    git("commit", "-qam", "c", cwd=package)
    (package / "docs" / "x.md").write_text("other")
    done = vibeguard("run", "--changed=HEAD", "--json", cwd=package)
    said = "docs in files of lint means no file of that folder: docs/**"
    assert (ran(done), json.loads(done.stdout)["notes"]) == ([], [said])
    assert f"advice: {said}\n" in vibeguard("validate", cwd=package).stderr


def test_a_config_that_git_ignores_may_have_changed(package):
    git("rm", "-q", "--cached", "vibeguard.yaml", cwd=package)
    (package / ".gitignore").write_text("vibeguard.yaml\n")
    git("add", "-A", cwd=package)
    git("commit", "-qm", "c", cwd=package)
    done = vibeguard("run", "--changed=HEAD", cwd=package)
    assert "nothing is left out: git ignores the config, which may have changed" in done.stderr


IGNORES_CHILDREN = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from vibeguard.cli import command
command()
"""


@pytest.mark.parametrize("words", ["run --changed=HEAD", "run --changed=nosuch", "run --staged"])
def test_what_git_ends_with_counts_also_where_the_caller_ignores_how_children_end(package, words):
    """As `trap '' CHLD` in a shell: every exit code of git was taken for 0."""
    (package / "a.py").write_text("changed")
    git("add", "-A", cwd=package)
    done = [
        subprocess.run(
            [sys.executable, *how, *words.split(), "--json"],
            cwd=package,
            env=environment(),
            capture_output=True,
            check=False,
        )
        for how in (("-m", "vibeguard"), ("-c", IGNORES_CHILDREN))
    ]
    found = [json.loads(each.stdout) for each in done]
    assert found[0]["notes"] == found[1]["notes"]
    assert ran(done[0]) == ran(done[1]) != []


def test_a_change_is_looked_for_here_whatever_repository_the_caller_works_on(package, tmp_path):
    """As in a hook of another repository, which git tells every command of."""
    other = tmp_path / "other"
    git("init", "-q", str(other), cwd=tmp_path)
    lent = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    (package / "fresh.py").touch()
    done = vibeguard("run", "--changed=main", "--record-tree", "--json", cwd=package, env=lent)
    assert (done.returncode, ran(done)) == (0, ["lint", "ship"])
    (package / "fresh.py").write_text("1")
    found = vibeguard("evidence", cwd=package, env=lent)
    assert (found.returncode, "is of another tree" in found.stdout) == (3, True)


def test_where_nothing_is_concerned_nothing_runs_and_the_run_counts_for_no_hook(package):
    done = vibeguard("run", "--changed=main", "--record-tree", cwd=package)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "passed: no check is concerned by what changed since main; nothing ran\n"
    tree = git("rev-parse", "HEAD^{tree}", cwd=package).stdout.strip()
    assert vibeguard("hook", "verdict", tree, cwd=package).returncode == 3
    evidence = vibeguard("evidence", cwd=package)
    assert (evidence.returncode, "is of this tree, and no check of it ran" in evidence.stdout) == (
        3,
        True,
    )
    document = json.loads(vibeguard("report", "--json", cwd=package).stdout)
    assert (document["verdict"], document["reason"]) == ("passed", "nothing concerned")
    for command in ("status", "runs"):
        assert vibeguard(command, cwd=package).stdout.rstrip().endswith("nothing ran")
    again = vibeguard("run", "--failed", cwd=package)  # what failed before it is still to be mended
    assert (again.returncode, "ran nothing, for nothing was concerned" in again.stderr) == (2, True)


def test_what_git_cannot_tell_leaves_nothing_out_and_is_said(package):
    done = vibeguard("run", "--changed=nope", "--json", cwd=package)
    document = json.loads(done.stdout)
    assert [check["id"] for check in document["checks"]] == EVERY
    assert document["notes"] == ["nothing is left out: there is no commit nope here"]


def test_ids_tags_and_a_change_narrow_each_other(package):
    (package / "fresh.py").touch()
    done = vibeguard("run", "--changed=main", "docs", "--json", cwd=package)
    assert (done.returncode, ran(done)) == (0, [])
    assert vibeguard("run", "--changed", "--failed", cwd=package).returncode == 2


def test_a_change_that_concerns_excluded_checks_alone_is_no_mistake_of_the_command_line(package):
    """A hook with `--exclude-tags slow` refused such a commit."""
    config = package / "vibeguard.yaml"
    config.write_text(config.read_text().replace("id: lint,", "id: lint, tags: [slow],"))
    git("commit", "-qam", "tags", cwd=package)
    git("branch", "-f", "main", cwd=package)
    (package / "fresh.py").touch()
    done = vibeguard("run", "--changed=main", "--exclude-tags", "slow", "--json", cwd=package)
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (0, "nothing concerned")
    never = ("--tags", "slow", "--exclude-tags", "slow", "--changed=main")
    assert vibeguard("run", *never, cwd=package).returncode == 2  # whatever changes


HANDED = r"""
version: "1"
checks:
  - {id: lint, run: 'printf "<%s>" "$@"', files: ["*.py"], pass_files: true}
  - {id: list, run: 'tr "\\0" "|" <"$VIBEGUARD_FILES"', files: ["sub/**"], cwd: sub}
  - {id: ship, run: 'echo $#', requires: [lint], files: [nope], pass_files: true}
"""


def output_of(folder: Path, check: str) -> str:
    """What a check of the newest run wrote."""
    runs = sorted(folder.glob(".vibeguard/runs/*"))
    return (runs[-1] / "output" / f"{check}.1.log").read_bytes().decode("utf-8", "replace")


def test_a_check_is_handed_its_changed_files_as_words_and_as_a_list(package):
    project(package, HANDED)
    (package / "sub").mkdir()
    git("commit", "-qam", "m", cwd=package)
    git("branch", "-qf", "main", cwd=package)
    git("init", "-q", "nested", cwd=package)  # another repository, whose files no run hands over
    for name in ("-x.py", "a b\nc.py", "sub/d.py", "sub/e", "nested/n.py"):
        (package / name).touch()
    (package / "a.py").unlink()
    assert vibeguard("run", "--changed=main", cwd=package).returncode == 0
    assert output_of(package, "lint") == "<./-x.py><a b\nc.py><sub/d.py>"
    assert output_of(package, "list") == "d.py|e|"
    assert output_of(package, "ship") == "0\n"


def test_files_are_called_from_where_a_working_folder_leads_to_that_is_a_link(package):
    config = HANDED.replace("cwd: sub", "cwd: link").replace("sub/**", "*.py")
    project(package, config)
    (package / "deep" / "sub").mkdir(parents=True)
    (package / "link").symlink_to("deep/sub")
    assert vibeguard("run", "list", cwd=package).returncode == 0
    assert output_of(package, "list") == "../../a.py|"


def test_without_a_change_all_files_that_match_are_handed_over(package):
    project(package, HANDED)
    (package / ".gitignore").write_text("ignored.py")
    (package / "ignored.py").touch()
    (package / "sub").mkdir()
    (package / "sub" / "e").touch()
    assert vibeguard("run", "lint", "list", cwd=package).returncode == 0
    assert output_of(package, "lint") == "<a.py>"
    assert output_of(package, "list") == "e|"


ABOVE = r"""
version: "1"
checks:
  - {id: lint, run: 'echo "$@"', files: ["../../shared/*.json", "!b.json"], pass_files: true}
  - {id: none, run: 'echo "$@"', files: ["*.py", "!a.py"], pass_files: true}
  - {id: all, run: 'echo "$@"', pass_files: true}
"""


@pytest.mark.parametrize("flag", ["--fresh", "--changed=HEAD", "--staged"])
def test_files_above_the_folder_are_handed_over_where_patterns_lead_there(package, flag):
    """A check that got none of them passed. That one gets none is said."""
    project(package, ABOVE)
    (package / "../../shared/b.json").touch()
    (package / "../other.py").touch()
    git("add", "-A", "../..", cwd=package)
    git("commit", "-qm", "c", cwd=package)
    (package / "../../shared/z.json").write_text("new")
    git("add", "-A", "../..", cwd=package)
    done = vibeguard("run", flag, cwd=package)
    assert done.returncode == 0, done.stderr
    assert output_of(package, "lint") == "../../shared/z.json\n"
    assert ("handed no file, as none matches: none" in done.stderr) == (flag == "--fresh")
    assert output_of(package, "all") == "a.py docs/x.md release/y vibeguard.yaml\n"


def test_without_git_too_patterns_lead_above_the_folder(tmp_path):
    folder = project(tmp_path / "packages" / "api", ABOVE)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "z.json").touch()
    assert vibeguard("run", "lint", cwd=folder).returncode == 0
    assert output_of(folder, "lint") == "../../shared/z.json\n"


@pytest.mark.slow
def test_files_that_do_not_fit_into_one_command_come_in_batches_until_one_fails(tmp_path):
    """Three megabytes of names are two calls or more; each file comes once, in order."""
    folder = project(
        tmp_path,
        """
version: "1"
checks:
  - {id: count, run: 'echo $#; printf "%s\\n" "$@" >>seen', files: ["*.x"], pass_files: true}
  - {id: fails, run: 'echo $#; exit 7', files: ["*.x"], pass_files: true}
  - {id: killed, run: 'kill -9 $$', files: ["*.x"], pass_files: true}
  - {id: report, run: 'echo >r', files: ["*.x"], pass_files: true, results: {matcher: gcc, file: r}}
  - {id: tap, run: 'echo 1..1; echo ok 1', files: ["*.x"], pass_files: true, results: {tap: output}}
  - {id: known, run: 'exit 1', files: ["*.x"], pass_files: true, results: {json: go-test}, quarantine: {results: [a], until: 2099-01-01}}
  - {id: extract, run: 'echo >r', files: ["*.x"], pass_files: true, file: r}
  - {id: pattern, run: 'echo >r.txt', files: ["*.x"], pass_files: true, results: {matcher: gcc, file: "r*.txt"}}
""",
    )
    names = [f"{number:05}-{'n' * 200}.x" for number in range(15_000)]
    for name in names:
        (folder / name).touch()
    done = vibeguard("run", "--json", cwd=folder)
    counts = [int(line) for line in output_of(folder, "count").split()]
    assert len(counts) > 1
    assert sum(counts) == 15_000
    assert (folder / "seen").read_text().splitlines() == names
    assert len(output_of(folder, "fails").split()) == 1
    details = {check["id"]: check for check in json.loads(done.stdout)["checks"]}
    assert details["fails"]["exit_code"] == 7
    assert details["killed"]["reason"] == "signal"
    for check in ("report", "extract", "tap", "known", "pattern"):  # which need all calls as one
        assert details[check]["status"] == "error"
        assert "take several calls, and each would write" in details[check]["message"]


@pytest.mark.parametrize("mark", [".hg", ".jj", ".svn", "none"])
def test_without_git_all_files_below_are_handed_over(tmp_path, mark):
    """But what is no file (a pipe would never end), and what runs leave."""
    folder = project(tmp_path, HANDED)
    for name in ("sub", mark):
        (folder / name).mkdir()
    (folder / "sub" / "a.py").touch()
    os.mkfifo(folder / "b.py")
    for _ in range(2):
        done = vibeguard("run", "lint", "list", "--state-dir=sub/kept", cwd=folder)
        assert done.returncode == 0, done.stderr
    outputs = sorted(folder.glob("sub/kept/runs/*/output/*"))
    assert [each.read_text() for each in outputs] == ["<sub/a.py>", "a.py|"] * 2


def test_files_for_a_shell_of_ones_own_are_refused(tmp_path):
    config = 'checks: [{id: a, run: x, shell: "python3 -c", pass_files: true}]'
    done = vibeguard("validate", cwd=project(tmp_path, config))
    assert done.returncode == 2
    assert "pass_files needs sh or bash" in done.stderr


RED_AND_GREEN = """
version: "1"
settings: {parallel: 1}
checks:
  - {id: slow, run: "echo slow >>order; sleep 0.3"}
  - {id: base, run: "echo base >>order"}
  - {id: red, run: "echo red >>order; exit 1", requires: [base]}
  - {id: last, run: "echo last >>order", requires: [slow, red]}
"""


def test_what_is_outstanding_runs_what_failed_before_all_else(tmp_path):
    git("init", "-q", cwd=tmp_path)
    folder = project(tmp_path, RED_AND_GREEN)
    (folder / ".gitignore").write_text("/order\n")
    assert vibeguard("run", cwd=folder).returncode == 1  # it tells durations apart as well
    (folder / "order").unlink()
    assert vibeguard("run", "slow", cwd=folder).returncode == 0  # the newest: nothing failed in it
    (folder / "new").touch()
    (folder / "order").unlink()
    assert vibeguard("run", "--outstanding", cwd=folder).returncode == 1
    assert (folder / "order").read_text().split() == ["slow", "base", "red"]
    (folder / "order").unlink()
    (folder / "new").write_text("another tree")
    assert vibeguard("run", "--outstanding", cwd=folder).returncode == 1
    assert (folder / "order").read_text().split() == ["base", "red", "slow"]


def test_what_failed_goes_before_what_was_skipped_for_it(tmp_path):
    folder = project(tmp_path, RED_AND_GREEN.replace("requires: [slow, red]", "requires: [slow]"))
    assert vibeguard("run", "--fail-fast", "-p", "2", cwd=folder).returncode == 1
    (folder / "order").unlink()
    assert vibeguard("run", "--failed", cwd=folder).returncode == 1
    assert (folder / "order").read_text().split()[:2] == ["base", "red"]
