"""Which words of a shell command may name programs: more rather than fewer.

The first word of each simple command does, and every word that is a path.
"""

import re
from collections.abc import Iterator
from typing import Final

_PLAIN: Final = r"""(?:[^\s;&|()<>`'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*")+"""
_TOKEN: Final = re.compile(
    rf"(?<![^\s;&|()`])#[^\n]*|[0-9]*[<>]+[&|]?[ \t]*(?:{_PLAIN})?"
    rf"|(?P<between>[;&|()`\n])|(?P<word>{_PLAIN})",
    re.DOTALL,
)
_QUOTES: Final = re.compile(r"""\\(.)|['"]""", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"\w+\+?=")
# After these comes another command.
_GO_BEFORE: Final = frozenset({
    "!", "{", "if", "then", "elif", "else", "while", "until", "do",
    "time", "exec", "command", "env", "eval", "nohup", "nice",
})  # fmt: skip


def programs_in(command: str) -> Iterator[tuple[str, bool]]:
    """The words, unquoted, and whether a command begins with each. `#!` lines are commands too."""
    begins = True
    for token in _TOKEN.finditer(command.removeprefix("#!")):
        if token["between"]:
            begins = True
        elif token["word"] and (begins or "/" in token["word"]):
            word = _QUOTES.sub(r"\1", token["word"])
            if not _ASSIGNMENT.match(word):
                yield word, begins
                begins = begins and _goes_before(word)


def told_by_the_shell_alone(command: str) -> str:
    """The first program of a command, where it depends on variables or on what lies in folders."""
    words = (word for word, begins in programs_in(command) if begins and not _goes_before(word))
    first = next(words, "")
    return first if any(character in first for character in "$*?") else ""


def _goes_before(word: str) -> bool:
    return word.startswith("-") or word.rpartition("/")[2] in _GO_BEFORE
