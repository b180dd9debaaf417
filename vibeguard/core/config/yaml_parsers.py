"""The parsers of PyYAML: that of libyaml, else its own. Only their events are taken.

Their errors are told in words that say what to do, the same whichever parser found them.
"""

import re
from typing import Protocol, cast

import yaml
from msgspec import Struct

from vibeguard.core.config.source import Source
from vibeguard.core.lang.errors import quoted
from vibeguard.core.problems import ConfigError, Problem

MOST_WITHOUT_LIBYAML = 128 << 10  # characters: half a second


class Mark(Protocol):
    """A place in the text, counted from 0."""

    index: int
    line: int
    column: int


class ParserEvent(Protocol):
    """What events of both parsers have, each kind what it needs of it."""

    start_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None


class EventParser(Protocol):
    """What both of PyYAML's parsers offer."""

    def get_event(self) -> ParserEvent:
        """The next event; raises `yaml.YAMLError`."""


def open_parser(text: str) -> EventParser:
    """The parser of libyaml where PyYAML has it, else PyYAML's own, which is thirty times slower.

    Raises ConfigError for a text that would take the slow one seconds.
    """
    if yaml.__with_libyaml__:
        return cast("EventParser", yaml.CSafeLoader(text))
    if len(text) > MOST_WITHOUT_LIBYAML:
        what = (
            f"PyYAML has no libyaml here: a config may be {MOST_WITHOUT_LIBYAML >> 10} KB at most"
        )
        raise ConfigError([Problem(what, "install PyYAML with libyaml (its wheels have it)")])
    return cast("EventParser", yaml.SafeLoader(text))


class _Meaning(Struct, frozen=True):
    """What a parser's words mean for the user.

    Where `at_start` is set, the place to blame is where the thing began that the parser was in.
    """

    words: tuple[str, ...]
    what: str
    do: str
    at_start: bool = False


_QUOTE = "put it in quotes"
_INDENT = "indent it like its neighbours, with blanks"
_BACKSLASH = r'write "\\" for a backslash, or use single quotes'
_COMPLETE = "add what is missing"
_NOT_CLOSED = "this {} is not closed, or a comma is missing"
_UNQUOTED_TEMPLATE = re.compile(r"(?:: |- |^)\s*(\{\{)")
_NO_BLANK = re.compile(r" *(?:- +)*(-|[a-z_]+:)(?![ /-])\s*(\S.*)")

# Both parsers' words are here; the first entry that fits wins.
_MEANINGS = (
    _Meaning(
        ("mapping values are not allowed",),
        'a ": " stands where no key can be',
        'put the whole value in quotes or below "key: |", or check the indentation',
    ),
    _Meaning(
        ("could not find expected :",),
        "this line is not a key",
        'write "key: value", or indent it',
        at_start=True,
    ),
    _Meaning(
        ("unexpected end of stream", "unexpected document"),
        "this quote is never closed",
        "close it",
        at_start=True,
    ),
    _Meaning(
        ("unknown escape character", "escape sequence of", "hexdecimal"),
        "double quotes know no such escape",
        _BACKSLASH,
    ),
    _Meaning(
        ("invalid Unicode character",),
        "this escape is not a character",
        "use the escape of a character",
        at_start=True,
    ),
    _Meaning(
        ("alphabetic or numeric character",),
        "a text cannot begin with * or &",
        _QUOTE,
        at_start=True,
    ),
    _Meaning(("expected , or ]",), _NOT_CLOSED.format("["), _COMPLETE, at_start=True),
    _Meaning(("expected , or }",), _NOT_CLOSED.format("{"), _COMPLETE, at_start=True),
    _Meaning(
        ("expected <block end>", "expected key", "expected - indicator"),
        "this does not fit the indentation of what stands above",
        _INDENT,
    ),
    _Meaning(("unexpected :",), 'a ":" between brackets needs a blank behind it', "add it"),
    _Meaning(("sequence entries are not allowed",), 'no "- " can stand here', "begin a new line"),
    _Meaning(("mapping keys are not allowed",), 'no "? " can stand here', _QUOTE),
    _Meaning(("document start",), "a second document begins here", "one file holds one config"),
    _Meaning(("directive", "incompatible YAML"), "this line cannot be read", "remove it"),
    _Meaning(
        ("chomping or indentation", "comment or", "indentation indicator"),
        "a block begins with | or > alone in its line",
        "begin the text in the next line, or put it in quotes",
    ),
    _Meaning(("node content",), "a value is missing here", f"write it, or {_QUOTE}"),
    # In brackets; the other parser quotes the blank that it expected, and quotes are left out here.
    _Meaning(
        ("whitespace or line break", "expected  , but"),
        'a value cannot begin with "!"',
        _QUOTE,
        at_start=True,
    ),
    _Meaning(("tag",), "this tag cannot be read", f"remove it, or {_QUOTE}", at_start=True),
)


