"""`report --open`: the page is written whole, and shown or named."""

import fcntl
import os

import pytest

from tests.helpers.command import project, vibeguard

CONFIG = 'version: "1"\nchecks:\n  - {id: unit, run: "exit 3"}\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    here = project(tmp_path_factory.mktemp("page"), CONFIG)
    vibeguard("run", cwd=here)
    return here


def browser(folder, text):
    program = folder / "browser"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return {"BROWSER": f"{program} %s", "PATH": "/nowhere"}


def test_it_opens_the_page_in_the_browser_and_ends_as_the_run_did(folder):
    env = browser(folder, f'echo "$1" >{folder}/asked')
    done = vibeguard("report", "--open", cwd=folder, env=env)
    assert done.returncode == 1
    assert done.stdout == ""
    address = (folder / "asked").read_text().strip()
    assert address.startswith("file:///")
    page = (folder / address.removeprefix("file://")).read_text(encoding="utf-8")
    assert "exit code 3" in page
    assert "use strict" in page
    assert page.endswith("</body></html>\n")
    assert vibeguard("report", "--verify", cwd=folder).returncode == 1


def test_where_no_browser_opens_it_prints_the_path(folder):
    target = folder / "here.html"
    done = vibeguard(
        "report", "--open", "-o", str(target), cwd=folder, env=browser(folder, "exit 1")
    )
    assert (done.returncode, done.stdout) == (1, f"{target}\n")
    assert "no browser could be opened" in done.stderr
    assert target.is_file()


def test_it_replaces_what_stands_there_and_writes_through_no_link(folder, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    link = tmp_path / "link.html"
    link.symlink_to(kept)
    vibeguard("report", "--open", "-o", str(link), cwd=folder, env=browser(folder, "exit 0"))
    assert kept.read_text() == "mine"
    assert "<!doctype html>" in link.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [("report", "--open"), ("runs", "--format", "html")])
def test_a_pipe_that_one_names_is_written_to_and_stays_one(folder, tmp_path, command):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1 << 20)
    (tmp_path / "link").symlink_to(pipe)
    try:
        vibeguard(*command, "-o", str(tmp_path / "link"), cwd=folder, env=browser(folder, "exit 0"))
        assert os.read(reader, 1 << 20).startswith(b"<!doctype html>")
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_another_format_or_a_place_that_cannot_be_written_is_a_clear_error(folder):
    both = vibeguard("report", "--open", "--format", "junit", cwd=folder)
    assert both.returncode == 2
    assert "two formats at once: html and junit" in both.stderr
    lost = vibeguard("report", "--open", "-o", "no/such/place.html", cwd=folder)
    assert lost.returncode == 2
    assert "cannot write" in lost.stderr
