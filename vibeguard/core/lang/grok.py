r"""Grok: named patterns over RE2, so that no pattern and no output can take more than linear time.

`%{NAME}` stands for a standard pattern, `%{NAME:field}` captures it, and `(?P<field>...)` or
`(?<field>...)` capture by hand. Between them stands RE2's own syntax, unchanged. RE2 wants group
names to be unique words, grok does not (`a.b`, duplicates), so every named group is compiled under
a number and the field names are kept beside. RE2 is imported when the first pattern is compiled.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.grok_patterns import STANDARD_PATTERNS
from vibeguard.core.lang.re2_options import complaint_of, quiet_options
from vibeguard.core.wording.suggest import did_you_mean

_MOST_EXPANDED = 100_000  # of its expression, where a Unicode class counts as what it stands for
_UNICODE_CLASS = 500
_COST_OF_EACH = 60  # what RE2 and Python do for any pattern, in characters
_COST_OF_GIVING_UP = 25_000  # RE2 fills its memory before it says that a program is too large
_MAX_MEM_BYTES = 2 << 20  # RE2's bound for a program; 8 MiB would let one pattern take a second

_REFERENCE = re.compile(r"(?a:(\w+)(?::([\w.]+)(?::\w+)?)?)")
_REPETITION = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
# RE2 takes such a number for characters; the original's engine refuses it.
_TOO_OFTEN = re.compile(r"\{(?:[1-9][0-9]{9,}+(?:,[0-9]*+)?|(?:0|[1-9][0-9]*+),[1-9][0-9]{9,}+)\}")
_FIELD = re.compile(r"(?a:[\w.]+)")
_NAMED_GROUP = re.compile(r"\(\?P?<(?![=!])([^>]*)(>?)")
# An escape, a \Q..\E quotation, a class, or the start of something that this module must look at.
# Nothing here is ever tried twice (hence `*+`): an unclosed class of 100 characters took years.
_PIECE = re.compile(
    r"""(?sx)
    (?P<quotation> \\Q .*? (?: \\E | \Z ) )
  | (?P<escape> \\ . )
  | (?P<class> \[ \^? \]? (?: \[:[^\]:]{0,20}:\] | \\Q .*? (?: \\E | \Z ) | \\. | [^\]\\] )*+ \] )
  | (?P<reference> % \{ )
  | (?P<group> \( \? )
  | (?P<parenthesis> \( )
  | (?P<text> [^\\\[%(]+ | . )
    """
)
_UNSUPPORTED_GROUPS = (
    ("(?=", "lookahead"),
    ("(?!", "lookahead"),
    ("(?<=", "lookbehind"),
    ("(?<!", "lookbehind"),
    ("(?>", "atomic groups"),
    ("(?P=", "backreferences"),
    ("(?#", "comments"),
)
_UNSUPPORTED_ESCAPES = {
    "C": r"match a character with . and not a byte with \C",
    "Z": r"write \z, or $ without (?m), for the end of the text",
    "h": r"write [ \t] for horizontal space",
    "R": r"write \r?\n for the end of a line",
    "K": "capture the part that you want with (?P<name>...)",
    "G": "write the pattern without it",
} | dict.fromkeys("123456789", "RE2 has no backreferences: write the text itself a second time")
# What to do about a complaint of RE2.
_ADVICE = {
    "missing )": r"close every (, or write \( for the character itself",
    "unexpected )": r"open it with (, or write \) for the character itself",
    "missing ]": r"close every [, or write \[ for the character itself",
    "no argument for repetition operator": r"put something before it, or a \ for the character",
    "bad repetition operator": "repeat once; RE2 has no possessive repetition",
    "invalid repetition size": "RE2 repeats at most 1000 times, nested repeats multiplied",
    "pattern too large - compile failed": "make the repetitions smaller",
}
_MOST_NESTED_NAMES = 20
_TOO_LARGE = "ask for less: what stands around the value is enough"


class GrokPattern:
    """A compiled pattern; `fields` are the names that it can extract.

    `cost` is what compiling it took, in characters of a simple pattern.
    """

    def __init__(
        self, source: str, matcher: Any, groups: tuple[tuple[int, str], ...], cost: int
    ) -> None:
        self.source = source
        self.cost = cost
        self.fields = frozenset(name for _, name in groups)
        self._matcher = matcher
        self._groups = groups

    def search(self, text: str) -> dict[str, str] | None:
        """Return what the first match in the text captured, or None where nothing matches.

        Empty captures are dropped; of two groups with one name the later one wins.
        """
        return self.search_bytes(text.encode("utf-8", "replace"))

    def search_bytes(self, text: bytes) -> dict[str, str] | None:
        """Search in UTF-8, as `search` does, without a copy of the text."""
        match = self._matcher.search(text)
        if match is None:
            return None
        captures = ((name, match.group(number)) for number, name in self._groups)
        return {name: value.decode("utf-8", "replace") for name, value in captures if value}


@lru_cache(maxsize=1024)
def compile_grok(pattern: str) -> GrokPattern:
    """Compile a grok pattern, or raise `LanguageError` with the place of the mistake.

    No pattern takes more than a fifth of a second and some megabytes, whatever it holds.
    """
    fields: list[str] = []
    expression, size = _expression(pattern, fields)
    matcher = _compile_expression(expression, size, pattern)
    numbers: dict[str, int] = dict(matcher.groupindex)
    groups = tuple((numbers[f"g{order}"], name) for order, name in enumerate(fields))
    cost = _COST_OF_EACH + size + matcher.programsize
    return GrokPattern(pattern, matcher, groups, cost)


def _expression(pattern: str, fields: list[str]) -> tuple[str, int]:
    """The RE2 expression and its size; refused before there is more of it than RE2 should see."""
    pieces: list[str] = []
    size = 0
    try:
        for piece in _expand(pattern, fields, within=()):
            size += len(piece) + _UNICODE_CLASS * (piece.count(r"\p") + piece.count(r"\P"))
            if size > _MOST_EXPANDED:
                break
            pieces.append(piece)
    except LanguageError as error:
        error.cost += size
        raise
    if size > _MOST_EXPANDED:
        what = f"a pattern of more than {_MOST_EXPANDED:,} characters, what it names included"
        refused = LanguageError(what, _TOO_LARGE)
        refused.cost = size
        raise refused
    return "".join(pieces), size


def _expand(pattern: str, fields: list[str], within: tuple[str, ...]) -> Iterator[str]:
    """Yield the pieces of the RE2 expression; append the name of each named group to `fields`."""
    position = 0
    while position < len(pattern):
        piece = _PIECE.match(pattern, position)
        assert piece is not None  # noqa: S101  the last alternative matches any character
        kind, text = piece.lastgroup, piece.group()
        if text == "[":
            raise _refused("missing ]", "", position)
        if kind == "text" and (often := _TOO_OFTEN.search(pattern, position, piece.end())):
            what = "invalid repetition size"
            raise _refused(what, f": {quoted(often.group())}", often.start())
        if kind == "reference" and not _REPETITION.match(pattern, position + 1):
            text, end = _read_reference(pattern, position)
            yield from _expand_reference(text, position, fields, within)
            position = end
            continue
        if kind == "group":
            text, position = _read_group(pattern, position, fields)
        else:
            if kind == "escape" and (do := _UNSUPPORTED_ESCAPES.get(text[1])):
                raise LanguageError(f"RE2 has no {text}", do, position)
            if kind == "parenthesis":
                text = "(?:"  # what is not named is not wanted, and not tracked by the engine
            position = piece.end()
        yield text


def _read_reference(pattern: str, start: int) -> tuple[str, int]:
    """Return what stands between `%{` and `}`, and where the pattern goes on."""
    end = pattern.find("}", start)
    if end < 0:
        raise LanguageError(
            "%{ has no closing }", r"close it, or write \%\{ for the characters themselves", start
        )
    return pattern[start + 2 : end], end + 1


def _expand_reference(
    text: str, start: int, fields: list[str], within: tuple[str, ...]
) -> Iterator[str]:
    """Yield what `%{NAME}` or `%{NAME:field}` stands for, in a group of its own."""
    reference = _REFERENCE.fullmatch(text)
    if reference is None:
        raise LanguageError(
            f"{quoted(f'%{{{text}}}')} is not a pattern reference",
            "write %{NAME} or %{NAME:field}; a field name holds letters, digits, _ and dots",
            start,
        )
    name, field = reference.groups()
    body = STANDARD_PATTERNS.get(name)
    if body is None:
        raise LanguageError(
            f"there is no grok pattern with the name {quoted(name)}",
            "use a standard name, or a group of your own: (?P<field>...)",
            start + 2,
            meant=lambda: (
                did_you_mean(name, STANDARD_PATTERNS)
                or did_you_mean(name.upper(), STANDARD_PATTERNS)
            ),
        )
    if len(within) > _MOST_NESTED_NAMES:  # a mistake in our own table, not in the config
        raise LanguageError(f"{name} refers to itself", "", start)
    yield _open_group(field, fields) if field else "(?:"
    yield from _expand(body, fields, (*within, name))
    yield ")"


def _open_group(field: str, fields: list[str]) -> str:
    fields.append(field.replace("___", "."))
    return f"(?P<g{len(fields) - 1}>"


def _read_group(pattern: str, start: int, fields: list[str]) -> tuple[str, int]:
    """Return the opening of a group as RE2 shall see it, and where the pattern goes on."""
    named = _NAMED_GROUP.match(pattern, start)
    if named is not None:
        field, closed = named.groups()
        if not closed or not _FIELD.fullmatch(field):
            raise LanguageError(
                f"{quoted(named.group())} does not name a group",
                "a field name holds letters, digits, _ and dots",
                start,
            )
        return _open_group(field, fields), named.end()
    for opening, what in _UNSUPPORTED_GROUPS:
        if pattern.startswith(opening, start):
            do = "match the surroundings too and capture the part that you want"
            raise LanguageError(f"RE2 has no {what}", f"{do}: before(?P<name>...)after", start)
    return "(?", start + 2


def _compile_expression(expression: str, size: int, pattern: str) -> Any:
    """Return RE2's matcher; its complaint is translated into an error about the user's pattern."""
    try:
        import re2  # noqa: PLC0415  a config without grok shall not pay for it
    except ImportError as error:
        raise LanguageError(
            f"grok needs the RE2 library, which cannot be loaded ({error})",
            "install it: pip install google-re2 (on Alpine: apk add re2-dev, then pip)",
        ) from error
    try:
        return re2.compile(expression, options=quiet_options(max_mem_bytes=_MAX_MEM_BYTES))
    except re2.error as error:
        what, _, fragment = complaint_of(error).partition(": ")
        offset = max(pattern.find(fragment), 0) if fragment else 0
        shown = f": {quoted(fragment)}" if fragment and fragment in pattern else ""
        refused = _refused(what, shown, offset)
        refused.cost += size + (_COST_OF_GIVING_UP if "too large" in what else 0)
        raise refused from error


def _refused(what: str, shown: str, offset: int) -> LanguageError:
    do = _ADVICE.get(what, "the syntax is documented at github.com/google/re2/wiki/Syntax")
    return LanguageError(f"not a regular expression of RE2: {what}{shown}", do, offset)
