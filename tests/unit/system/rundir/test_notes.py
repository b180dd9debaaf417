"""Notes beside a log, in a folder where a check can put anything."""

from pathlib import Path

import pytest

from vibeguard.system.rundir.notes import NOTIFIED, untold


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"target":"\xff","attempts":1,"error":""}',
        b'{"target":"","attempts":1,"error":"","more":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
    ids=["no JSON", "no text", "too deep"],
)
def test_what_is_no_note_of_who_was_told_is_said(line: bytes, tmp_path: Path) -> None:
    """Whoever reads the run is told, and reads on."""
    (tmp_path / NOTIFIED).write_bytes(line + b"\n")
    assert untold(str(tmp_path)) == ("who was told of this run cannot be read",)
