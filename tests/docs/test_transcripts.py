"""The `console` fences of the pages: run again, they print what stands there."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.examples import ROOT, Example, blocks, environment, pages, project

# What the transcripts call, in the shape that their output shows: fast, and the same everywhere.
TOOLS = {
    "ruff": """#!/bin/sh
case "$*" in
"check --fix .") touch fixed ;;
"check .")
    test -e fixed && exit 0
    echo 'src/app.py:3:8: F401 `os` imported but unused'
    echo 'Found 1 error.'
    exit 1
    ;;
esac
""",
    "pytest": """#!/bin/sh
sleep 1
case "$*" in *integration) sleep 3 ;; esac
""",
}

# What differs from one run to the next: durations, run ids, where the project lies.
VARYING = [
    (re.compile(r"<1ms\b|\b(\d+(\.\d+)?(ms|s|m|h))+\b"), "TIME"),
    (re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{4}"), "RUN"),
    (re.compile(r"\S*/\.vibeguard/"), ".vibeguard/"),
]


def settled(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def transcripts() -> list[tuple[str, Example]]:
    """Each `console` fence with the files that stand before it on its page."""
    found = []
    for page in pages():
        files: dict[str, str] = {}
        for block in blocks(page):
            if "file=" in block.words:
                files[block.words.partition("file=")[2]] = block.text
            elif block.language == "console":
                name = str(page.relative_to(ROOT))
                found.append((name, Example(name, block.line, block.text, dict(files))))
    return found


@pytest.mark.parametrize("example", [e for _, e in transcripts()], ids=str)
def test_a_transcript_shows_what_is_printed(example: Example, tmp_path: Path) -> None:
    """Each command prints the lines below it, up to durations, run ids and folders."""
    home, env = project(example, tmp_path), environment(tmp_path)
    for name, text in TOOLS.items():
        tool = tmp_path / "tools" / name
        tool.write_text(text, encoding="utf-8")
        tool.chmod(0o755)
    for part in re.split(r"^\$ ", example.commands, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        done = subprocess.run(
            ["sh", "-c", f"{command} 2>&1"],
            cwd=home,
            env=env | {"COLUMNS": "200", "PWD": os.fspath(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
        assert settled(done.stdout) == settled(shown), command


def test_the_readme_has_a_transcript() -> None:
    """What a reader sees first is what the program prints."""
    assert "README.md" in [page for page, _ in transcripts()]
