"""Examples in Markdown: what they are, and how to run them as a reader would.

A fence whose first word is followed by more says what the tests do with it:
    ```yaml file=vibeguard.yaml   a file of the project that the next commands run in
    ```sh run                     commands, one a line; `# ... exit 0|5` names the allowed codes
Any other yaml fence with checks in it must be a valid config; other fences are only read by people.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.helpers.client import write_client

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"# .*?exit (\d+(?:\|\d+)*)")


@dataclass(frozen=True)
class Block:
    """One fence: its language, the words behind it, its text and the line it begins in."""

    language: str
    words: str
    text: str
    line: int


@dataclass
class Example:
    """Commands and the files that they find. A file stays until another one takes its name."""

    page: str
    line: int
    commands: str
    files: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Every page that a user may read, decisions apart."""
    readmes = sorted(ROOT.glob("examples/*/README.md"))
    return [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *readmes]


def blocks(page: Path) -> Iterator[Block]:
    """The fences of a page."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(match[1], match[2] or "", match[3], line)


def runnable() -> Iterator[Example]:
    """Every `sh run` fence with the files that stand before it on its page."""
    for page in pages():
        files: dict[str, str] = {}
        for block in blocks(page):
            if "file=" in block.words:
                files[block.words.partition("file=")[2]] = block.text
            elif (block.language, block.words) == ("sh", "run"):
                name = str(page.relative_to(ROOT))
                yield Example(name, block.line, block.text, dict(files))


def environment(tmp_path: Path) -> dict[str, str]:
    """The caller's, with `vibeguard` and this Python's tools first on PATH."""
    tools = tmp_path / "tools"
    tools.mkdir(exist_ok=True)
    write_client(tools / "vibeguard")
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}


def project(example: Example, tmp_path: Path) -> Path:
    """A repository that holds the files of the example."""
    home = tmp_path / "project"
    home.mkdir()
    for name, text in example.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)
    return home


def script(example: Example, codes: Path) -> str:
    """The commands, each followed by a note of its exit code."""
    lines = [line for line in example.commands.splitlines() if line.strip()]
    return "\n".join(f'{line}\necho "$?" >>"{codes}"' for line in lines)


def mistakes(example: Example, tmp_path: Path) -> list[str]:
    """Run the example in one shell; what each line did that it does not say."""
    codes = tmp_path / "codes"
    done = subprocess.run(
        ["bash", "-c", script(example, codes)],
        cwd=project(example, tmp_path),
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in example.commands.splitlines() if line.strip()]
    found = codes.read_text(encoding="utf-8").split()
    wrong = []
    for line, code in zip(lines, found, strict=True):
        said = EXIT.search(line)
        if code not in (said[1].split("|") if said else ["0"]):
            wrong.append(f"{line}\n  ended with {code}\n{done.stdout}\n{done.stderr}")
    return wrong
