"""Rules for compilers, linkers and type checkers."""

from vibeguard.core.excerpt.picking import Rule, blocks, lines_like, together

_TSC_ERROR = r"(?:\(\d+,\d+\):|:\d+:\d+ -) error TS\d+:"

COMPILERS = (
    Rule(
        "mypy",
        "mypy",
        "each error with its notes and source, the count",
        r"^Found \d+ errors? in \d+ files?",
        blocks(
            r"^\S.*:\d+: error: ",
            r"^\S.*:\d+: error: |^\S.*:\d+: note: See https|^Found \d|^Success",
            longest=6,
            also=r"^Found \d+ errors? in ",
        ),
    ),
    Rule(
        "rustc",
        "rustc, cargo build and cargo clippy",
        "each error with its place and source, the last line",
        r"^error(?:\[E\d+\])?: .*\n(?:.*\n)?  *--> |^error: could not compile",
        blocks(
            r"^error(?:\[E\d+\])?: ",
            r"^$|^(?:warning|error)(?:\[E\d+\])?: |^help: the following other types",
            longest=14,
            also=r"^error: could not compile",
        ),
    ),
    Rule(
        "tsc",
        "the TypeScript compiler",
        "each error with its source, the count",
        _TSC_ERROR,
        blocks(
            _TSC_ERROR,
            rf"{_TSC_ERROR}|^Found \d|^\S+ .*warning",
            longest=5,
            also=r"^Found \d+ errors?",
        ),
    ),
    Rule(
        "javac",
        "javac",
        "each error with its source and symbol, the count",
        r"^\S+\.java:\d+: error: ",
        blocks(
            r"^\S+\.java:\d+: error: ",
            r"^\S+\.java:\d+: |^\d+ (?:error|warning)s?$|^Note: ",
            longest=6,
            also=r"^\d+ errors?$",
        ),
    ),
    Rule(
        "gcc",
        "gcc, clang and their linkers",
        "each error with its source, what the linker misses, the end",
        (
            r"^\S.*:\d+:\d+: (?:fatal )?error: .*\n +(?:\d+ \||\S)"
            r"|undefined reference to |^(?:\S*/)?ld: |^collect2: error"
        ),
        together(
            lines_like(
                r"^\S.*:\d+:\d+: (?:fatal )?error: "
                r"|undefined reference to |multiple definition of "
                r"|^(?:\S*/)?ld: (?!.*: in function )"
                r"|^collect2: error|^(?:clang|gcc|cc)\S*: error: ",
                also=r"^\d+ (?:error|warning)s?\b.* generated\.$|^make(?:\[\d+\])?: \*\*\* ",
            ),
            blocks(r"^\S.*:\d+:\d+: (?:fatal )?error: ", r"^\S|^$", longest=5),
        ),
    ),
    Rule(
        "maven",
        "Maven",
        "the lines marked [ERROR], without the advice at the end",
        r"^\[ERROR\] ",
        lines_like(
            r"^\[ERROR\] (?!(?:-> )?\[Help|To see the full|Re-run Maven|For more information)\S"
            r"|^\[INFO\] BUILD FAILURE"
        ),
    ),
)
