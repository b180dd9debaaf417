"""The built-in problem matchers by name; a name may stand for several that run side by side."""

from msgspec import convert

from vibeguard.core.model.results import Matcher, MatcherPattern
from vibeguard.core.names import Level

_PLACE = r"^(\S[^:(]*):(\d+):(\d+): "
_ARROW = MatcherPattern(r"^ *--> (\S+?):(\d+):(\d+)$", file=1, line=2, column=3)
_SOURCE = MatcherPattern(r"^ {4}")


def _one(regexp: str, **groups: int) -> tuple[MatcherPattern]:
    return (convert({"regexp": regexp, **groups}, MatcherPattern),)


_GCC = _one(
    r"^(\S[^:(]*):(\d+):(?:(\d+):)? (?:fatal |internal compiler )?"
    r"(error|warning): (.*?)(?: \[(-W[^\]]+|[\w.,+-]+)\])?$",
    file=1, line=2, column=3, severity=4, message=5, code=6,
)  # fmt: skip

# What a tool says of its own run, without a place: `cc1: fatal error: …`, `mypy: error: …`.
_OWN = _one(r"^((?:[\w.+/-]+: )?(?:fatal |internal compiler )?(error): .*)$", severity=2, message=1)
_LINKER = _one(
    r"^(?:\S*ld(?:\.\w+)?: )?(?:([^:(\s]+):(?:(\d+)|\(\S+\)): )?"
    r"(cannot find -l.*|(?:undefined reference to|multiple definition of) .*)$",
    file=1, line=2, message=3,
)  # fmt: skip

# Rust: a message may have more lines, indented as far as its heading; what has no place is told
# unless it only counts the errors before it.
_HEADING = MatcherPattern(r"^(error|warning)(?:\[(\S+)\])?: (.+)$", severity=1, code=2, message=3)
_MORE = MatcherPattern("^ {7}")
_PLACELESS = MatcherPattern(
    r"^(error)(?:\[(\S+)\])?: ((?:[^ac]|a[^b]|c[^o]|co[^u]|couldn|could not [^c]).*"
    r"|could not compile \S+(?: \(.*\))?)$",
    severity=1, code=2, message=3,
)  # fmt: skip
_NO_PLACE = MatcherPattern("^(?:$| {0,6}[^ -])")

_FRAME = MatcherPattern(r'^ *File "([^"]+)", line (\d+)', file=1, line=2)
_EXCEPTION = MatcherPattern(
    r"^((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (.*))?$",
    code=1,
    message=2,
)

# By name, the patterns of one matcher or of several.
_PATTERNS: dict[str, tuple[tuple[MatcherPattern, ...], ...]] = {
    "gcc": (_GCC, _LINKER, _OWN),
    "clang": (_GCC, _LINKER, _OWN),
    "javac": (
        _one(
            r"^(\S+\.java):(\d+): (error|warning): (.*)$",
            file=1, line=2, severity=3, message=4,
        ),
        _one("^(error|warning): (.*)$", severity=1, message=2),
    ),
    "tsc": (
        _one(r"^(error|warning) (TS\d+): (.*)$", severity=1, code=2, message=3),
        _one(
            r"^(\S.*?)\((\d+),(\d+)\): (error|warning) (TS\d+): (.*)$",
            file=1, line=2, column=3, severity=4, code=5, message=6,
        ),
        _one(
            r"^(\S.*?):(\d+):(\d+) - (error|warning) (TS\d+): (.*)$",
            file=1, line=2, column=3, severity=4, code=5, message=6,
        ),
    ),
    # The frame before the exception is the last one; source and carets may stand between, and
    # seven lines of them where a statement has several (Python 3.13).
    "python": tuple((_FRAME, *[_SOURCE] * count, _EXCEPTION) for count in range(8)),
    "ruff": (
        _one(
            _PLACE + r"([A-Z]+\d+|[a-z-]+:|SyntaxError:) (?:\[\*\] )?(.+)$",
            file=1, line=2, column=3, code=4, message=5,
        ),
        _OWN,
        (MatcherPattern("^ruff failed$"), MatcherPattern(r"^ +Cause: (.*)$", message=1)),
        (
            MatcherPattern(r"^([A-Z]+\d+|[a-z-]+:) (?:\[\*\] )?(.+)$", code=1, message=2),
            _ARROW,
        ),
    ),
    "mypy": (
        _one(
            r"^(\S[^:]*)(?::(\d+)(?::(\d+)(?::\d+:\d+)?)?)?: (error|warning): "
            r"(.*?)(?:  \[([\w-]+)\])?$",
            file=1, line=2, column=3, severity=4, message=5, code=6,
        ),
    ),
    "flake8": (
        _one(_PLACE + r"([A-Z]+\d+) (.+)$", file=1, line=2, column=3, code=4, message=5),
        _one("^(There was a critical error during execution of Flake8:)$", message=1),
        _OWN,
    ),
    "pyright": (
        _one(
            r"^\s*(\S[^:]*):(\d+):(\d+) - (error|warning): (.*?)(?: \((report\w+)\))?$",
            file=1, line=2, column=3, severity=4, message=5, code=6,
        ),
        _OWN,
    ),
    "yamllint": (
        _one(
            _PLACE + r"\[(error|warning)\] (.*?)(?: \(([\w-]+)\))?$",
            file=1, line=2, column=3, severity=4, message=5, code=6,
        ),
    ),
    "eslint-stylish": (
        _one("^(Oops! Something went wrong! .*)$", message=1),
        (
            MatcherPattern(r"^(/\S.*|(?:[A-Za-z]:\\|\w|\.)\S.*\.\w+)$", file=1),
            MatcherPattern(
                r"^ +(\d+):(\d+) +(error|warning) +(.*?)(?:  +(\S+))?$",
                line=1, column=2, severity=3, message=4, code=5, loop=True,
            ),
        ),
    ),
    "go-vet": (
        _one(
            r"^(?:vet: )?(\S[^:]*\.go):(\d+)(?::(\d+))?: (.+)$",
            file=1, line=2, column=3, message=4,
        ),
    ),
    "cargo": (
        *((_HEADING, *[_MORE] * count, _ARROW) for count in range(8)),
        (_PLACELESS, _NO_PLACE),
    ),
    "shellcheck": (
        _one(r"^(\S[^:]*): .*: (openBinaryFile: .*)$", file=1, message=2),
        _one(
            _PLACE + r"(error|warning|note): (.*) \[(SC\d+)\]$",
            file=1, line=2, column=3, severity=4, message=5, code=6,
        ),
        (
            MatcherPattern(r"^In (\S.*) line (\d+):$", file=1, line=2),
            MatcherPattern("^"),
            MatcherPattern(
                r"^ *\^-*\^? (SC\d+) \((\w+)\): (.*)$", code=1, severity=2, message=3, loop=True
            ),
        ),
    ),
}  # fmt: skip

MATCHERS = {
    name: tuple(Matcher(name, patterns) for patterns in several)
    for name, several in _PATTERNS.items()
}


def _pylint(letters: str, severity: Level) -> Matcher:
    """Its columns count from 0, and are left out."""
    regexp = _PLACE + rf"({letters}\d+): (.*) \([\w-]+\)$"
    found = MatcherPattern(regexp, file=1, line=2, code=4, message=5)
    return Matcher("pylint", (found,), severity=severity)


MATCHERS["pylint"] = (_pylint("[EF]", Level.ERROR), _pylint("[CRW]", Level.WARNING))
