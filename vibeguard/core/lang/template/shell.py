"""Putting foreign text into a command line, so that a shell takes it for plain text.

Quoting depends on the place: what is safe in `rm {{.file}}` is not in `rm "{{.file}}"`, where
single quotes mean nothing. So the command around the value is followed as a shell reads it. Where
no quoting helps (backquotes, here-documents, `${...}`, comments), every character that could mean
something to a shell is replaced by a question mark.
"""

import re
from collections.abc import Iterable

from vibeguard.core.lang.template.values import Extracted

_HARMLESS = re.compile(r"(?a:[\w@%+=:,./-]+)")
_HARMFUL = re.compile(r"(?a:[^\w@%+=:,./-])")
_HOPELESS = frozenset("`{#")


class ShellText:
    """The command line so far: in which quotes and substitutions its end stands."""

    def __init__(self) -> None:
        self._open: list[str] = []  # single and double quotes, # ` { and "(" for $( and (
        self._escaped = False
        self._has_here_document = False
        self._previous = "\n"

    def join(self, pieces: Iterable[str]) -> str:
        """Return the whole command line, the extracted pieces quoted."""
        command = []
        for piece in pieces:
            if isinstance(piece, Extracted):
                command.append(self._quote(piece))
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
        if self._escaped or self._has_here_document or not _HOPELESS.isdisjoint(self._open):
            return _HARMFUL.sub("?", value)
        if inside == "'":
            return _quoted(value)[1:-1]
        if inside == '"':
            return f'"{_quoted(value)}"'  # leave the double quotes and come back
        return value if _HARMLESS.fullmatch(value) else _quoted(value)

    def _follow(self, text: str) -> None:
        """Read more of the command itself."""
        for position, character in enumerate(text):
            was_escaped = self._escaped
            self._step(character, text[position + 1 : position + 2])
            self._previous = "x" if was_escaped else character

    def _step(self, character: str, following: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "'":
            self._close_if(character == "'")
        elif inside == "#":
            self._close_if(character == "\n")
        elif self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character in ('"', "`"):
            if inside == character:
                self._open.pop()
            else:
                self._open.append(character)
        elif self._previous == "$" and character in "({":
            self._open.append(character)
        elif inside != '"':
            self._step_unquoted(character, following, inside)

    def _step_unquoted(self, character: str, following: str, inside: str) -> None:
        if character == "'":
            # $'...' has escapes of its own: a place where nothing is reliable, to the very end.
            self._open.append("`" if self._previous == "$" else "'")
        elif character == "#" and self._previous in " \t\n;&|()":
            self._open.append("#")
        elif character == "<" and following == "<":
            self._has_here_document = True
        elif character == "(":
            self._open.append("(")
        else:
            self._close_if((inside, character) in (("(", ")"), ("{", "}")))

    def _close_if(self, closes: bool) -> None:
        if closes:
            self._open.pop()


def _quoted(value: str) -> str:
    """Return a word in single quotes, each of its own single quotes in double ones."""
    return "'" + value.replace("'", "'\"'\"'") + "'"
