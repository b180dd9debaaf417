"""`report --compare` and what `validate` proposes about results (DESIGN sections 7 and 10)."""

import yaml

from tests.helpers.command import project, vibeguard


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


def test_validate_proposes_results_for_a_command_that_it_recognises(tmp_path):
    config = "checks:\n  - {id: unit, run: pytest -q}\n  - {id: lint, run: ruff check ., results: {matcher: ruff}}\n"
    done = vibeguard("validate", cwd=project(tmp_path, config))
    assert done.returncode == 0
    assert (
        "advice: unit runs pytest: --junitxml=out/unit.xml and results: {junit: out/unit.xml}"
        in done.stderr
    )
    assert "lint" not in done.stderr.replace("lint_", "")
