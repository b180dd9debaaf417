"""PyYAML's parser in Python, made to take and refuse what libyaml does.

libyaml went on where PyYAML's scanner stood still: tabs between words, question marks in brackets,
colons in brackets that end nothing, directives that nobody knows. Each method here follows the
function of the same name in libyaml's scanner.c (0.2.5); see ADR 0011.
"""

import re

from yaml.error import Mark
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError
from yaml.tokens import DirectiveToken, ScalarToken

_BREAKS = "\r\n\x85\u2028\u2029"
_END = f"\\0 \t{_BREAKS}"
_WORD = re.compile(f"(?:[^{_END}:]|:(?![{_END}]))+")
_WORD_IN_BRACKETS = re.compile(rf"(?:[^{_END}:,\[\]{{}}]|:(?![{_END},?\[\]{{}}]))+")
_BLANKS = re.compile("[ \t]*")
_BLOCK_HEADER = re.compile(rf"(?:([+-])([1-9])?|([1-9])([+-])?)?(?=[{_END}#])")
_DOCUMENT_MARKER = re.compile(rf"(?:---|\.\.\.)[{_END}]")
_KNOWN_DIRECTIVES = frozenset({"YAML", "TAG"})
_NO_INDENTATION = "found a tab character where an indentation space is expected"


class PythonParser(Reader, Scanner, Parser):
    """PyYAML's parser without libyaml: text to events, nothing more."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def scan_to_next_token(self) -> None:
        """Skip blanks, breaks and comments; tabs too, but not where they would indent."""
        while True:
            if self.column == 0 and self.peek() == "\ufeff":
                self.forward()
            while self.peek() == " " or (self.peek() == "\t" and self._may_skip_tabs()):
                self.forward()
            if self.peek() == "#":
                while self.peek() not in "\0" + _BREAKS:
                    self.forward()
            if not self._line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def _line_break(self) -> str:
        """Skip a line break and return what it means, or an empty text if there is none."""
        return str(self.scan_line_break())  # type: ignore[no-untyped-call]

    def _may_skip_tabs(self) -> bool:
        return bool(self.flow_level or not self.allow_simple_key)

    def scan_plain(self) -> ScalarToken:
        """A text without quotes."""
        chunks: list[str] = []
        start = end = self.get_mark()
        indent = self.indent + 1
        blanks = ""
        while self.peek() != "#" and not self._at_document_marker():
            word = self._word(start)
            if word:
                self.allow_simple_key = False
                chunks += (blanks, word)
                self.forward(len(word))
                end = self.get_mark()
            if self.peek() not in " \t" + _BREAKS:
                break
            blanks = self._between_words(indent, start)
            if not self.flow_level and self.column < indent:
                break
        return ScalarToken("".join(chunks), plain=True, start_mark=start, end_mark=end)

    def _at_document_marker(self) -> bool:
        return self.column == 0 and bool(_DOCUMENT_MARKER.match(self.buffer, self.pointer))

    def _word(self, start: Mark) -> str:
        """What stands here up to a blank, or to what ends a text without quotes."""
        match = (_WORD_IN_BRACKETS if self.flow_level else _WORD).match(self.buffer, self.pointer)
        word = match[0] if match else ""
        if self.flow_level and self.peek(len(word)) == ":" and self.peek(len(word) + 1) in ",?[]{}":
            self.forward(len(word))
            what = "found unexpected ':'"
            raise ScannerError("while scanning a plain scalar", start, what, self.get_mark())
        return word

    def _between_words(self, indent: int, start: Mark) -> str:
        """What the blanks and breaks here mean if another word follows."""
        match = _BLANKS.match(self.buffer, self.pointer)
        blanks = match[0] if match else ""
        self.forward(len(blanks))
        first = self._line_break()
        if not first:
            return blanks
        self.allow_simple_key = True
        breaks = ""
        while self.peek() in " \t" + _BREAKS:
            if self.peek() == "\t" and self.column < indent:
                what = "found a tab character that violates indentation"
                mark = self.get_mark()
                raise ScannerError("while scanning a plain scalar", start, what, mark)
            if self.peek() in " \t":
                self.forward()
            else:
                breaks += self._line_break()
        return breaks or " " if first == "\n" else first + breaks

    def scan_directive(self) -> DirectiveToken:
        """Only `%YAML` and `%TAG` are known."""
        token = super().scan_directive()
        if token.name not in _KNOWN_DIRECTIVES:
            where, what = "while scanning a directive", "found unknown directive name"
            raise ScannerError(where, token.start_mark, what, token.end_mark)
        return token

    def scan_directive_ignored_line(self, start_mark: Mark) -> None:
        """Nothing, or a comment, behind a directive."""
        self._skip_blanks()
        super().scan_directive_ignored_line(start_mark)

    def scan_block_scalar_indicators(self, start_mark: Mark) -> tuple[bool | None, int | None]:
        """Chomping and indentation, in whatever order."""
        match = _BLOCK_HEADER.match(self.buffer, self.pointer)
        if match is None:
            return super().scan_block_scalar_indicators(start_mark)  # which says what is wrong
        self.forward(match.end() - match.start())
        chomping, increment = match[1] or match[4], match[2] or match[3]
        return (chomping == "+" if chomping else None), (int(increment) if increment else None)

    def scan_block_scalar_ignored_line(self, start_mark: Mark) -> None:
        """Nothing, or a comment, behind the indicators of a block."""
        self._skip_blanks()
        super().scan_block_scalar_ignored_line(start_mark)

    def scan_block_scalar_indentation(self) -> tuple[list[str], int, Mark]:
        """The empty lines that begin a block, and its indentation."""
        found = super().scan_block_scalar_indentation()
        self._refuse_tab()
        return found

    def scan_block_scalar_breaks(self, indent: int) -> tuple[list[str], Mark]:
        """Empty lines within a block."""
        found = super().scan_block_scalar_breaks(indent)
        if self.column < indent:
            self._refuse_tab()
        return found

    def _refuse_tab(self) -> None:
        if self.peek() == "\t":
            where = "while scanning a block scalar"
            raise ScannerError(where, self.get_mark(), _NO_INDENTATION, self.get_mark())

    def _skip_blanks(self) -> None:
        while self.peek() in " \t":
            self.forward()
