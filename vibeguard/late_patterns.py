"""Puts off compiling the regular expressions of modules while these are imported.

Most modules have some, and a command uses few of them: compiling all took a tenth of its start.
"""

import re

_compile = re.compile


class LatePattern:
    """Stands for what `re.compile` returns, and compiles it when it is used."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._written = (pattern, flags)

    def __getattr__(self, name: str) -> object:
        found: object = getattr(_compile(*self._written), name)
        setattr(self, name, found)  # so that it is found at once from now on
        return found


def put_off() -> None:
    """From now on `re.compile` returns patterns that are compiled at their first use."""
    re.compile = LatePattern  # type: ignore[assignment]


def compile_again() -> None:
    """From now on `re.compile` compiles at once again, and raises for what is no pattern."""
    re.compile = _compile
