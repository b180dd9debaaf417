"""Putting foreign text into a command line, so that a shell takes it for plain text.

Quoting depends on the place: what is safe in `rm {{.file}}` is not in `rm "{{.file}}"`, where
single quotes mean nothing. So the command around the value is followed as a shell reads it. Where
no quoting helps (backquotes, here-documents, `${...}`, arithmetic, comments, and the words of
`sh -c` or `eval`, which one more shell reads), every character that could mean something to a shell
is replaced by an underscore. A question mark would be a pattern, and find the file of that name.
"""

import re
from collections.abc import Iterable

from vibeguard.core.lang.template.rereading import SimpleCommand
from vibeguard.core.lang.template.values import Extracted

_HARMLESS = re.compile(r"(?a:[\w@%+=:,./-]+)")
_HARMFUL = re.compile(r"(?a:[^\w@%+=:,./-])")
_WORD_CHARACTER = re.compile(r"(?a:\w)")
# Arithmetic is read as if in double quotes, and again: `$((`, `((`, `$[`, and subscripts, `a[`.
_ARITHMETIC = "(("
_HOPELESS = frozenset({"`", "{", "#", "[", _ARITHMETIC})
_CLOSING = {("(", ")"), (_ARITHMETIC, ")"), ("{", "}"), ("[", "]")}


class ShellText:
    """The command line so far: in which quotes and substitutions its end stands."""

    def __init__(self) -> None:
        self._open: list[str] = []  # single and double quotes, # ` { [ (( and "(" for $( and (
        self._commands = [SimpleCommand()]  # the one outside all, and one for each open "("
        self._escaped = False
        self._is_lost = False  # in a here-document or the like: no place can be told any more
        self._previous = "\n"

    def join(self, pieces: Iterable[str]) -> str:
        """Return the whole command line, the extracted pieces quoted."""
        command = []
        for piece in pieces:
            if isinstance(piece, Extracted):
                command.append(self._quote(piece))
                self._commands[-1].add(piece)
                self._escaped = False
                self._previous = "x"
            else:
                command.append(piece)
                self._follow(piece)
        return "".join(command)

    def _quote(self, value: str) -> str:
        """Return the value in the form that its place needs."""
        inside = self._open[-1] if self._open else ""
        if inside and _HARMLESS.fullmatch(value):
            return value
        if not self._is_reliable():
            return _HARMFUL.sub("_", value)
        if inside == "'":
            return _quoted(value)[1:-1]
        if inside == '"':
            return f'"{_quoted(value)}"'  # leave the double quotes and come back
        return value if _HARMLESS.fullmatch(value) else _quoted(value)

    def _is_reliable(self) -> bool:
        """Return whether quotes keep a value together here."""
        if self._escaped or self._is_lost or not _HOPELESS.isdisjoint(self._open):
            return False
        return not any(command.is_read_again for command in self._commands)

    def _follow(self, text: str) -> None:
        """Read more of the command itself."""
        for position, character in enumerate(text):
            was_escaped = self._escaped
            self._step(character, text[position + 1 : position + 2])
            goes_on = self._escaped or (was_escaped and character == "\n")
            if not goes_on:  # a line that goes on is as if nothing had stood there
                self._previous = "x" if was_escaped else character

    def _step(self, character: str, following: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "'" and character != "'":
            self._commands[-1].add(character)
        elif inside == "'":
            self._leave()
        elif inside == "#":
            if character == "\n":
                self._leave()
                self._commands[-1] = SimpleCommand()
        elif self._escaped:
            self._escaped = False
            if character != "\n":  # otherwise the line goes on
                self._commands[-1].add(character)
        elif character == "\\":
            self._escaped = True
        elif character in ('"', "`"):
            if character == "`":
                self._commands[-1].add(character)
            if inside == character:
                self._leave()
            else:
                self._enter(character)
        elif self._previous == "$" and character in "({[":
            self._enter(character)
        elif inside == '"':
            self._commands[-1].add(character)
        else:
            self._step_unquoted(character, following, inside)

    def _step_unquoted(self, character: str, following: str, inside: str) -> None:
        if character == "'":
            # $'...' has escapes of its own: a place where nothing is reliable, to the very end.
            self._open.append("`" if self._previous == "$" else "'")
        elif character == "#" and self._previous in " \t\n;&|()":
            self._open.append("#")
        elif character == "(":
            self._enter(_ARITHMETIC if self._previous == inside == "(" else character)
        elif character == "[" and self._begins_a_subscript(following, inside):
            self._enter(character)
        elif (inside, character) in _CLOSING:
            self._leave()
        elif inside in ("", "("):
            self._step_words(character, following)
        else:
            self._commands[-1].add(character)
        if character == "<" and following == "<":
            self._is_lost = True

    def _begins_a_subscript(self, following: str, inside: str) -> bool:
        """Whether a [ is that of `a[` or `a=([`, or of a pattern, and not that of a test."""
        if inside == "(" and self._previous in "( \t\n":
            return following not in ("[", " ", "\t", "\n")
        return bool(_WORD_CHARACTER.fullmatch(self._previous))

    def _step_words(self, character: str, following: str) -> None:
        """Read a character that may end a word or a simple command."""
        redirects = self._previous in ("<", ">") or (character == "&" and following == ">")
        if character in " \t" or (character in "&|\n" and self._commands[-1].is_test):
            self._commands[-1].end_word()
            if self._commands[-1].has_case and "(" in self._open:
                self._is_lost = True
        elif character in ";\n)" or (character in "&|" and not redirects):
            self._commands[-1] = SimpleCommand()
        elif character in "<>":
            self._commands[-1].redirect(character)
        else:
            self._commands[-1].add(character)

    def _enter(self, sign: str) -> None:
        self._open.append(sign)
        if sign == "(":
            self._commands.append(SimpleCommand())

    def _leave(self) -> None:
        if self._open.pop() == "(":
            self._commands.pop()


def _quoted(value: str) -> str:
    """Return a word in single quotes, each of its own single quotes in double ones."""
    return "'" + value.replace("'", "'\"'\"'") + "'"
