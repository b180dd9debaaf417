"""Problem matchers in a file of their own, in GitHub's form: `{"problemMatcher": [...]}`.

A config names such a file; what stands in it is read when the config is, so that a run, its record
and the key of a reused pass hold the patterns themselves.
"""

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from vibeguard.core.config.scalars import member_of
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.model.config import Config
from vibeguard.core.model.results import Matcher, MatcherPattern, ResultsSource
from vibeguard.core.names import Level
from vibeguard.core.problems import ConfigError, Problem

MOST_MATCHERS = 100
_FORM = 'write {"problemMatcher": [{"owner": "...", "pattern": [{"regexp": "...", ...}]}]}'


class _Entry(Struct):
    """A matcher as a file has it; keys of other programs (`fileLocation` …) are theirs."""

    owner: str
    pattern: tuple[MatcherPattern, ...]
    severity: str = Level.ERROR.value


class _File(Struct):
    matchers: tuple[_Entry, ...] = field(name="problemMatcher")


def names_a_file(matcher: str) -> bool:
    """Whether the text behind `matcher:` is a path and not the name of a built-in one."""
    return "\0" not in matcher and ("/" in matcher or matcher.endswith(".json"))


def with_matcher_files(config: Config, content_of: Callable[[str], bytes]) -> Config:
    """The config with the matchers of the files that it names.

    `content_of` gives the bytes of a file, named as the config does; it raises UsageError. Raises
    ConfigError for a file that holds no problem matchers.
    """
    if not any(map(_file_of, (s for check in config.checks for s in check.results))):
        return config
    known: dict[str, tuple[Matcher, ...]] = {}

    def filled(source: ResultsSource) -> ResultsSource:
        file = _file_of(source)
        if not file:
            return source
        if file not in known:
            known[file] = read_matchers(content_of(file), file)
        return replace(source, matchers=known[file])

    checks = (replace(check, results=tuple(map(filled, check.results))) for check in config.checks)
    return replace(config, checks=tuple(checks))


def read_matchers(data: bytes, file: str) -> tuple[Matcher, ...]:
    """The matchers of a file. Raises ConfigError with everything that is wrong with it."""
    try:
        entries = msgspec.json.decode(data, type=_File).matchers
    except (ValueError, RecursionError) as error:
        raise ConfigError([Problem(f"no problem matchers: {error}", _FORM, file)]) from None
    if not 0 < len(entries) <= MOST_MATCHERS:
        what = f"{len(entries)} problem matchers; from 1 to {MOST_MATCHERS} are read"
        raise ConfigError([Problem(what, _FORM, file)])
    problems = [p for entry in entries for p in _problems(entry, file)]
    if problems:
        raise ConfigError(problems)
    return tuple(Matcher(e.owner, e.pattern, severity_of(e.severity)) for e in entries)


def _file_of(source: ResultsSource) -> str:
    form, _, name = source.reader.partition(" ")
    is_file = form == "matcher" and not source.matchers and names_a_file(name)
    return name if is_file else ""


def severity_of(text: str) -> Level:
    """The severity of a matcher, in GitHub's words or ours. Raises LanguageError."""
    return member_of(Level, "severity of a matcher", "info" if text == "notice" else text)


def _problems(entry: _Entry, file: str) -> Iterator[Problem]:
    from vibeguard.core.results.readers.matching import check_pattern  # noqa: PLC0415 - loads RE2

    of = f'problem matcher "{entry.owner}"'
    if not entry.pattern:
        yield Problem(f"{of} has no pattern", _FORM, file)
    try:
        severity_of(entry.severity)
    except LanguageError as error:
        yield Problem(f"{of}: {error.what}", error.plain, file)
    for number, pattern in enumerate(entry.pattern, 1):
        try:
            check_pattern(pattern)
        except LanguageError as error:
            yield Problem(f"{of}, pattern {number}: {error.what}", error.plain, file)
