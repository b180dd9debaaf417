"""`results:` of a check: where single results come from, and problem matchers of one's own."""

from functools import partial

from vibeguard.core.config.matcher_files import names_a_file, severity_of
from vibeguard.core.config.nodes import Mapping, Node, Text, is_absent
from vibeguard.core.config.scalars import file_name, whole_number
from vibeguard.core.config.value_reader import Reader, kind
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.model.results import Matcher, MatcherPattern, ResultsSource
from vibeguard.core.names import Level
from vibeguard.core.results.registry import FORMATS, JSON_TOOLS
from vibeguard.core.wording.suggest import did_you_mean

OUTPUT = "output"  # in the place of a file's name
_KEYS = (*FORMATS, "json", "matcher", "file")
_HOW = "write one such as {junit: out/junit.xml}, {json: ruff} or {matcher: gcc}"
_MATCHER_KEYS = ("owner", "severity", "pattern")
_GROUPS = ("file", "line", "column", "severity", "code", "message")
_group = partial(whole_number, least=0, most=100)


def read_sources(reader: Reader, node: Mapping, key: str) -> tuple[ResultsSource, ...] | None:
    """One source or a list of them; what is wrong with one is left in the reader."""
    value = node.values.get(key)
    if value is None or is_absent(value):
        return None
    entries = [value] if type(value) is Mapping else [item for item, _ in reader.items(node, key)]
    sources = (_source(entry, reader) for entry in entries)
    return tuple(source for source in sources if source is not None)


def _source(node: Node, reader: Reader) -> ResultsSource | None:
    """One entry of `results`: the form that it names, and what is read."""
    if type(node) is not Mapping:
        reader.misshapen(f'an entry of "results" is a mapping, not {kind(node)}', _HOW, node)
        return None
    reader.only_keys(node, _KEYS, '"results"')
    named = [key for key in _KEYS[:-1] if key in node.values]
    if len(named) != 1:
        what = (
            "an entry of results names no form"
            if not named
            else f"{' and '.join(named)}: two forms"
        )
        reader.misshapen(what, _HOW, node)
        return None
    (form,) = named
    if form == "matcher":
        return _matched(node, reader)
    text = reader.required(node, form, "this entry of results")
    if form != "json":
        file = reader.value(text, file_name, "")
        return ResultsSource(form, "" if file == OUTPUT else file)
    tool = reader.value(text, _tool, "") if text.value else ""
    return ResultsSource(f"json {tool}", _file(node, reader))


def _file(node: Mapping, reader: Reader) -> str:
    file = reader.convert(node, "file", file_name, "")
    return "" if file == OUTPUT else file


def _tool(text: str) -> str:
    if text in JSON_TOOLS:
        return text
    do = did_you_mean(text, JSON_TOOLS) or f"use one of {', '.join(JSON_TOOLS)}"
    raise LanguageError(f"there is no reader for the JSON of {quoted(text)}", do)


def _matched(node: Mapping, reader: Reader) -> ResultsSource | None:
    value = node.values["matcher"]
    if type(value) is Mapping:
        matcher = _own_matcher(value, reader)
        return ResultsSource(f"matcher {matcher.owner}", _file(node, reader), (matcher,))
    text = reader.required(node, "matcher", "this entry of results")
    name = reader.value(text, _matcher_name, "") if text.value else ""
    return ResultsSource(f"matcher {name}", _file(node, reader))


def _matcher_name(text: str) -> str:
    from vibeguard.core.results.matchers import MATCHERS  # noqa: PLC0415 - only if used

    if text in MATCHERS or names_a_file(text):
        return text
    do = did_you_mean(text, MATCHERS) or f"use one of {', '.join(MATCHERS)}, or a file of your own"
    raise LanguageError(f"there is no problem matcher {quoted(text)}", do)


def _own_matcher(node: Mapping, reader: Reader) -> Matcher:
    """A matcher in GitHub's form. Its patterns are compiled: one that RE2 refuses is a mistake."""
    reader.only_keys(node, _MATCHER_KEYS, "a problem matcher")
    level = reader.convert(node, "severity", severity_of, Level.ERROR)
    patterns = tuple(
        _pattern(item, reader) for item, _ in reader.items(node, "pattern") if type(item) is Mapping
    )
    if not patterns:
        reader.misshapen("a problem matcher has no pattern", 'add "pattern: [{regexp: ...}]"', node)
    return Matcher(reader.string(node, "owner") or "own", patterns, level)


def _pattern(node: Mapping, reader: Reader) -> MatcherPattern:
    reader.only_keys(node, ("regexp", "loop", *_GROUPS), "a pattern")
    groups = {name: reader.convert(node, name, _group, 0) for name in _GROUPS}
    text: Text = reader.required(node, "regexp", "this pattern")
    loop = reader.string(node, "loop").lower() == "true"
    pattern = MatcherPattern(text.value, loop=loop, **groups)
    if text.value:
        reader.value(text, lambda _: _checked(pattern), "")
    return pattern


def _checked(pattern: MatcherPattern) -> str:
    from vibeguard.core.results.readers.matching import check_pattern  # noqa: PLC0415 - loads RE2

    check_pattern(pattern)
    return pattern.regexp
