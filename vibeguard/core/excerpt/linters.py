"""Rules for linters and formatters."""

from vibeguard.core.excerpt.picking import Rule, blocks, lines_like

_ESLINT_PROBLEM = r"^ +\d+:\d+ +error "

LINTERS = (
    Rule(
        "ruff",
        "ruff check",
        "each finding with its source, the count",
        r"^Found \d+ errors?[. ]",
        lines_like(
            r"^\S.*:\d+:\d+: (?:[A-Z]+\d+|\S+:) ",
            also=r"^Found \d+ errors?[. ]|^\[\*\] \d+ fixable",
        ),
    ),
    Rule(
        "ruff-source",
        "ruff check, with the source shown",
        "each finding with its source, the count",
        r"^(?:[A-Z]+\d+|[a-z-]+:) .*\n *--> \S+:\d+:\d+$",
        blocks(
            r"^(?:[A-Z]+\d+|[a-z-]+:) \S.*",
            r"^help: |^$|^(?:[A-Z]+\d+|[a-z-]+:) ",
            longest=8,
            also=r"^Found \d+ errors?[. ]|^\[\*\] \d+ fixable|^\d+ files? would be",
        ),
    ),
    Rule(
        "formatters",
        "ruff format, black, gofmt, rustfmt and their like",
        "the files that would be changed, the count",
        r"^(?:[Ww]ould reformat:? \S|Diff in \S+:\d+|\d+ files? would be reformatted)",
        lines_like(
            r"^(?:[Ww]ould reformat:? \S|Diff in \S+:\d+|\d+ files? would be reformatted|Oh no!)"
        ),
    ),
    Rule(
        "eslint",
        "ESLint",
        "each file that has errors, with its errors; the count",
        rf"{_ESLINT_PROBLEM}|^✖ \d+ problems? ",
        lines_like(_ESLINT_PROBLEM, also=r"^(?:/|[A-Za-z]:\\)\S.*$(?<!:)|^✖ \d+ problems? "),
    ),
    Rule(
        "prettier",
        "Prettier",
        "the files that are not formatted",
        r"^\[warn\] .*Prettier|^\[error\] \S",
        lines_like(r"^\[(?:warn|error)\] "),
    ),
    Rule(
        "shellcheck",
        "ShellCheck",
        "each finding with its line",
        r"^In \S.* line \d+:$",
        blocks(r"^In \S.* line \d+:$", r"^$|^Did you mean|^For more information|^In ", longest=6),
    ),
    Rule(
        "shellcheck-gcc",
        "linters that write `file:line:col: level: message`",
        "each finding, errors and warnings",
        r"^\S[^:\n]*:\d+(?::\d+)?: (?:fatal )?(?:error|warning): ",
        lines_like(r"^\S[^:]*:\d+(?::\d+)?: (?:fatal )?(?:error|warning): "),
    ),
    Rule(
        "pyright",
        "pyright and basedpyright",
        "each error, the counts",
        r"^\s*\S[^:\n]*:\d+:\d+ - (?:error|warning): ",
        lines_like(r"^\s*\S[^:]*:\d+:\d+ - error: |^\d+ errors?, \d+ warning"),
    ),
    Rule(
        "pylint",
        "pylint",
        "each finding, errors too",
        r"^\S[^:\n]*:\d+:\d+: [CRWEF]\d{4}: ",
        lines_like(r"^\S[^:]*:\d+:\d+: [CRWEF]\d{4}: "),
    ),
    Rule(
        "yamllint",
        "yamllint in its format parsable",
        "each finding",
        r"^\S[^:\n]*:\d+:\d+: \[(?:error|warning)\] ",
        lines_like(r"^\S[^:]*:\d+:\d+: \[(?:error|warning)\] "),
    ),
    Rule(
        "git-conflict",
        "git merge and git diff --check",
        "conflicts, conflict markers, white space errors",
        (
            r"^CONFLICT \(|^<{7} \S"
            r"|^\S.*:\d+: (?:leftover conflict marker|trailing whitespace|new blank line)"
        ),
        lines_like(
            r"^CONFLICT \(|^Automatic merge failed|^<{7} \S|^>{7} \S"
            r"|^\S.*:\d+: (?:leftover conflict marker|trailing whitespace|new blank line)"
        ),
    ),
)
