"""What both readers of a command line do: expand short forms, read the environment, set limits."""

import re
from collections.abc import Mapping

from msgspec.structs import replace

from vibeguard.commands.options import GlobalOptions
from vibeguard.core.names import MOST_SLOTS
from vibeguard.core.problems import UsageError

VALUE_MAY_BE_LEFT_OUT = frozenset({"--changed", "--compare", "--failed"})
_MOST_DIGITS = 18  # longer numbers are not worth reading
_LATEST = r"latest(~[0-9]+)?"


def join_until_check(words: tuple[str, ...]) -> list[str]:
    """`--until check ID` is spelt like a sentence; the parser knows `--until check --check ID`."""
    joined: list[str] = []
    for position, word in enumerate(words):
        if word == "--":
            return [*joined, *words[position:]]
        joined.append(word)
        follows = words[position + 1 : position + 2]
        asked = word == "--until=check" or (
            word == "check" and words[position - 1 : position] == ("--until",)
        )
        if asked and follows and not follows[0].startswith("-"):
            joined.append("--check")
    return joined


def attach_values(words: list[str]) -> list[str]:
    """Flags whose value may be left out, as the parser reads them: `--failed` is `--failed=`.

    A word behind `--failed` is its value where it can be no check's id: runs begin with a digit.
    """
    attached: list[str] = []
    for position, word in enumerate(words):
        if word == "--":
            return [*attached, *words[position:]]
        if attached[-1:] == ["--failed="] and (word[:1].isdigit() or re.fullmatch(_LATEST, word)):
            attached[-1] += word
        else:
            attached.append(f"{word}=" if word in VALUE_MAY_BE_LEFT_OUT else word)
    return attached


def complete(common: GlobalOptions, environ: Mapping[str, str]) -> GlobalOptions:
    """The flags, filled up from the environment and held against their limits.

    Not from VIBEGUARD_CONFIG: `system.discovery` reads that. Raises UsageError for a wrong value.
    """
    if common.parallel is None and environ.get("VIBEGUARD_PARALLEL"):
        text = environ["VIBEGUARD_PARALLEL"]
        if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
            raise UsageError(
                f'VIBEGUARD_PARALLEL is "{text}"', "set it to a whole number from 1 on, or unset it"
            )
        common = replace(common, parallel=slots_of("VIBEGUARD_PARALLEL", int(text)))
    elif common.parallel is not None:
        slots_of("--parallel", common.parallel)
    if common.log_dir is None and environ.get("VIBEGUARD_LOG_DIR"):
        common = replace(common, log_dir=environ["VIBEGUARD_LOG_DIR"])
    return replace(common, error_exit_code=_exit_code(common.error_exit_code))


def slots_of(name: str, count: int) -> int:
    """`count`. Raises UsageError if it is below 1, or more than a config may say."""
    if not 1 <= count <= MOST_SLOTS:
        raise UsageError(f"{name} is {count}", f"use a whole number from 1 to {MOST_SLOTS}")
    return count


def _exit_code(code: int | None) -> int | None:
    """The code, None for the default. Raises UsageError outside 1 to 255."""
    if code is not None and not 0 <= code <= 255:
        raise UsageError(f"--error-exit-code is {code}", "use 1 to 255, or 0 for the default")
    return code or None
