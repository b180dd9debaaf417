"""The built-in problem matchers by name; a name may stand for several that run side by side."""

from msgspec import convert

from vibeguard.core.model.results import Matcher, MatcherPattern

_PLACE = r"^(\S[^:(]*):(\d+):(\d+): "
_ARROW = MatcherPattern(r"^ *--> (\S+?):(\d+):(\d+)$", file=1, line=2, column=3)
_SOURCE = MatcherPattern(r"^ {4}")


def _one(owner: str, regexp: str, **groups: int) -> Matcher:
    return Matcher(owner, (convert({"regexp": regexp, **groups}, MatcherPattern),))


_GCC = _one(
    "gcc",
    _PLACE + r"(?:fatal )?(error|warning): (.*?)(?: \[(-W[^\]]+|[\w.,+-]+)\])?$",
    file=1, line=2, column=3, severity=4, message=5, code=6,
)  # fmt: skip
_FRAME = MatcherPattern(r'^ *File "([^"]+)", line (\d+)', file=1, line=2)
_EXCEPTION = MatcherPattern(
    r"^((?:\w+\.)*\w*(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Failed))(?:: (.*))?$",
    code=1,
    message=2,
)

MATCHERS: dict[str, tuple[Matcher, ...]] = {
    "gcc": (_GCC,),
    "clang": (_GCC,),
    "javac": (
        _one(
            "javac", r"^(\S+\.java):(\d+): (error|warning): (.*)$",
            file=1, line=2, severity=3, message=4,
        ),
    ),
    "tsc": (
        _one(
            "tsc", r"^(\S.*?)\((\d+),(\d+)\): (error|warning) (TS\d+): (.*)$",
            file=1, line=2, column=3, severity=4, code=5, message=6,
        ),
        _one(
            "tsc", r"^(\S.*?):(\d+):(\d+) - (error|warning) (TS\d+): (.*)$",
            file=1, line=2, column=3, severity=4, code=5, message=6,
        ),
    ),
    # The frame before the exception is the last one; source and carets may stand between.
    "python": (
        Matcher("python", (_FRAME, _EXCEPTION)),
        Matcher("python", (_FRAME, _SOURCE, _EXCEPTION)),
        Matcher("python", (_FRAME, _SOURCE, _SOURCE, _EXCEPTION)),
    ),
    "ruff": (
        _one(
            "ruff", _PLACE + r"([A-Z]+\d+) (?:\[\*\] )?(.+)$",
            file=1, line=2, column=3, code=4, message=5,
        ),
        Matcher(
            "ruff",
            (
                MatcherPattern(
                    r"^([A-Z]+\d+|[a-z-]+:) (?:\[\*\] )?(.+)$", code=1, message=2
                ),
                _ARROW,
            ),
        ),
    ),
    "mypy": (
        _one(
            "mypy", r"^(\S[^:]*):(\d+)(?::(\d+))?: (error|warning): (.*?)(?:  \[([\w-]+)\])?$",
            file=1, line=2, column=3, severity=4, message=5, code=6,
        ),
    ),
    "flake8": (
        _one(
            "flake8", _PLACE + r"([A-Z]+\d+) (.+)$",
            file=1, line=2, column=3, code=4, message=5,
        ),
    ),
    "eslint-stylish": (
        Matcher(
            "eslint-stylish",
            (
                MatcherPattern(r"^((?:/|[A-Za-z]:\\|\w|\.)\S.*\.\w+)$", file=1),
                MatcherPattern(
                    r"^ +(\d+):(\d+) +(error|warning) +(.*?)(?:  +(\S+))?$",
                    line=1, column=2, severity=3, message=4, code=5, loop=True,
                ),
            ),
        ),
    ),
    "go-vet": (
        _one(
            "go-vet", r"^(?:vet: )?(\S[^:]*\.go):(\d+)(?::(\d+))?: (.+)$",
            file=1, line=2, column=3, message=4,
        ),
    ),
    "cargo": (
        Matcher(
            "cargo",
            (
                MatcherPattern(
                    r"^(error|warning)(?:\[(\S+)\])?: (.+)$", severity=1, code=2, message=3
                ),
                _ARROW,
            ),
        ),
    ),
    "shellcheck": (
        _one(
            "shellcheck", _PLACE + r"(error|warning|note): (.*) \[(SC\d+)\]$",
            file=1, line=2, column=3, severity=4, message=5, code=6,
        ),
        Matcher(
            "shellcheck",
            (
                MatcherPattern(r"^In (\S.*) line (\d+):$", file=1, line=2),
                MatcherPattern("^"),
                MatcherPattern(
                    r"^ *\^-*\^? (SC\d+) \((\w+)\): (.*)$", code=1, severity=2, message=3, loop=True
                ),
            ),
        ),
    ),
}  # fmt: skip
