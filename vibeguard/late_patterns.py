"""For as long as modules are imported, their regular expressions are not compiled.

Most have some, and most are never used by the command that imports them: a tenth of its start.
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
    """Modules are going to be imported."""
    re.compile = LatePattern  # type: ignore[assignment]


def compile_again() -> None:
    """They are: whoever compiles a pattern from here on has it, or hears what is wrong with it."""
    re.compile = _compile
