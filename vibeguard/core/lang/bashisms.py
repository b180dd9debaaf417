"""What a script has that only bash knows, where another shell goes on as if nothing had happened.

`if [[ … ]]` under a plain sh is a command that is not found: the condition is false, and the check
passes. Only such forms are looked for: what ends the script with an error needs no help of ours.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

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
# `((` whose parentheses are closed at once: `((a) || (b))` are subshells, to every shell.
_IN_PARENTHESES: Final = r"[^()\n;]|\([^()\n;]*\)"
_ARITHMETIC: Final = re.compile(rf"\(\((?:[^()\n;]|\((?:{_IN_PARENTHESES})*\))*\)\)")
_ONE_COMMAND: Final = re.compile(r"(?:\[\[|\(\(|\[|test)\s[^\n;&|]*")
# What ends a piece of a script is the first character of how it is kept.
_END_OF_ARITHMETIC: Final = ") of arithmetic"
_END_IN_QUOTES: Final = "} in quotes"


class Bashism(NamedTuple):
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
        self._open: list[str] = []
        self._outside: list[bool] = []  # for each of them, what `_tests` was before it
        self._begins = True  # whether the next word is a command's name
        self._tests = False  # whether the words are those of `[` or `test`
        self._here: list[str] = []

    def found(self) -> Iterator[Bashism]:
        """Read to the end."""
        while self._at < len(self._script):
            name = self._here_at()
            if name:
                yield Bashism(name, self._at)
            self._step()

    def _here_at(self) -> str:
        """What stands at this place, if it is one; nothing in quotes."""
        if self._in_quotes() or self._in_braces():
            return ""
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
        character = self._script[self._at]
        if character == "\\":
            self._begins = self._begins and self._script.startswith("\n", self._at + 1)
            self._at += 2
        elif self._innermost().startswith(character):
            self._close()
        elif self._in_quotes():
            self._open_within(character)
        elif character == "'" and self._innermost() != _END_IN_QUOTES:
            end = self._script.find("'", self._at + 1)
            self._at = len(self._script) if end < 0 else end + 1
            self._begins = False
        else:
            self._command(character)

    def _command(self, character: str) -> None:
        """Go past what stands here in a command, outside of quotes."""
        if character in '"`':
            self._push(character, character)
        elif character == "$":
            self._open_within(character)
        elif character == "(":
            self._push("(", ")")
        elif character == "\n":
            self._at += 1
            self._begins, self._tests = True, False
            self._skip_here_documents()
        elif character in ";&|)":
            self._at += 1
            self._begins, self._tests = True, False
        elif character == "#" and (self._at == 0 or self._script[self._at - 1] in " \t\n;&|("):
            end = self._script.find("\n", self._at)
            self._at = len(self._script) if end < 0 else end
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
            goes_on = word[0] in _GOES_ON or _ASSIGNMENT.match(word[0])
            self._begins = bool(goes_on)
        closed = self._script.find("}", self._at, word.end()) if self._in_braces() else -1
        self._at = word.end() if closed < 0 else closed

    def _redirection(self) -> None:
        here = _HERE.match(self._script, self._at)
        if here is None or self._script.startswith("<<<", self._at):
            self._at += 3 if self._script.startswith("<<<", self._at) else 1
            return
        self._here.append(_QUOTING.sub("", here[1]))
        self._at = here.end()

    def _skip_here_documents(self) -> None:
        for word in self._here:
            end = re.compile(rf"^\t*{re.escape(word)}$", re.MULTILINE).search(
                self._script, self._at
            )
            self._at = end.end() if end else len(self._script)
        self._here = []

    def _open_within(self, character: str) -> None:
        """What can begin in double quotes too: a command, a parameter, arithmetic."""
        script, at = self._script, self._at
        if character == "`":
            self._push("`", "`")
        elif script.startswith("$((", at):
            self._push("$(", _END_OF_ARITHMETIC)
        elif character == "(" and self._innermost() == _END_OF_ARITHMETIC:
            self._push("(", _END_OF_ARITHMETIC)
        elif script.startswith("$(", at):
            self._push("$(", ")")
        elif script.startswith("${", at):
            quoted = self._in_quotes() or self._innermost() == _END_IN_QUOTES
            self._push("${", _END_IN_QUOTES if quoted else "}")
        else:
            self._at += 1
            self._begins = False

    def _push(self, begin: str, end: str) -> None:
        self._at += len(begin)
        self._open.append(end)
        self._outside.append(self._tests)
        self._begins, self._tests = end in ")`", False

    def _close(self) -> None:
        self._open.pop()
        self._at += 1
        self._begins, self._tests = False, self._outside.pop()

    def _innermost(self) -> str:
        """What ends the innermost piece that is open; nothing outside of all."""
        return self._open[-1] if self._open else ""

    def _in_braces(self) -> bool:
        return self._innermost().startswith("}")

    def _in_quotes(self) -> bool:
        return self._innermost() in ('"', _END_OF_ARITHMETIC)


def _alone(script: str, at: int, length: int) -> bool:
    """Whether a word ends here, and began at `at`."""
    before, after = script[at - 1 : at] or " ", script[at + length : at + length + 1] or " "
    return before in " \t\n;&|(!`" and after in " \t\n"
