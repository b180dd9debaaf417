"""Which test was running when the output stopped, judged by what test runners announce."""

import re
from collections.abc import Sequence

from vibeguard.core.excerpt.lines import said

# How a runner announces a test (`name`), and how a later or the same line says that it ended.
_RUNNERS = (
    (r"^=== (?:RUN|CONT)\s+(?P<name>\S+)", r"^\s*--- (?:PASS|FAIL|SKIP): {name}\b"),
    (r"^(?P<name>\S+::\S+?)(?:\s+<-\s\S+)?\s*$", r"^{name}\s.*[A-Z]{{4}}"),
    (r"^test (?P<name>\S+) \.\.\.\s*$", r"^test {name} \.\.\. \w"),
    (r"^(?P<name>\w+ \([\w.]+\)) \.\.\.\s*$", r"^{name} \.\.\. \w"),
    (r"^\s*RUNS\s+(?P<name>\S+)", r"^\s*(?:PASS|FAIL)\s+{name}"),
    (r"^\s*Start\s+\d+: (?P<name>\S+)", r"^\s*\d+/\d+ Test\s+#\d+: {name}\b"),
    (r"^\[ RUN\s+\] (?P<name>\S+)", r"^\[\s+(?:OK|FAILED)\s+\] {name}\b"),
    (r"^# Subtest: (?P<name>.+)$", r"^\s*(?:not )?ok \d+ - {name}"),
)


def running_test(lines: Sequence[str]) -> str:
    """The test that was announced last and whose end is not among the lines; empty if none is.

    `lines` are the last ones of an output, in its order.
    """
    lines = [text for line in lines for text in said(line)]
    for position in range(len(lines) - 1, -1, -1):
        for starts, ends in _RUNNERS:
            found = re.match(starts, lines[position])
            if found is None:
                continue
            name = found["name"]
            ended = re.compile(ends.format(name=re.escape(name)))
            if not any(ended.match(line) for line in lines[position + 1 :]):
                return name
    return ""