def syntax_problem(
    error: yaml.YAMLError, source: Source, opened: tuple[int, int] = (1, 1)
) -> Problem:
    """What the parser complains about, in our words.

    `opened` is where the innermost list or mapping begins that had not ended.
    """
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return source.problem("this is not YAML", "check the file", 1, 1)
    said = (error.problem or "").replace("<document start>", "document start").replace("'", "")
    line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
    bracket = source.text[source.offset(*opened) :][:1]
    if (
        "node content" in said
        and bracket in ("[", "{")
        and error.problem_mark.index >= len(source.text)
    ):
        # The text ended between brackets: the one that was opened last is to blame.
        return source.problem(_NOT_CLOSED.format(bracket), _COMPLETE, *opened)
    seen = _seen_in_the_line(said, source, line, column)
    if seen is not None:
        return seen
    for meaning in _MEANINGS:
        if any(words in said for words in meaning.words):
            if meaning.at_start and error.context_mark is not None:
                line, column = error.context_mark.line + 1, error.context_mark.column + 1
            return source.problem(meaning.what, meaning.do, line, column)
    return source.problem(f"this is not YAML: {said}", "check the file", line, column)


def _seen_in_the_line(said: str, source: Source, line: int, column: int) -> Problem | None:
    """Mistakes that the line itself shows better than the parser's words do."""
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    before, character = text[: column - 1], text[column - 1 : column]
    if "cannot start any token" in said or "tab" in said.split() or "node content" in said:
        if character:
            what, do = _cannot_begin(before, text[column - 1 :])
            return source.problem(what, do, line, column)
    elif missing := _missing_blank(said, source, line):
        return missing
    elif ("<block end>" in said or "expected key" in said) and before.strip(" -?"):
        template = _UNQUOTED_TEMPLATE.search(text)
        if template:
            what, do = 'a text that begins with "{{" needs quotes', "put the whole value in quotes"
            return source.problem(what, do, line, template.start(1) + 1)
        what = "this cannot follow the value before it"
        return source.problem(what, "remove it, or put the whole value in quotes", line, column)
    return None


def _missing_blank(said: str, source: Source, line: int) -> Problem | None:
    """A `key:value` or `-value`, which is a text; parsers may stop only in the line after it."""
    joined = "mapping values" in said
    for number in (line, line - 1) if joined else (line,) if "expected" in said else ():
        seen = _NO_BLANK.match("".join(source.lines[number - 1 : number]))
        if seen:
            what = f"no blank stands behind {quoted(seen[1])}"
            return source.problem(what, f"write {seen[1]} {seen[2]}", number, seen.end(1) + 1)
    return None


def _cannot_begin(before: str, rest: str) -> tuple[str, str]:
    """What is wrong with a text that begins with a character of YAML's own."""
    if rest[0] == "\t" and not before.strip():
        return "a tab indents this line", "indent with blanks"
    if rest[0] == "\t":
        return "a tab stands where a value begins", "use blanks"
    value = re.split(r"\s#", rest)[0].strip().replace("'", "''")
    return f"a value cannot begin with {quoted(rest[0])}", f"put it in quotes: '{value[:60]}'"
