"""Which words of a shell command may name programs: more rather than fewer."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
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
# The same, but for what braces name several words by: `./{a,b}.sh`, `{1..3}`.
_AROUND_BRACES: Final = re.compile(r"""[\s;&|()<>`'"\\=:]+""")
_BRACES: Final = re.compile(
    r"\{((?:[^{},\s]*,)+[^{},\s]*"
    r"|(-?\d{1,18}|[A-Za-z])\.\.(-?\d{1,18}|[A-Za-z])(?:\.\.-?\d+)?)\}"
)
_LONGEST: Final = 1024  # words with braces; and that so many others may be named by
_MOST_WORDS: Final = 256
_MOST_STEPS: Final = 512
_ASSIGNMENT: Final = re.compile(r"\w+\+?=")
# After these comes another command.
_GO_BEFORE: Final = frozenset({
    "!", "{", "if", "then", "elif", "else", "while", "until", "do",
    "time", "exec", "command", "env", "eval", "nohup", "nice",
})  # fmt: skip


def words_of(command: str) -> tuple[str, ...]:
    """Everything that may name a program, or a folder with one. `#!` lines are commands too.

    As few can be told from other words by their place, these are all of them; a word that is quoted
    comes as a whole and in its parts, and what stands for several in braces as each of them.
    """
    joined = command.removeprefix("#!").replace("\\\n", "")
    whole = (word for word, _ in _words_in(joined))
    words = [each for w in (*whole, *_AROUND_BRACES.split(joined)) for each in _without_braces(w)]
    parts = [part.lstrip("-+@!") for part in _BETWEEN.split(joined)]
    below = (f".{part}" for part in parts if part.startswith("/"))  # what "$(pwd)"/x leads to
    return tuple(filter(None, dict.fromkeys((*words, *parts, *below))))


@lru_cache(maxsize=4096)  # 25 us, and many checks have one command
def told_by_the_shell_alone(command: str) -> str:
    """The first word that a command begins with and that depends on variables or on folders.

    So does each path after a `cd` to what another command answers, and braces that name very many.
    """
    for word in command.split():
        if not set("'\"") & set(word) and len(_without_braces(word)) > _MOST_WORDS:
            return word
    lost, before = False, ""
    for word, begins in _words_in(command):
        if begins and ("$" in word or ("/" in word and (lost or set("*?[") & set(word)))):
            return word
        lost = lost or (before in ("cd", "pushd") and word.startswith(("$(", "`")))
        before = word
    return ""


def _without_braces(word: str) -> list[str]:
    """The words that bash takes this one for; more than `_MOST_WORDS` are not listed to the end."""
    if len(word) > _LONGEST:
        return [word] * (_MOST_WORDS + 1 if _BRACES.search(word) else 1)
    left: list[str] = [word]
    done: list[str] = []
    for _ in range(_MOST_STEPS):
        if not left:
            return done
        word = left.pop()
        braces = _BRACES.search(word)
        if braces is None:
            done.append(word)
        else:
            ways = islice(_ways(braces), _MOST_WORDS + 1)
            left += [word[: braces.start()] + way + word[braces.end() :] for way in ways]
    return done + left


def _ways(braces: re.Match[str]) -> Iterable[str]:
    """What stands for the braces; numbers with leading zeros, too."""
    first, last = braces[2], braces[3]
    if first is None:
        return braces[1].split(",")
    if first[-1:].isdigit() and last[-1:].isdigit():
        low, high = sorted((int(first), int(last)))
        width = max(len(first), len(last))
        return (text for n in range(low, high + 1) for text in {str(n), str(n).zfill(width)})
    low, high = sorted((ord(first[-1]), ord(last[-1])))
    return map(chr, range(low, high + 1))


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
