"""Which words of a shell command may name programs: more rather than fewer."""

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
# A command inside of quotes, a list of folders, the value of an option or of a variable: whatever
# stands between characters that no name of a program has.
_BETWEEN: Final = re.compile(r"""[\s;&|()<>`'"\\$={}:,]+""")
_ASSIGNMENT: Final = re.compile(r"\w+\+?=")
# After these comes another command.
_GO_BEFORE: Final = frozenset({
    "!", "{", "if", "then", "elif", "else", "while", "until", "do",
    "time", "exec", "command", "env", "eval", "nohup", "nice",
})  # fmt: skip


def words_of(command: str) -> tuple[str, ...]:
    """Everything that may name a program, or a folder with one. `#!` lines are commands too.

    As few can be told from other words by their place, these are all of them; a word that is quoted
    comes as a whole and in its parts.
    """
    joined = command.removeprefix("#!").replace("\\\n", "")
    words = [word for word, _ in _words_in(joined)]
    parts = (part.lstrip("-+@!") for part in _BETWEEN.split(joined))
    return tuple(filter(None, dict.fromkeys((*words, *parts))))


def told_by_the_shell_alone(command: str) -> str:
    """The first word that a command begins with and that depends on variables or on folders.

    So does each path after a `cd` to what another command answers.
    """
    lost, before = False, ""
    for word, begins in _words_in(command):
        if begins and ("$" in word or ("/" in word and (lost or set("*?") & set(word)))):
            return word
        lost = lost or (before in ("cd", "pushd") and word.startswith(("$(", "`")))
        before = word
    return ""


def _words_in(command: str) -> Iterator[tuple[str, bool]]:
    """The words, unquoted, and whether a command begins with each."""
    begins = True
    for token in _TOKEN.finditer(command):
        if token["between"]:
            begins = True
        elif token["word"]:
            word = _QUOTES.sub(r"\1", token["word"])
            if not (begins and _ASSIGNMENT.match(word)):
                yield word, begins
                begins = begins and _goes_before(word)


def _goes_before(word: str) -> bool:
    return word.startswith("-") or word.rpartition("/")[2] in _GO_BEFORE
