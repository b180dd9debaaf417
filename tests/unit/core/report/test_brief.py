"""Which line of an output says best what is wrong, where only one has room."""

import pytest

from tests.helpers.replays import replay
from tests.helpers.samples import SAMPLES
from vibeguard.core.report.brief import first_place


@pytest.mark.parametrize(
    ("lines", "best"),
    [
        # A message with its place, and not what is said of the package.
        (
            [
                "# example.com/shop",
                "./cart.go:3:2: declared and not used: total",
                "FAIL [build failed]",
            ],
            1,
        ),
        # An error with its place, and not the warning before it.
        (["a.c:1:1: warning: unused", "b.c:4:2: error: no such member", "make: *** Error 1"], 1),
        # What is wrong, and not what npm says that it runs.
        (["> shop@1.0.3 test", "> node --harmony test", "", "node: bad option: --harmony"], 3),
        # pytest's mark of the line that failed.
        (["tests in a.py", ">       assert total == 3"], 1),
        # What failed, and not how much of it.
        (["There was 1 error:", "1) testThrows", "RuntimeException: no database"], 2),
        (["all", "is", "quiet"], 2),
        (["", "..."], None),
    ],
)
def test_the_line_that_says_best_what_is_wrong(lines, best):
    assert first_place(lines) == best


def test_what_was_judged_after_a_command_is_told_by_its_reason_and_not_by_its_last_line():
    """In the table of failures: `coverage: 75%` said less than what the assertion is."""
    lines = replay("text", SAMPLES["failing"]().events).splitlines()
    rows = {line.split()[1]: line for line in lines if line.startswith("  failed ")}
    assert rows["unit"].endswith("  assertion is false: cov >= 80: cov is 71.5")
    assert rows["integration"].endswith("  connection refused")
