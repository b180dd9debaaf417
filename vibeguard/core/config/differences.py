"""What loads here and behaves otherwise than in the original VibeGuard, each with its place."""

import re
from collections.abc import Iterator

from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text
from vibeguard.core.config.source import Source
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.expression import Expression, parse_expression
from vibeguard.core.lang.grok import compile_grok
from vibeguard.core.lang.interpolate import references
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.names import Severity
from vibeguard.core.problems import Problem
from vibeguard.core.wording.units import duration

# Where it is told, what is different, what to do.
_Difference = tuple[Node, str, str]
_LEAVES_PROCESSES = re.compile(
    r"\b(nohup|setsid|disown|daemonize)\b|[^&|>]&\s*(?:$|\n|;|\))|\bgradlew?\b"
)
_MOST_SCRIPTS = 300_000  # characters of commands that are looked through, variables included


def mappings_of(root: Mapping, name: str) -> list[Mapping]:
    """The mappings in the list under a key, without what is not one."""
    node = root.values.get(name)
    items = node.items if type(node) is Sequence else []
    return [item for item in items if type(item) is Mapping]


def differences(config: Config, root: Mapping, source: Source) -> Iterator[Problem]:
    """Everything that is not as it was, check by check.

    `config` is what the tree below `root` was read to; values that were refused are absent in it,
    patterns and assertions that were refused are as written.
    """
    for node, what, do in _differences(config, root):
        yield source.problem(what, do, node.line, node.column)


def _differences(config: Config, root: Mapping) -> Iterator[_Difference]:
    yield from _variables(config, root)
    scripts = 0
    for check, node in zip(config.checks, mappings_of(root, "checks"), strict=True):
        yield from _background(check, node, config)
        yield from _warning(check, node)
        yield from _assertion(check, node)
        scripts += len(check.run)
        if scripts < _MOST_SCRIPTS:
            yield from _command(check, node)


def _variables(config: Config, root: Mapping) -> Iterator[_Difference]:
    variables = root.values.get("vars")
    for name, node in variables.values.items() if type(variables) is Mapping else ():
        used = references(node.value) if type(node) is Text else ()
        if any(other in config.vars for other in used):
            what = f"the variable {quoted(name)} uses another one: that worked by chance of order"
            yield node, what, "here it always does"


def _background(check: CheckConfig, node: Mapping, config: Config) -> Iterator[_Difference]:
    limit = config.settings.async_after_ns
    if check.mode != "auto" or check.timeout_ns <= limit:
        return
    what = f"{check.id} runs in the background, since its timeout is above {duration(limit)}"
    do = "only what requires it waits for it; async: false keeps it in the foreground"
    yield node.values.get("timeout", node), what, do


def _warning(check: CheckConfig, node: Mapping) -> Iterator[_Difference]:
    if check.severity is Severity.WARNING:
        what = f"{check.id} is a warning: its timeout failed the run, and fails nothing here"
        yield node.values["severity"], what, "severity: error if it should"


def _assertion(check: CheckConfig, node: Mapping) -> Iterator[_Difference]:
    """What an assertion let pass that fails here: a name without a value, a doubtful comparison."""
    expression = _expression(check.assertion)
    if expression is None:
        return
    place = node.values["assert"]
    fields = _extracted(check.grok)
    unknown = [] if fields is None else sorted(expression.names - fields)
    if unknown:
        names = ", ".join(map(quoted, unknown))
        what = f"the assertion of {check.id} needs {names}, which no pattern extracts"
        yield place, what, "it could pass silently, here the check fails: extract it with grok"
    else:
        what = f"the assertion of {check.id} could pass when nothing was extracted"
        yield place, what, "here the check fails then, and says which value is missing"


def _expression(assertion: str) -> Expression | None:
    """The assertion, parsed; None if there is none, or a wrong one, which is refused."""
    try:
        return parse_expression(assertion) if assertion else None
    except LanguageError:
        return None


def _extracted(patterns: tuple[str, ...]) -> frozenset[str] | None:
    """The names that patterns may extract; None if one is wrong: what it extracts is unknown."""
    try:
        return frozenset[str]().union(*(compile_grok(pattern).fields for pattern in patterns))
    except LanguageError:
        return None


def _command(check: CheckConfig, node: Mapping) -> Iterator[_Difference]:
    place = node.values.get("run", node)
    if _LEAVES_PROCESSES.search(check.run):
        what = f"{check.id} may leave processes behind: they are ended when it exits"
        yield place, what, "leaks: ignore if they must stay"
    if "/dev/tty" in check.run:
        what = f"{check.id} uses /dev/tty: a check has no terminal"
        yield place, what, "give it what it asks for in another way"
