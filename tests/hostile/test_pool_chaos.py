"""A thousand attempts on workers, and whatever is killed: no wrong outcome, no attempt twice.

By day and in slices: `python -m tests.hostile.pool_chaos` (docs/workers.md).
"""

from pathlib import Path

import pytest

from tests.hostile.pool_chaos import main


@pytest.mark.nightly
def test_a_thousand_attempts_under_random_kills(tmp_path: Path) -> None:
    assert main(["--seconds", "3000", "--into", str(tmp_path / "chaos.jsonl")]) == 0
