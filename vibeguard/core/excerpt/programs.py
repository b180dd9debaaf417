"""Rules for what any program may say when it dies, and for what only passes a failure on."""

from vibeguard.core.excerpt.picking import Rule, blocks, last_block, lines_like, together

PROGRAMS = (
    Rule(
        "python-traceback",
        "Python",
        "the last traceback, with the exceptions that it names as its causes",
        r"^Traceback \(most recent call last\):$",
        last_block(
            r"^Traceback \(most recent call last\):$",
            r"^(?:[A-Za-z_][\w.]*(?:: .*)?)$",
            joined=r"^(?:The above exception was|During handling of)",
        ),
    ),
    Rule(
        "java-exception",
        "Java and Kotlin",
        "exceptions and their causes with the first frames of each",
        (
            r"^(?:Exception in thread |Caused by: )"
            r"|^\w+\.[\w.$]+(?:Exception|Error)(?:: .*)?\n[ \t]+at [\w.$/]+\("
        ),
        blocks(
            r"^(?:Exception in thread |Caused by: |\w+\.[\w.$]+(?:Exception|Error)(?::|$))",
            r"^(?!\s+at )",
            longest=4,
        ),
    ),
    Rule(
        "node-exception",
        "Node.js",
        "the error with the line that threw it, without the frames of Node itself",
        r"^[A-Za-z]*Error(?: \[\w+\])?: .*(?:\n.*){0,3}\n +at ",
        together(
            blocks(
                r"^[A-Za-z]*Error(?: \[\w+\])?: ",
                r"^\s+at .*\(?node:|^$|^\s+at Module\.",
                longest=10,
            ),
            blocks(r"^\S+:\d+$", r"^$", longest=4),
        ),
    ),
    Rule(
        "panic",
        "Go and Rust",
        "the panic with its message and the first frames",
        r"^panic: |^thread '.*' (?:\(\d+\) )?panicked at ",
        blocks(
            r"^panic: |^thread '.*' (?:\(\d+\) )?panicked at ", r"^note: |^exit status", longest=12
        ),
    ),
    Rule(
        "coverage",
        "coverage.py and its like",
        "the total and the verdict",
        r"^(?:Coverage failure: |FAIL Required test coverage)",
        lines_like(r"^TOTAL\s|^(?:Coverage failure: |FAIL Required test coverage)"),
    ),
    Rule(
        "make",
        "make",
        "where make stopped, and the lines before it",
        r"^g?make(?:\[\d+\])?: \*\*\* ",
        lines_like(r"^g?make(?:\[\d+\])?: \*\*\* ", before=8),
    ),
    Rule(
        "shell",
        "a shell",
        "commands that were not found or could not be run",
        r"^(?:\S*/)?(?:sh|bash|dash|zsh)?\S*: (?:line )?\d+: .*(?:not found|denied|bad \S+)",
        lines_like(
            r"^\S+: (?:line )?\d+: .*(?:not found|[Pp]ermission denied|[Ss]yntax error|bad )"
        ),
    ),
    Rule(
        "error-lines",
        "whatever begins a line with `error:` or `fatal:`",
        "these lines and two after each",
        r"^(?:\S+: )?(?:[Ee]rror|ERROR|[Ff]atal|FATAL)(?:\[\S+\])?: \S",
        lines_like(r"^(?:\S+: )?(?:[Ee]rror|ERROR|[Ff]atal|FATAL)(?:\[\S+\])?: \S", after=2),
    ),
)
