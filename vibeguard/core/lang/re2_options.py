"""How RE2 is asked: it prints nothing by itself, and what it says is text."""

from typing import Any


def quiet_options(*, of_bytes: bool = False, max_mem_bytes: int = 8 << 20) -> Any:
    """Options for a pattern; `of_bytes`: a character is a byte. RE2's own default is 8 MiB."""
    import re2  # noqa: PLC0415 - a command that matches nothing does without

    options = re2.Options()
    options.log_errors = False  # it would print to our standard error
    options.max_mem = max_mem_bytes
    if of_bytes:
        options.encoding = re2.Options.Encoding.LATIN1
    return options


def complaint_of(error: Exception) -> str:
    """What RE2 says of a pattern that it refuses, which comes as bytes."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
