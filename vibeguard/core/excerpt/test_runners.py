"""Rules for test runners."""

from vibeguard.core.excerpt.picking import Rule, blocks, lines_like, together

TEST_RUNNERS = (
    Rule(
        "pytest",
        "pytest",
        "the lines marked `>` and `E`, where they stand, the summary of failures, the last line",
        (
            r"^=+ (?:FAILURES|ERRORS|short test summary info) =+$"
            r"|^(?:=+ )?(?:\d+ \w+, )*\d+ (?:failed|errors?)\b.* in \d"
        ),
        lines_like(
            r"^(?:E  |>  |INTERNALERROR)|^_{3,} .* _{3,}$|^\S+\.py:\d+: |^(?:FAILED|ERROR) \S"
            r"|^!+ .* !+$|^(?:=+ )?(?:\d+ \w+, )*\d+ (?:failed|errors?)\b.* in \d"
        ),
    ),
    Rule(
        "unittest",
        "Python's unittest",
        "each failure with its traceback, the summary",
        r"^(?:FAIL|ERROR): \S+ \(.*\)$",
        blocks(r"^(?:FAIL|ERROR): \S+ \(", r"^={20,}$|^Ran \d", longest=16, also=r"^FAILED \("),
    ),
    Rule(
        "jest",
        "Jest and Vitest",
        "each failed test with what was expected and where, the counts",
        r"^ *● .|^ FAIL  \S.* > ",
        blocks(
            r"^\s*● .|^ FAIL  \S.* > ",
            r"^\s*● |^ FAIL  |^(?:Test Suites|Tests|Snapshots):|^\s+Test Files |^⎯",
            longest=20,
            also=(
                r"^\s+at (?!.*\(?node:|.*node_modules).*[^\s()]:\d+:\d+\)?$"
                r"|^(?:Test Suites|Tests):|^\s+(?:Test Files|Tests)  "
            ),
        ),
    ),
    Rule(
        "node-test",
        "node --test with the spec reporter",
        "each failing test with its error, without the frames of Node itself; the counts",
        r"^✖ failing tests:$",
        blocks(
            r"^test at \S",
            r"^test at \S|^\s+at .*\(?node:|^\s+generatedMessage",
            longest=12,
            also=r"^\W (?:tests|pass|fail) \d+$",
        ),
    ),
    Rule(
        "mocha",
        "Mocha",
        "each failed test with its error, without the frames of Node itself",
        r"^  \d+ failing$",
        together(
            lines_like(r"^  \d+ failing$"),
            blocks(r"^  \d+\) \S", r"^\s+at \S+ \(node:|^  \d+\) \S", longest=24),
        ),
    ),
    Rule(
        "tap",
        "whatever writes TAP: node --test in a pipe, bats, prove",
        "each `not ok` with its diagnosis, the counts",
        r"^ *not ok \d+",
        blocks(
            r"^\s*not ok \d+(?!.*# (?:TODO|SKIP))",
            r"^\s*(?:stack: |\.\.\.$|# Subtest|ok \d|not ok \d|\d+\.\.\d)",
            longest=16,
            also=r"^# (?:tests|pass|fail) ",
        ),
    ),
    Rule(
        "go-test",
        "go test",
        "each failed test with its log, panics, build errors, the packages that failed",
        r"^ *--- FAIL: |^FAIL\t\S|^FAIL \S+ \[build failed\]",
        together(
            # The log of a test stands before `--- FAIL` when go test is verbose.
            lines_like(
                r"^\s*--- FAIL: |^\s+\S+_test\.go:\d+: |^\S+\.go:\d+(?::\d+)?: |^# \S+$|^FAIL\t\S"
            ),
            blocks(
                r"^\s*--- FAIL: |^panic: ",
                r"^\s*(?:=== |--- |FAIL$|FAIL\t|ok  \t|PASS$|exit status )|^goroutine \d+ \[",
                longest=16,
            ),
        ),
    ),
    Rule(
        "cargo-test",
        "cargo test",
        "each panic with its message, the names of the failed tests, the result",
        r"^test result: FAILED|^---- \S+ stdout ----$",
        blocks(
            r"^---- \S+ stdout ----$",
            r"^stack backtrace:|^note: |^failures:$|^---- |^test result:",
            longest=16,
            also=r"^test \S.* \.\.\. FAILED$|^test result: FAILED|^error: test failed",
        ),
    ),
)
