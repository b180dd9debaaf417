"""Which line of an output says best what is wrong, where only one has room."""

import pytest

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
