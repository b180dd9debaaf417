r"""Glob patterns over file names, many at once, in time linear in the name.

A pattern without a slash means a name at any depth (`*.py`); one with a slash is a path from the
folder of the run (`src/**`), and `../` leads out of it. `*`, `?` and `[a-z]` never match a slash,
`**` any number of folders, `{a,b}` one of several; a slash at the end means all that is below. Of
the patterns that match the last one decides, and `!` excludes; a list that begins with an exclusion
begins with everything. Names are bytes, as the file system has them; `?` is one character of UTF-8,
or one byte that is none. RE2 is imported for the first pattern that is more than a plain path.
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Generic, Protocol, TypeVar

from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.re2_options import complaint_of, quiet_options

LONGEST_PATTERN = 4096
_MAX_MEM_BYTES = 64 << 20
_MOST_BRACES = 100  # alternatives of one pattern
# One character that is no slash: ASCII, a sequence of UTF-8, or a stray byte.
_CHARACTER = rb"(?:[\x00-\x2e\x30-\x7f]|[\xc2-\xf4][\x80-\xbf]{1,3}|[\x80-\xff])"


class _Compiled(Protocol):
    """What is used of an RE2 pattern."""

    def fullmatch(self, text: bytes) -> object | None:
        """A match, or None."""


class _CompiledSet(Protocol):
    """What is used of an RE2 set."""

    def Match(self, text: bytes) -> Sequence[int]:  # noqa: N802 - RE2's name
        """The numbers of the patterns that match the whole text."""


# Names by folder, folders in which any name counts, and those below which it does.
_Reach = tuple[dict[bytes, set[bytes]], set[bytes], set[bytes]]
Owner = TypeVar("Owner", bound=Hashable)


class Globs(Generic[Owner]):
    """Lists of patterns, each with an owner; `owners_of` looks all of them up in one pass.

    Raises LanguageError for a pattern that is none, naming it.
    """

    def __init__(self, lists: Mapping[Owner, Sequence[str]]) -> None:
        self._rules: list[tuple[Owner, bool]] = []  # owner, and whether a match includes
        self._everything = frozenset(o for o, p in lists.items() if p and p[0].startswith("!"))
        self._all = frozenset(lists)
        self._leading_above = frozenset(o for o, p in lists.items() if any(map(levels_above, p)))
        self.patterns = [pattern for patterns in lists.values() for pattern in patterns]
        self._idle = set(range(len(self.patterns)))
        self._plain: dict[bytes, tuple[int, ...]] = {}  # by path, or by "/" and a name
        self._special: dict[int, bytes] = {}  # the expressions of the others
        for owner, patterns in lists.items():
            for pattern in patterns:
                number = len(self._rules)
                self._rules.append((owner, not pattern.startswith("!")))
                stem = pattern.removeprefix("!")
                plain = _plain_path(stem)
                if plain:
                    self._plain[plain] = (*self._plain.get(plain, ()), number)
                else:
                    self._special[number] = regex_of(stem)
        self._single: list[tuple[int, _Compiled]] = []
        self._owners: dict[tuple[Hashable, ...], frozenset[Owner]] = {}
        self._reach: _Reach | None = None
        # RE2 answers "none" when its memory is used up; the last pattern always matches, and tells.
        expressions = [*self._special.values(), rb"(?s:.*)"]
        self._set = _compile_set(expressions) if self._special else None

    def owners_of(self, path: bytes, *, is_folder: bool = False) -> frozenset[Owner]:
        """The owners whose list includes this path. A pattern that names folders alone is idle.

        A list none of whose patterns leads above the folder includes nothing above it.
        """
        among = self._leading_above if path.startswith(b"../") else self._all
        name = b"/" + path.rpartition(b"/")[2]
        plain = self._plain.get(path, ()) + self._plain.get(name, ())
        if not plain and not self._set:
            return self._everything & among  # nearly all files of a tree, where a few are named
        told = tuple(self._set.Match(path)) if self._set else (0,)
        same = plain, told, is_folder, among
        known = self._owners.get(same)  # many files match the same few patterns
        if known is None:
            numbers = sorted((*plain, *self._numbers(told, path)))
            known = self._decided_by([n for n in numbers if self._rules[n][0] in among], is_folder)
            known &= among  # where a list begins with everything
            if told:
                self._owners[same] = known
        return known

    def idle(self, owner: Owner) -> list[str]:
        """The including patterns of an owner by which no file is in its list."""
        return [self.patterns[n] for n in sorted(self._idle) if self._rules[n] == (owner, True)]

    def names_in(self, folder: bytes) -> Collection[bytes] | None:
        """The names in this folder of what can be in a list, or leads there; None: any name.

        What a pattern says before its first special character names a folder.
        """
        if self._reach is None:
            self._reach = self._reached()
        named, filled, whole = self._reach
        if folder in filled or any(above in whole for above in _and_above(folder)):
            return None
        return named.get(folder, frozenset())

    def _reached(self) -> _Reach:
        """The names that count by folder, the folders where any does, and those where any below."""
        whole = {b""} if self._everything else set()
        filled: set[bytes] = set()
        named: dict[bytes, set[bytes]] = {}
        for pattern, (_, includes) in zip(self.patterns, self._rules, strict=True):
            if includes:
                folder, is_whole = _folder_of(pattern)
                plain = b"" if is_whole else _plain_path(pattern)
                for path in _and_above(plain or folder):
                    above, _, name = path.rpartition(b"/")
                    named.setdefault(above, set()).add(name)
                if not plain:
                    (whole if is_whole else filled).add(folder)
        return named, filled, whole

    def _decided_by(self, numbers: Sequence[int], is_folder: bool) -> frozenset[Owner]:
        included = set(self._everything)
        for number in numbers:
            owner, includes = self._rules[number]
            (included.add if includes else included.discard)(owner)
        if not is_folder:
            self._idle.difference_update(n for n in numbers if self._rules[n][0] in included)
        return frozenset(included)

    def _numbers(self, told: Sequence[int], path: bytes) -> list[int]:
        """The patterns that match of those that are no plain paths, as the set has told them."""
        numbers = list(self._special)
        if len(numbers) in told:
            return [numbers[n] for n in told if n < len(numbers)]
        if not self._single:
            self._single = [(n, _compile(source)) for n, source in self._special.items()]
        return [n for n, compiled in self._single if compiled.fullmatch(path)]


def _plain_path(pattern: str) -> bytes:
    """The path that a pattern means, or "/" and the name it means at any depth; else nothing."""
    stem = pattern.removeprefix("./")
    if len(pattern) > LONGEST_PATTERN or not all(map(_PLAIN.fullmatch, stem.split("/"))):
        return b""
    return (stem if "/" in stem else f"/{stem}").encode("utf-8", "surrogateescape")


def _folder_of(pattern: str) -> tuple[bytes, bool]:
    """The folder that a pattern begins in, and whether it can match deeper than right in there."""
    stem = pattern.removeprefix("./")
    *folders, name = stem.split("/")
    plain = list(takewhile(_PLAIN.fullmatch, folders))
    at_any_depth = not folders or len(plain) < len(folders) or name in ("", "**")
    return "/".join(plain).encode("utf-8", "surrogateescape"), at_any_depth


def levels_above(pattern: str) -> int:
    """How many folders above its own a pattern begins; of braces, the way that begins highest."""
    if pattern.removeprefix("!")[:1] not in (".", "{", "\\"):
        return 0
    ways = {(0, True)}  # for each, how much of ../../.. it has said, and whether it may say more
    around: list[tuple[set[tuple[int, bool]], set[tuple[int, bool]]]] = []  # at a {, and its ends
    for part in _PIECE.finditer(pattern.removeprefix("!").removeprefix("./")):
        text, kind = part["escaped"] or part[0], part.lastgroup
        if text == "{" and kind == "brace":
            around.append((ways, set()))
        elif text == "," and kind == "brace" and around:
            around[-1][1].update(ways)
            ways = around[-1][0]
        elif text == "}" and kind == "brace" and around:
            ways = ways | around.pop()[1]
        else:
            for character in text:  # of which "/**" begins with a slash, too
                ways = {_up(said, character) if more else (said, more) for said, more in ways}
    return max((said + goes_on) // 3 for said, goes_on in ways)


def _up(said: int, character: str) -> tuple[int, bool]:
    more = character == "../"[said % 3]
    return said + more, more


def _and_above(folder: bytes) -> Iterator[bytes]:
    while folder:
        yield folder
        folder = folder.rpartition(b"/")[0]
    yield b""


def regex_of(pattern: str) -> bytes:
    """The regular expression of RE2 (Latin-1: bytes) that matches what the glob means.

    Raises LanguageError for what is no pattern.
    """
    if not pattern:
        raise LanguageError("an empty pattern matches nothing", "write a pattern, such as src/**")
    if len(pattern) > LONGEST_PATTERN:
        what = f"a pattern of {len(pattern)} characters is too long"
        raise LanguageError(what, f"write at most {LONGEST_PATTERN}, or several patterns")
    if pattern.startswith("/"):
        what = f"the pattern {quoted(pattern)} begins with a slash"
        raise LanguageError(what, "patterns are relative to the folder of the run: leave it out")
    stem = pattern.removeprefix("./")
    below = stem.endswith("/")
    stem = stem.rstrip("/")
    anchored = "/" in stem or below
    body = _translated(stem, pattern)
    prefix = b"" if anchored else rb"(?s:.*/)?"
    return prefix + body + (rb"/(?s:.*)" if below else b"")


_PLAIN = re.compile(r"[^*?\[\]{},\\/]+")
# `**` means folders only where it stands between slashes or at an end.
_PIECE = re.compile(
    r"""(?sx)
    (?P<folders> (?: ^ | (?<=/) ) \*\*/ )
  | (?P<below> /\*\*\Z )
  | (?P<all> ^\*\*\Z )
  | (?P<names> \*+ )
  | (?P<one> \? )
  | (?P<class> \[ (?P<not> [!^] )?+ (?P<members> . [^\]]* ) \] )
  | (?P<brace> [{},] )
  | (?P<literal> [^*?\[\]{},\\/]+ | \\(?P<escaped> . ) | . )
    """
)
_MEANINGS = {
    "folders": rb"(?:(?s:.*)/)?",
    "below": rb"/(?s:.*)",
    "all": rb"(?s:.*)",
    "names": rb"[^/]*",
    "one": _CHARACTER,
}
_LITERALS = [
    bytes([byte]) if byte < 0x80 and chr(byte).isalnum() else b"\\x%02x" % byte
    for byte in range(256)
]


def _translated(stem: str, pattern: str) -> bytes:
    """The expression of a pattern without its slash at the end."""

    def mistake(what: str, do: str) -> LanguageError:
        return LanguageError(f"in the pattern {quoted(pattern)} {what}", do)

    parts: list[bytes] = []
    opened = alternatives = 0
    for part in _PIECE.finditer(stem):
        text, kind = part[0], str(part.lastgroup)
        if kind == "class":
            parts.append(_class(part["not"] or "", part["members"], mistake))
        elif kind == "brace" and (opened or text == "{"):
            opened += {"{": 1, "}": -1}.get(text, 0)
            alternatives += text == ","
            parts.append({"{": b"(?:", "}": b")"}.get(text, b"|"))
            if alternatives > _MOST_BRACES:
                raise mistake(f"more than {_MOST_BRACES} alternatives", "write several patterns")
        elif text == "[":
            raise mistake("a [ is not closed", "close it, or write [[] for the character")
        else:
            parts.append(_MEANINGS.get(kind) or _literal(part["escaped"] or text))
    if opened:
        raise mistake("a { is not closed", "close it, or write [{] for the character")
    return b"".join(parts)


def _class(negation: str, members: str, mistake: Callable[[str, str], LanguageError]) -> bytes:
    """`[a-z]` or `[!a-z]`, of ASCII alone."""
    if not members.isascii() or "/" in members:
        raise mistake(
            "a class in brackets takes ASCII characters other than the slash",
            "write {a,b} for other characters",
        )
    listed = "".join(_class_member(c) for c in members).encode()
    if not negation:
        return b"[" + listed + b"]"
    return b"(?:[^" + listed + rb"/\x80-\xff]|[\xc2-\xf4][\x80-\xbf]{1,3}|[\x80-\xff])"


def _class_member(character: str) -> str:
    return character if character.isalnum() or character == "-" else f"\\x{ord(character):02x}"


def _literal(text: str) -> bytes:
    return b"".join(map(_LITERALS.__getitem__, text.encode("utf-8", "surrogateescape")))


def _compile_set(sources: Sequence[bytes]) -> _CompiledSet:
    import re2  # noqa: PLC0415 - a command that matches no names does without

    compiled: _CompiledSet = re2.Set.FullMatchSet(
        quiet_options(of_bytes=True, max_mem_bytes=_MAX_MEM_BYTES)
    )
    for source in sources:
        try:
            compiled.Add(source)  # type: ignore[attr-defined]
        except re2.error as error:
            what = f"a pattern cannot be read: {complaint_of(error)}"
            raise LanguageError(what, "write it simpler") from error
    compiled.Compile()  # type: ignore[attr-defined]
    return compiled


def _compile(source: bytes) -> _Compiled:
    import re2  # noqa: PLC0415 - as above

    compiled: _Compiled = re2.compile(
        source, quiet_options(of_bytes=True, max_mem_bytes=_MAX_MEM_BYTES)
    )
    return compiled
