"""What the reports of an attempt amount to, beside what their readers say."""

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import ResultsSource
from vibeguard.system.supervisor import reports


def test_a_pattern_that_names_more_reports_than_are_read_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "MOST_FILES", 2)
    for name in "abc":
        tmp_path.joinpath(f"{name}.xml").write_text('<testsuite><testcase name="t"/></testsuite>')
    planned = PlannedCheck(id="c", run="", stem="c", results=(ResultsSource("junit", "*.xml"),))
    found = reports.read_reports(
        planned, folder=str(tmp_path), cwd=str(tmp_path), output_path="", before={}, returned=None
    )
    assert found.problems == ("*.xml names more than 2 files",)
    assert found.gathered.tests == {"passed": 2}
