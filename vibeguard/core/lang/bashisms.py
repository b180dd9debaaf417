"""What a script has that only bash knows, where another shell goes on as if nothing had happened.

`if [[ … ]]` under a plain sh is a command that is not found: the condition is false, and the check
passes. Only such forms are looked for: what ends the script with an error needs no help of ours.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

# What is found, by name, and a script that a shell which knows it ends with this status.
PROBES: Final = {
    "[[": ("[[ a = a ]]", 0),
    "((": ("((1))", 0),
    "&>": ("false &>/dev/null", 1),
    "==": ("[ a == a ]", 0),
}
_ANY: Final = re.compile("|".join(map(re.escape, PROBES)))
_WORD: Final = re.compile(r"[^\s;&|()<>`\"'$\\#]+")
_GOES_ON: Final = frozenset(
    ("if", "then", "elif", "else", "while", "until", "do", "!", "{", "time")
)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_HERE: Final = re.compile(
    r"""<<-?[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s;&|()<>`'"\\])+)"""  # its word, with quotes
)
_QUOTING: Final = re.compile(r"""['"\\]""")
_QUOTED: Final = re.compile(r"'[^']*'?")
_COMMENT: Final = re.compile(r"(?<![^ \t\n;&|(])#[^\n]*")
# `((` whose parentheses are closed at once: `((a) || (b))` are subshells, to every shell.
_IN_PARENTHESES: Final = r"[^()\n;]|\([^()\n;]*\)"
_ARITHMETIC: Final = re.compile(rf"\(\((?:[^()\n;]|\((?:{_IN_PARENTHESES})*\))*\)\)")
_ONE_COMMAND: Final = re.compile(r"(?:\[\[|\(\(|\[|test)\s[^\n;&|]*")
# What ends a piece of a script is the first character of how it is kept.
_END_OF_ARITHMETIC: Final = ") of arithmetic"
_END_IN_QUOTES: Final = "} in quotes"
# What can begin a piece: in a command, and within one that ends like this.
_OPENS: Final = re.compile(r"""\$\(\(|\$\(|\$\{|["`(]""")
_OPENS_WITHIN: Final = {
    '"': re.compile(r"\$\(\(|\$\(|\$\{|`"),
    _END_OF_ARITHMETIC: re.compile(r"\$\(\(|\$\(|\$\{|[`(]"),
}


class Bashism(Struct, frozen=True):
    """One of `PROBES`, and where in the script it stands."""

    name: str
    offset: int


def bashisms(script: str) -> Iterator[Bashism]:
    """Find them, each where it is a command of its own, never in quotes, comments or data.

    A script that is one command fails by itself, and says why: it has none.
    """
    if not _ANY.search(script) or _ONE_COMMAND.fullmatch(script.strip()):
        return iter(())
    return _Reader(script).found()


class _Reader:
    """One pass over a script; what ends open quotes, `$(`, `${` and parentheses is on a stack."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._at = 0
        self._end = ""  # of the innermost piece that is open; nothing outside of all
        self._outside: list[tuple[str, bool]] = []  # what `_end` and `_tests` were before each
        self._begins = True  # whether the next word is a command's name
        self._tests = False  # whether the words are those of `[` or `test`
        self._here: list[str] = []

    def found(self) -> Iterator[Bashism]:
        """Read to the end; in quotes and braces there is none."""
        while self._at < len(self._script):
            name = "" if self._end[:1] == "}" or self._end in _OPENS_WITHIN else self._here_at()
            if name:
                yield Bashism(name, self._at)
            self._step()

    def _here_at(self) -> str:
        """What stands at this place, if it is one."""
        script, at = self._script, self._at
        if script.startswith("&>", at) and not script.startswith("&>&", at):
            return "&>"
        if self._tests and script.startswith("==", at) and _alone(script, at, 2):
            return "=="
        if not self._begins:
            return ""
        if script.startswith("[[", at) and _alone(script, at, 2):
            return "[["
        return "((" if _ARITHMETIC.match(script, at) else ""

    def _step(self) -> None:
        """Go past what stands here."""
        script, at = self._script, self._at
        character = script[at]
        opens = _OPENS_WITHIN.get(self._end, _OPENS).match(script, at)
        if character == "\\":
            self._begins = self._begins and script.startswith("\n", at + 1)
            self._at += 2
        elif self._end.startswith(character):
            self._end, self._tests = self._outside.pop()
            self._at, self._begins = at + 1, False
        elif opens:
            self._open(opens[0])
        elif self._end in _OPENS_WITHIN or character == "$":
            self._at, self._begins = at + 1, False
        elif self._end != _END_IN_QUOTES and (quoted := _QUOTED.match(script, at)):
            self._at, self._begins = quoted.end(), False
        else:
            self._command(character)

    def _open(self, begin: str) -> None:
        """Within arithmetic the second `(` of `$((` is one of its own, as any other."""
        quoted = self._end in _OPENS_WITHIN or self._end == _END_IN_QUOTES
        ends = {
            "$(": ")",
            "$((": _END_OF_ARITHMETIC,
            "(": _END_OF_ARITHMETIC if self._end == _END_OF_ARITHMETIC else ")",
            "${": _END_IN_QUOTES if quoted else "}",
        }
        self._outside.append((self._end, self._tests))
        self._end = ends.get(begin, begin)
        self._at += min(len(begin), 2)
        self._begins, self._tests = self._end in (")", "`"), False

    def _command(self, character: str) -> None:
        """Go past what stands here in a command, outside of quotes."""
        comment = _COMMENT.match(self._script, self._at)
        if character in "\n;&|)":
            self._at += 1
            self._begins, self._tests = True, False
            if character == "\n":
                self._skip_here_documents()
        elif comment:
            self._at = comment.end()
        elif character == "<":
            self._redirection()
        else:
            self._word()

    def _word(self) -> None:
        word = _WORD.match(self._script, self._at)
        if word is None:
            self._at += 1
            return
        if self._begins:
            self._tests = word[0] in ("[", "test")
            self._begins = word[0] in _GOES_ON or bool(_ASSIGNMENT.match(word[0]))
        closed = self._script.find("}", self._at, word.end()) if self._end[:1] == "}" else -1
        self._at = word.end() if closed < 0 else closed

    def _redirection(self) -> None:
        here = _HERE.match(self._script, self._at)
        if self._script.startswith("<<<", self._at):
            self._at += 3
        elif here:
            self._here.append(_QUOTING.sub("", here[1]))
            self._at = here.end()
        else:
            self._at += 1

    def _skip_here_documents(self) -> None:
        for word in self._here:
            ends = re.compile(rf"^\t*{re.escape(word)}$", re.MULTILINE)
            end = ends.search(self._script, self._at)
            self._at = end.end() if end else len(self._script)
        self._here = []


def _alone(script: str, at: int, length: int) -> bool:
    """Whether a word ends here, and began at `at`."""
    before, after = script[at - 1 : at] or " ", script[at + length : at + length + 1] or " "
    return before in " \t\n;&|(!`" and after in " \t\n"
