"""Which tool a check lacks on this machine, judged by its output."""

import os
import re

# How a tool that is not here is missed: by Python, by a shell, by make.
_MISSED = (
    re.compile(r"No module named '?([\w.]+)"),
    re.compile(r"([\w./@+-]+): (?:command )?not found"),
    re.compile(r"^make(?:\[\d+\])?: ([\w./@+-]+): No such file or directory", re.MULTILINE),
)
# What a shell or make says of a command that is not there, and then goes on as if it had run.
_IN_PASSING = re.compile(
    rb"^(?:[\w/.-]*sh: (?:line )?(?:\d+: )?|make(?:\[\d+\])?: )([\w./@+-]+): "
    rb"(?:(?:command )?not found|No such file or directory)$",
    re.MULTILINE,
)
_MOST_BYTES = 1 << 20


def missing_tool(text: str) -> str:
    """What a failed check did not find, as a sentence, from its output; empty if it says none."""
    found = next((one for pattern in _MISSED if (one := pattern.search(text))), None)
    return f"{found[1]} is not installed here" if found else ""


def passed_without(log_file: str | None) -> str:
    """The command that a check did not find although it passed; empty if none."""
    try:
        with open(log_file or os.devnull, "rb") as file:
            found = _IN_PASSING.search(file.read(_MOST_BYTES))
    except OSError:
        return ""
    return found[1].decode() if found else ""
