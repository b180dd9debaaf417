"""`report --compare` and what `validate` proposes about results (DESIGN sections 7 and 10)."""

import json

import jsonschema
import yaml

from tests.helpers.command import ROOT, git, project, vibeguard

AUTHOR = ("-c", "user.name=n", "-c", "user.email=e@x")


def reported(*failed: str, passed: tuple[str, ...] = ()) -> str:
    cases = [f'<testcase name="{n}"><failure message="{n} is wrong"/></testcase>' for n in failed]
    cases += [f'<testcase name="{n}"/>' for n in passed]
    return f"<testsuite>{''.join(cases)}</testsuite>"


def test_compare_says_what_is_new_still_failing_and_fixed(tmp_path):
    script = "cp report.xml out.xml; ! grep -q failure out.xml"
    config = yaml.safe_dump(
        {"checks": [{"id": "unit", "run": script, "results": {"junit": "out.xml"}}]}
    )
    folder = project(tmp_path, config)
    (folder / "report.xml").write_text(reported("old", "mended"))
    assert vibeguard("run", cwd=folder).returncode == 1
    assert "nothing to compare with" in vibeguard("report", "--compare", cwd=folder).stderr
    (folder / "report.xml").write_text(reported("old", "fresh", passed=("mended",)))
    assert vibeguard("run", cwd=folder).returncode == 1
    done = vibeguard("report", "--compare", cwd=folder)
    assert done.returncode == 1
    assert ": 1 new, 1 still failing, 1 fixed, 0 slower" in done.stderr
    assert "  new: unit: fresh is wrong [fresh]" in done.stderr
    assert "  fixed: unit: mended is wrong [mended]" in done.stderr
    other = vibeguard("report", "--compare=latest~1", "--format", "agent", cwd=folder)
    assert "still failing: unit: old is wrong [old]" in other.stdout


def test_a_test_that_passed_is_fixed_although_its_check_fails_otherwise(tmp_path):
    script = "cp report.xml out.xml; exit 1"
    checks = [{"id": "unit", "run": script, "results": {"junit": "out.xml"}}]
    folder = project(tmp_path, yaml.safe_dump({"checks": checks}))
    for report in (reported("mended", "gone"), reported(passed=("mended",))):
        (folder / "report.xml").write_text(report)
        assert vibeguard("run", cwd=folder).returncode == 1
    done = vibeguard("report", "--compare", cwd=folder)
    assert ": 1 new, 0 still failing, 1 fixed, 0 slower" in done.stderr
    assert "  fixed: unit: mended is wrong [mended]" in done.stderr


def test_the_document_has_the_comparison_only_where_it_was_asked_for(tmp_path):
    script = "cp report.xml out.xml; ! grep -q failure out.xml"
    checks = [{"id": "unit", "run": script, "results": {"junit": "out.xml"}}]
    folder = project(tmp_path, yaml.safe_dump({"checks": checks}))
    for report in (reported("old", "mended"), reported("old", "fresh", passed=("mended",))):
        (folder / "report.xml").write_text(report)
        assert vibeguard("run", cwd=folder).returncode == 1
    assert json.loads(vibeguard("report", "--json", cwd=folder).stdout)["comparison"] is None
    done = vibeguard("report", "--json", "--compare", cwd=folder)
    found = json.loads(done.stdout)["comparison"]
    kinds = ("new", "still_failing", "fixed", "slower")
    names = [[change["result"]["name"] for change in found[kind]] for kind in kinds]
    assert names == [["fresh"], ["old"], ["mended"], []]
    assert found["new"][0]["check"] == "unit"
    schema = json.loads((ROOT / "schemas" / "report.schema.json").read_text())
    jsonschema.validate(json.loads(done.stdout), schema)


def test_compare_takes_the_newest_run_of_the_commit_that_the_work_began_from(tmp_path):
    config = 'checks: [{id: unit, run: "cat a.txt; test ! -s a.txt"}]\n'
    folder = project(tmp_path, config)
    (folder / "a.txt").write_text("")
    (folder / ".gitignore").write_text(".vibeguard\n")
    for words in (["init", "-qb", "main"], ["add", "-A"], [*AUTHOR, "commit", "-qm", "base"]):
        git(*words, cwd=folder)
    git("update-ref", "refs/remotes/origin/HEAD", "main", cwd=folder)
    assert vibeguard("run", cwd=folder).returncode == 0  # the base
    (folder / "a.txt").write_text("src/a.py:3: error: boom\n")
    assert vibeguard("run", cwd=folder).returncode == 1
    git(*AUTHOR, "commit", "-qam", "work", cwd=folder)
    assert vibeguard("run", cwd=folder).returncode == 1
    assert ": 1 new, 0 still failing" in vibeguard("report", "--compare", cwd=folder).stderr
    other = vibeguard("report", "--compare=latest~1", cwd=folder)
    assert ": 0 new, 1 still failing" in other.stderr


def test_a_check_that_passes_and_fails_on_one_tree_is_unstable_and_counted(tmp_path):
    coin = tmp_path / "coin"
    config = yaml.safe_dump(
        {
            "checks": [
                {"id": "wobbly", "run": f"test ! -e {coin}"},
                {"id": "steady", "run": "exit 1"},
            ]
        }
    )
    folder = project(tmp_path / "p", config)
    (folder / ".gitignore").write_text(".vibeguard\n")
    for words in (["init", "-qb", "main"], ["add", "-A"], [*AUTHOR, "commit", "-qm", "base"]):
        git(*words, cwd=folder)
    for _ in range(2):
        assert vibeguard("run", cwd=folder).returncode == 1
    assert "No check has passed and failed" in vibeguard("runs", "--unstable", cwd=folder).stderr
    coin.touch()
    assert vibeguard("run", cwd=folder).returncode == 1
    (found,) = json.loads(vibeguard("runs", "--unstable", "--json", cwd=folder).stdout)["unstable"]
    assert (found["check"], found["passed"], found["failed"]) == ("wobbly", 2, 1)
    done = vibeguard("runs", "--unstable", cwd=folder)
    assert done.stdout.startswith("wobbly  2 passed, 1 failed  tree ")
    (folder / "other.txt").write_text("another tree\n")
    coin.unlink()
    assert vibeguard("run", cwd=folder).returncode == 1
    again = json.loads(vibeguard("runs", "--unstable", "--json", cwd=folder).stdout)["unstable"]
    assert [one["passed"] for one in again] == [2]


def test_validate_proposes_results_for_a_command_that_it_recognises(tmp_path):
    config = "checks:\n  - {id: unit, run: pytest -q}\n  - {id: lint, run: ruff check ., results: {matcher: ruff}}\n"
    done = vibeguard("validate", cwd=project(tmp_path, config))
    assert done.returncode == 0
    assert (
        "advice: unit runs pytest: --junitxml=out/unit.xml and results: {junit: out/unit.xml}"
        in done.stderr
    )
    assert "lint" not in done.stderr.replace("lint_", "")
