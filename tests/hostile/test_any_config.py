"""Whatever the file holds, the command ends soon: a run, or exit 2 that says what is wrong."""

import json
import random
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from tests.helpers.command import vibeguard

PATIENCE_S = 60  # only a hang takes as long
CASES = 5  # of each kind
WORDS = (
    "checks:", "- id: a", "run: 'true'", "{", "}", "[", "]", "*a", "&a ", "<<: ", "!!set ", "|", ">", '"', "'",
    "\t", "\0", "\ufeff", "? ", ": ", "---\n", "%TAG ! x\n", "timeout: ", "requires: [a]", "grok: '%{INT:n}'", "assert: n > 1",
    "{{.a}}", "on: ", "while_pending: skip", "\r\n", "\n", "\u2028", "9" * 30,
)  # fmt: skip


def hostile_configs() -> Iterator[tuple[str, bytes]]:
    """Random bytes, random YAML and mutations of a real config, the same ones every time."""
    chance = random.Random(7)
    template = files("vibeguard.commands.templates").joinpath("generic.yaml").read_bytes()
    real = re.sub(rb"run: .+", b"run: 'true'", template)  # nobody knows what a mutation would do
    for number in range(CASES):
        yield f"bytes-{number}", chance.randbytes(200)
        words = (chance.choice(WORDS) + chance.choice(("", " ", "\n", ", ")) for _ in range(40))
        yield f"words-{number}", "".join(words).encode()
        mutated = bytearray(real)
        for _ in range(3):
            at = chance.randrange(len(mutated))
            mutated[at : at + chance.randrange(12)] = chance.choice(WORDS).encode()
        yield f"mutation-{number}", bytes(mutated)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in hostile_configs()])
def test_any_file_gives_a_run_or_a_refusal(tmp_path, data):
    """Never a traceback, never a hang, and with --json always a document."""
    (tmp_path / "vibeguard.yaml").write_bytes(data)
    ended = vibeguard("run", "--json", cwd=tmp_path, timeout_s=PATIENCE_S)
    assert ended.returncode in {0, 1, 2}
    document = json.loads(ended.stdout)
    assert document["exit_code"] == ended.returncode
    assert bool(document["errors"]) == (ended.returncode == 2)
    assert not ended.stderr


@pytest.mark.parametrize(
    "argv", [["run", "\udcff"], ["run", "--tags", "\udcff"], ["run", "-c", "\udcfe.yaml"]]
)
def test_words_that_are_no_text_are_refused_like_others(tmp_path, argv):
    """A file name may be any bytes, so a command line may hold any."""
    (tmp_path / "vibeguard.yaml").write_text("checks: [{id: a, run: 'true', tags: [t]}]")
    (tmp_path / "\udcfe.yaml").write_text("checks: [{id: a, run: 'true', tmeout: 3s}]")
    ended = vibeguard(*argv, cwd=tmp_path)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_a_folder_whose_name_is_no_text(tmp_path):
    """Its documents are UTF-8 all the same."""
    folder = tmp_path / "\udcff"
    folder.mkdir()
    (folder / "vibeguard.yaml").write_text("checks: [{id: a, run: exit 1}]")
    ended = vibeguard("run", "--json", cwd=folder)
    assert ended.returncode == 1
    assert "\ufffd" in json.loads(ended.stdout)["violations"][0]["log_file"]


def test_what_goes_wrong_is_said_where_the_name_of_the_folder_is_no_text(tmp_path):
    """What the supervisor reports names the folder; it is no defect of ours for that."""
    folder = tmp_path / "\udcff"
    folder.mkdir()
    (folder / "vibeguard.yaml").write_text("checks: [{id: a, run: rm -rf .vibeguard; sleep 9}]")
    ended = vibeguard("run", cwd=folder)
    assert ended.returncode == 4, ended.stderr
    assert "defect" not in ended.stderr
