"""What a config written for the original VibeGuard does differently here, line by line.

A config that loads here means the same as there except for what DESIGN section 9 names; a config
that does not load was accepted there for the wrong reasons. What can be mended without a change of
meaning (a key that was ignored stays ignored: `x-` before it) is mended in the text, so that
comments and layout stay.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from vibeguard.core.config.document import read_document
from vibeguard.core.config.load import load_config
from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text
from vibeguard.core.config.reader import key_meant
from vibeguard.core.config.shape import CHECK_KEYS, CONFIG_KEYS, PROMPT_KEYS
from vibeguard.core.config.source import Source, read_source
from vibeguard.core.lang.errors import quoted
from vibeguard.core.lang.expression import parse_expression
from vibeguard.core.lang.grok import compile_grok
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.names import Severity
from vibeguard.core.problems import ConfigError, Problem
from vibeguard.core.wording.units import duration

_LEAVES_PROCESSES = re.compile(
    r"\b(nohup|setsid|disown|daemonize)\b|[^&|>]&\s*(?:$|\n|;|\))|\bgradlew?\b|docker run\b.*\s-d\b"
)
_REFERENCE = re.compile(r"\{\{\.(.+?)\}\}")


class Migration(Struct, frozen=True):
    """What was found, each with its place; `text` is the config after mending.

    `refused` keeps the config from loading here, `mended` was put right in `text`, `different`
    loads and behaves otherwise than before.
    """

    refused: tuple[Problem, ...]
    mended: tuple[Problem, ...]
    different: tuple[Problem, ...]
    text: str


def migrate(data: bytes, file: str) -> Migration:
    """Compare a config with what the original made of it. Raises ConfigError if it is not YAML."""
    source = read_source(data, file)
    root = read_document(source).root
    mended = [] if root is None else list(_ignored_keys(root, source))
    text = _prefixed(source, mended)
    try:
        config = load_config(text.encode(), file)
    except ConfigError as error:
        return Migration(error.problems, tuple(mended), (), text)
    found = _differences(config, root, source) if type(root) is Mapping else iter(())
    ordered = sorted(found, key=lambda problem: (problem.line, problem.column))
    return Migration((), tuple(mended), tuple(ordered), text)


def _ignored_keys(root: Node, source: Source) -> Iterator[Problem]:
    """Keys that the original ignored and that are no misspelling of one that is missing."""
    for mapping, known, owner in _mappings(root):
        for name, key in mapping.keys.items():
            if name in known or name.startswith("x-") or key.style:
                continue
            meant = key_meant(name, known)
            if meant and meant not in mapping.keys:
                continue  # a misspelt key: what was meant is the user's to say
            what = f"unknown key {quoted(name)} in {owner}, which was ignored, is an error"
            yield source.problem(what, f"call it x-{name}", key.line, key.column)


def _mappings(root: Node) -> Iterator[tuple[Mapping, tuple[str, ...], str]]:
    """The mappings whose keys are checked, the keys that they may have, and their names."""
    if type(root) is not Mapping:
        return
    yield root, CONFIG_KEYS, "a config"
    for list_name, known, owner in (
        ("prompts", PROMPT_KEYS, "a prompt"),
        ("checks", CHECK_KEYS, "a check"),
    ):
        for mapping in _items(root, list_name):
            yield mapping, known, owner


def _items(root: Mapping, name: str) -> list[Mapping]:
    """The mappings of a list of the root, without what is not one."""
    node = root.values.get(name)
    items = node.items if type(node) is Sequence else []
    return [item for item in items if type(item) is Mapping]


def _prefixed(source: Source, problems: list[Problem]) -> str:
    """The text with `x-` at each place. From the end, so that places stay what they are."""
    text = source.text
    places = {(problem.line, problem.column) for problem in problems}
    for line, column in sorted(places, reverse=True):
        offset = source.offset(line, column)
        text = f"{text[:offset]}x-{text[offset:]}"
    return text


def _differences(config: Config, root: Mapping, source: Source) -> Iterator[Problem]:
    """Everything that loads and is not as it was."""
    yield from _variables(config, root, source)
    for check, node in zip(config.checks, _items(root, "checks"), strict=True):
        yield from _background(check, node, config, source)
        yield from _warning(check, node, source)
        yield from _assertion(check, node, source)
        yield from _command(check, node, source)


def _variables(config: Config, root: Mapping, source: Source) -> Iterator[Problem]:
    variables = root.values.get("vars")
    for name, node in variables.values.items() if type(variables) is Mapping else ():
        used = _REFERENCE.findall(node.value) if type(node) is Text else []
        if any(other in config.vars for other in used):
            what = f"the variable {quoted(name)} uses another one: that worked by chance of order"
            yield source.problem(what, "here it always does", node.line, node.column)


def _background(
    check: CheckConfig, node: Mapping, config: Config, source: Source
) -> Iterator[Problem]:
    limit = config.settings.async_after_ns
    if check.mode != "auto" or check.timeout_ns <= limit:
        return
    place = node.values.get("timeout", node)
    what = f"{check.id} runs in the background, since its timeout is above {duration(limit)}"
    do = "only what requires it waits for it; async: false keeps it in the foreground"
    yield source.problem(what, do, place.line, place.column)


def _warning(check: CheckConfig, node: Mapping, source: Source) -> Iterator[Problem]:
    if check.severity is Severity.WARNING:
        place = node.values["severity"]
        what = f"{check.id} is a warning: its timeout failed the run, and fails nothing here"
        yield source.problem(what, "severity: error if it should", place.line, place.column)


def _assertion(check: CheckConfig, node: Mapping, source: Source) -> Iterator[Problem]:
    if not check.assertion:
        return
    place = node.values["assert"]
    fields = frozenset[str]().union(*(compile_grok(pattern).fields for pattern in check.grok))
    expression = parse_expression(check.assertion)
    unknown = sorted(expression.names - fields)
    if unknown:
        names = ", ".join(map(quoted, unknown))
        what = f"the assertion of {check.id} needs {names}, which no pattern extracts"
        do = "it could pass silently, here the check fails: extract it with grok"
    else:
        what = f"the assertion of {check.id} could pass when nothing was extracted"
        do = "here the check fails then, and says which value is missing"
    yield source.problem(what, do, place.line, place.column)
    for doubt in expression.doubts:
        what = f"the assertion of {check.id} holds {doubt.what}"
        yield source.problem(what, doubt.do, place.line, place.column)


def _command(check: CheckConfig, node: Mapping, source: Source) -> Iterator[Problem]:
    place = node.values["run"]
    if _LEAVES_PROCESSES.search(check.run):
        what = f"{check.id} may leave processes behind: they are ended when it exits"
        yield source.problem(what, "leaks: ignore if they must stay", place.line, place.column)
    if "/dev/tty" in check.run:
        what = f"{check.id} uses /dev/tty: a check has no terminal"
        yield source.problem(
            what, "give it what it asks for in another way", place.line, place.column
        )
