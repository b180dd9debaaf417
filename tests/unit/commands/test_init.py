"""`init` where a list of the templates is asked for: nothing is written, whatever else is said."""

import json

import pytest

from vibeguard.cli import main
from vibeguard.commands.templates import TEMPLATES


@pytest.mark.parametrize(
    "words",
    [
        "-t list",
        "--template=list -o -",
        "-t list --force",
        "-t list --agent",
        "--list-templates -t bash",
        "-t list --json",
    ],
)
def test_the_list_of_templates_is_printed_and_nothing_written(words, tmp_path, monkeypatch, capsys):
    """Beside a config that is there, too, which `init` alone would refuse to overwrite."""
    (tmp_path / "vibeguard.yaml").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert main(["init", *words.split()]) == 0
    out, err = capsys.readouterr()
    if "--json" in words:
        listed = [template["name"] for template in json.loads(out)["templates"]]
    else:
        listed = [line.split()[0] for line in out.splitlines()]
    assert (listed, err) == (list(TEMPLATES), "")
    assert [path.name for path in tmp_path.iterdir()] == ["vibeguard.yaml"]
    assert (tmp_path / "vibeguard.yaml").read_text() == "mine"
