"""What a timeout ended is called a hang only if it was silent."""

import pytest

from tests.helpers.histories import SECOND, History, check
from vibeguard.core.model.events import CheckHang
from vibeguard.core.report.failure import process_lines


@pytest.mark.parametrize(
    ("silent_ns", "line"),
    [
        (8_000_000, "slow: last output 8ms before its timeout"),
        (2 * SECOND, "slow: last output 2s before its timeout"),
        (5 * SECOND, "hung: nothing written for 5s"),
        (10 * SECOND, "hung: nothing written for 10s"),
    ],
)
def test_a_check_that_was_writing_is_slow_and_did_not_hang(silent_ns: int, line: str) -> None:
    run = History(check("c"))
    run.ready("c")
    run.start("c")
    run.after(10 * SECOND).add(CheckHang, check="c", attempt=1, silent_ns=silent_ns)
    assert list(process_lines(run.state.checks["c"])) == [line]
