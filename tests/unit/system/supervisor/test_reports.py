"""What the reports of an attempt amount to, beside what their readers say."""

import os

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


def test_a_folder_that_cannot_be_listed_may_hold_a_report_that_failed(tmp_path, monkeypatch):
    """Whoever runs the tests may list any."""
    (tmp_path / "shut").mkdir()
    tmp_path.joinpath("a.xml").write_text('<testsuite><testcase name="t"/></testsuite>')
    scandir = os.scandir

    def refuse(path):
        if path.endswith("/shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    planned = PlannedCheck(id="c", run="", stem="c", results=(ResultsSource("junit", "**/*.xml"),))
    found = reports.read_reports(
        planned, folder=str(tmp_path), cwd=str(tmp_path), output_path="", before={}, returned=None
    )
    assert found.problems == ("shut cannot be listed: Permission denied",)
    assert found.gathered.tests == {"passed": 1}
