"""Which test a silent output was in the middle of."""

import pytest

from vibeguard.core.excerpt.running import running_test


@pytest.mark.parametrize(
    ("lines", "test"),
    [
        (
            ["tests/test_a.py::test_one PASSED [ 50%]", "tests/test_a.py::test_two "],
            "tests/test_a.py::test_two",
        ),
        (["tests/test_a.py::test_two[a-1] "], "tests/test_a.py::test_two[a-1]"),
        (["=== RUN   TestA", "--- PASS: TestA (0.00s)", "=== RUN   TestB"], "TestB"),
        (["=== RUN   TestA", "    --- PASS: TestA (0.00s)"], ""),
        (["test a::one ... ok", "test a::two ... "], "a::two"),
        (["test_a (mod.T.test_a) ... ok", "test_b (mod.T.test_b) ... "], "test_b (mod.T.test_b)"),
        (["RUNS  src/a.test.js"], "src/a.test.js"),
        (["      Start  3: slow_one"], "slow_one"),
        (["      Start  3: one", "1/3 Test  #3: one ....   Passed    0.00 sec"], ""),
        (["[ RUN      ] Suite.Name"], "Suite.Name"),
        (["# Subtest: adds up", "ok 1 - adds up", "# Subtest: hangs"], "hangs"),
        (["=== RUN   Test(", "waiting for db"], "Test("),
        (
            [
                '{"Action":"run","Package":"p","Test":"TestB"}',
                '{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\\n"}',
            ],
            "TestB",
        ),
        (["compiling", "waiting for db"], ""),
        ([], ""),
    ],
)
def test_the_test_that_was_announced_and_did_not_end(lines, test):
    assert running_test(lines) == test
