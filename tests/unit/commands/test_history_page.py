"""`runs --format html`: the history of the kept runs as one page without a script."""

import re

import pytest

from tests.helpers.command import project, vibeguard

CONFIG = """version: "1"
settings: {links: {editor: "zed://file{root}/{file}:{line}", forge: "https://f.example/{branch}/{file}"}}
checks:
  - {id: wobbly, run: "test -e seen || { touch seen; exit 1; }", retries: 1}
  - {id: broken, run: "test -e mended || { echo 'a.py:3:8: error: no such name'; exit 1; }", results: {matcher: gcc}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("history"), CONFIG)
    (here / "a.py").touch()
    vibeguard("run", cwd=here)
    (here / "mended").touch()
    vibeguard("run", cwd=here)
    return here


def test_verdicts_durations_and_flakiness_over_time(folder):
    page = vibeguard("runs", "--format", "html", cwd=folder).stdout
    assert "1 of 2 runs passed" in page
    assert "<script" not in page
    plots = [re.findall(r'class="bar (\w+)"', plot) for plot in re.findall(r"<svg.*?</svg>", page)]
    assert plots == [["failed", "passed"], ["flaky", "passed"], ["failed", "passed"]]
    assert "passed on a retry in 1" in page
    assert "failed 1 of 2" in page


def test_it_is_opened_or_written_where_one_says(folder, tmp_path):
    target = tmp_path / "history.html"
    done = vibeguard(
        "runs",
        "--open",
        "-o",
        str(target),
        cwd=folder,
        env={"BROWSER": "false", "PATH": "/nowhere"},
    )
    assert (done.returncode, done.stdout) == (0, f"{target}\n")
    assert "1 of 2 runs passed" in target.read_text(encoding="utf-8")
    refused = vibeguard("runs", "-o", str(target), cwd=folder)
    assert refused.returncode == 2
    assert "--format html" in refused.stderr
    both = vibeguard("runs", "--format", "text", "--open", cwd=folder)
    assert "two formats at once: html and text" in both.stderr


def test_without_a_run_it_says_so(tmp_path):
    page = vibeguard("runs", "--format", "html", cwd=project(tmp_path, CONFIG)).stdout
    assert "No runs yet" in page
    opened = vibeguard("runs", "--open", cwd=tmp_path)
    assert opened.returncode == 2
    assert "there is no run in" in opened.stderr


def test_links_lead_where_the_config_or_the_flag_says(folder):
    said = vibeguard("report", "latest~1", "--format", "html", cwd=folder)
    assert f'href="zed://file{folder}/a.py:3"' in said.stdout
    told = vibeguard("report", "latest~1", "--format", "html", "--editor", "idea", cwd=folder)
    assert f'href="idea://open?file={folder}/a.py&amp;line=3&amp;column=8"' in told.stdout
    other = vibeguard("report", "--editor", "ed", "--format", "html", cwd=folder)
    assert other.returncode == 2
    assert "no template of a link" in other.stderr


def test_the_page_says_what_has_changed_since_an_earlier_run(folder):
    page = vibeguard("report", "latest", "--compare", "--format", "html", cwd=folder).stdout
    assert "Since run" in page
    assert re.search(r'<h3 class="fixed">\d fixed</h3><ul><li>broken', page)
