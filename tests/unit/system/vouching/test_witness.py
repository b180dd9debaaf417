"""Whose word counts: a supervisor's that is no check of this run."""

import os
from pathlib import Path

import pytest

from vibeguard.system.process import proc
from vibeguard.system.vouching.witness import open_witness

STRANGER, FRONT = 4_000_001, 4_000_002


@pytest.mark.parametrize(
    ("parents", "is_ours"),
    [
        ({STRANGER: [FRONT, 1], FRONT: []}, False),  # the front of a detached run has just left it
        ({STRANGER: [FRONT, os.getpid()], FRONT: []}, True),  # what adopts the orphans of a check
        ({STRANGER: [FRONT], FRONT: []}, True),  # whatever can never be seen
        ({STRANGER: []}, True),
    ],
)
def test_an_ancestor_that_ends_during_the_look_is_asked_for_again(
    parents: dict[int, list[int]], *, is_ours: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the run of another supervisor would be taken for one inside a check, and never held."""
    real = proc.stat_of(os.getpid())
    assert real is not None

    def stat_of(pid: int) -> proc.Stat | None:
        left = parents.get(pid, [0])
        if not left:
            return None
        return real._replace(parent=left.pop(0) if len(left) > 1 else left[0])

    witness = open_witness(str(tmp_path))
    monkeypatch.setattr(proc, "stat_of", stat_of)
    assert witness._is_of_a_check(STRANGER) is is_ours
    witness.close()
