"""The shape of a config: which keys there are and what kind of value each takes.

Owns everything that can be told from one place alone. What needs a look elsewhere (an id that
nobody has, a cycle, variables) is `meaning`'s.
"""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from vibeguard.core.config.document import Document
from vibeguard.core.config.drafts import (
    CheckDraft,
    ConfigDraft,
    PromptDraft,
    RequirementDraft,
    TriggerDraft,
)
from vibeguard.core.config.nodes import Mapping, Node, Text, is_absent, is_broken
from vibeguard.core.config.reader import Reader, kind
from vibeguard.core.config.settings import read_settings
from vibeguard.core.config.values import (
    ID,
    folder_below,
    identifier,
    leak_policy,
    member_of,
    size_bytes,
    tag,
    variable_name,
    variable_value,
    whole_number,
)
from vibeguard.core.lang.duration import parse_duration
from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.names import Mode, Severity, WhilePending

CONFIG_KEYS = ("version", "vars", "settings", "prompts", "checks")
PROMPT_KEYS = ("id", "description", "content", "tags")
REQUIREMENT_KEYS = ("check", "while_pending")
EVENTS = ("success", "failure", "timeout")
_MODES: dict[str, Mode] = {
    "auto": "auto", "true": "async", "yes": "async", "on": "async", "y": "async",
    "false": "sync", "no": "sync", "off": "sync", "n": "sync",
}  # fmt: skip
_while_pending = partial(member_of, WhilePending, "value of while_pending")


def read_shape(document: Document, reader: Reader) -> ConfigDraft | None:
    """The draft of a config; problems are left in the reader. None if there is nothing to read."""
    root = document.root
    if is_broken(root):
        return None
    if root is None or is_absent(root):
        problem = reader.source.problem("the config is empty", _HOW_CHECKS, 1, 1)
        reader.structure.append(problem)
        return None
    if type(root) is not Mapping:
        what = f'a config is a mapping with the key "checks", not {kind(root)}'
        reader.misshapen(what, _HOW_CHECKS, root)
        return None
    reader.only_keys(root, CONFIG_KEYS, "a config")
    reader.convert(root, "version", _version, "1")
    return ConfigDraft(
        vars=_variables(root, reader),
        settings=read_settings(root, reader),
        prompts=_prompts(root, reader),
        checks=_checks(root, reader),
    )


_HOW_CHECKS = 'begin with "checks:" and a list of checks, each with "id" and "run"'


def _version(text: str) -> str:
    if text == "1":
        return text
    raise LanguageError(f"unknown version {quoted(text)}", 'write version: "1"')


def _variables(root: Mapping, reader: Reader) -> dict[str, Text]:
    """`vars`; a null one is the empty text."""
    variables: dict[str, Text] = {}
    mapping = reader.mapping(root, "vars")
    for name, node in mapping.values.items() if mapping else ():
        if type(node) is not Text:
            what = f"the variable {quoted(name)} takes a text, not {kind(node)}"
            reader.misshapen(what, "write one text; put it in quotes if need be", node)
        elif is_absent(node):
            variables[name] = Text("", node.line, node.column)
        else:
            variables[name] = node
    return variables


def _prompts(root: Mapping, reader: Reader) -> list[PromptDraft]:
    prompts = []
    for node, _ in reader.items(root, "prompts"):
        if type(node) is not Mapping:
            reader.misshapen(
                f'a prompt is a mapping with "id", not {kind(node)}', "write one", node
            )
            continue
        reader.only_keys(node, PROMPT_KEYS, "a prompt")
        id_ = _required(node, "id", reader, "this prompt")
        prompts.append(
            PromptDraft(
                id=id_,
                description=reader.string(node, "description"),
                content=reader.string(node, "content"),
                tags=reader.names(reader.texts(node, "tags"), tag),
            )
        )
        if id_.value:
            reader.value(id_, identifier, "")
    return prompts


def _required(node: Mapping, key: str, reader: Reader, owner: str) -> Text:
    """The text under a key that must be there; an empty one in its place if it is not."""
    before = len(reader.structure)
    text = reader.text(node, key)
    if text is not None and text.value.strip():
        return text
    place = _place_of(node, key)
    if len(reader.structure) == before and not is_broken(node.values.get(key)):
        what = f'"{key}" of {owner} is empty' if key in node.keys else f'{owner} has no "{key}"'
        reader.misshapen(what, f'add "{key}: ..."', place)
    return Text("", place.line, place.column)


def _place_of(node: Mapping, key: str) -> Node:
    """Where to point for a value: the key if it is empty, the mapping if there is no key."""
    value = node.values.get(key)
    return node.keys.get(key, node) if value is None or is_absent(value) else value


def _checks(root: Mapping, reader: Reader) -> list[CheckDraft]:
    before = len(reader.structure)
    checks = []
    for node, use in reader.items(root, "checks"):
        if type(node) is Mapping:
            checks.append(_check(node, use, reader))
        else:
            what = f'a check is a mapping with "id" and "run", not {kind(node)}'
            reader.misshapen(what, 'write "- id: ..." and below it "run: ..."', node)
    if not checks and len(reader.structure) == before and not is_broken(root.values.get("checks")):
        what = "there are no checks"
        reader.misshapen(what, _HOW_CHECKS, _place_of(root, "checks"))
    return checks


def _check(node: Mapping, use: tuple[int, int] | None, reader: Reader) -> CheckDraft:
    id_ = _required(node, "id", reader, "this check")
    owner = f"check {quoted(id_.value)}" if id_.value else "this check"
    draft = CheckDraft(node, use, id_, _required(node, "run", reader, owner))
    if id_.value and not ID.fullmatch(id_.value):
        reader.value(id_, identifier, "")
    unknown = False
    for key in node.values:
        field = _FIELDS.get(key)
        if field is not None:
            value = field.read(reader, node, key)
            if value is not None:
                setattr(draft, field.name, value)
        elif key not in ("id", "run"):
            unknown = True
    if unknown:
        reader.only_keys(node, CHECK_KEYS, "a check")
    return draft


def _requirements(reader: Reader, node: Mapping, key: str) -> list[RequirementDraft]:
    requirements = []
    for item, _ in reader.items(node, key):
        draft = _requirement(item, reader)
        if draft is not None and draft.check.value:
            requirements.append(draft)
    return requirements


def _requirement(item: Node, reader: Reader) -> RequirementDraft | None:
    if type(item) is Text:
        return RequirementDraft(item)
    if type(item) is not Mapping:
        what = 'an entry of "requires" is an id, or {check: ID, while_pending: ...}, not a list'
        reader.misshapen(what, "write the ids side by side in one list", item)
        return None
    reader.only_keys(item, REQUIREMENT_KEYS, "a requirement")
    draft = RequirementDraft(_required(item, "check", reader, "this requirement"))
    draft.choice = reader.text(item, "while_pending")
    if draft.choice is not None:
        draft.while_pending = reader.value(draft.choice, _while_pending, WhilePending.WAIT)
    return draft


def _triggers(reader: Reader, node: Mapping, key: str) -> dict[str, TriggerDraft] | None:
    """`on`: a text is shown as it is, a list names prompts."""
    mapping = reader.mapping(node, key)
    if mapping is None:
        return None
    reader.only_keys(mapping, EVENTS, '"on"')
    triggers = {}
    for event in EVENTS:
        texts = reader.text_or_texts(mapping, event)
        if texts and mapping.values[event] is texts[0]:
            triggers[event] = TriggerDraft(inline=texts[0])
        elif texts:
            triggers[event] = TriggerDraft(prompts=texts)
    return triggers


def _environment(reader: Reader, node: Mapping, key: str) -> dict[str, str] | None:
    """`env`; a null value leaves the caller's variable as it is."""
    mapping = reader.mapping(node, key)
    if mapping is None:
        return None
    environment = {}
    for name, value in mapping.values.items():
        reader.value(mapping.keys[name], variable_name, "")
        if type(value) is not Text:
            what = f"the variable {quoted(name)} takes a text, not {kind(value)}"
            reader.misshapen(what, "write one text; put it in quotes if need be", value)
        elif not is_absent(value):
            environment[name] = reader.value(value, variable_value, "")
    return environment


def _mode(text: str) -> Mode:
    mode = _MODES.get(text.lower())
    if mode is None:
        raise LanguageError(f"unknown value of async {quoted(text)}", "write auto, true or false")
    return mode


def _tags(reader: Reader, node: Mapping, key: str) -> tuple[str, ...]:
    return reader.names(reader.texts(node, key), tag)


class _Field(Struct, frozen=True):
    """Where a key of a check goes in the draft, and how it is read; None leaves the default."""

    name: str
    read: Callable[[Reader, Mapping, str], object]


def _converted(name: str, to: Callable[[str], object]) -> _Field:
    return _Field(name, lambda reader, node, key: reader.convert(node, key, to, None))


def _duration(name: str) -> _Field:
    """A duration of which 0 means the default (or, where the default is none, that it is off)."""
    return _Field(
        name, lambda reader, node, key: reader.convert(node, key, parse_duration, 0) or None
    )


_FIELDS = {
    "requires": _Field("requires", _requirements),
    "timeout": _duration("timeout_ns"),
    "async": _converted("mode", _mode),
    "severity": _converted("severity", partial(member_of, Severity, "severity")),
    "tags": _Field("tags", _tags),
    "grok": _Field("grok", Reader.text_or_texts),
    "file": _Field("file", Reader.text),
    "assert": _Field("assertion", Reader.text),
    "suggestion": _Field("suggestion", Reader.string),
    "fix": _Field("fix", Reader.string),
    "on": _Field("on", _triggers),
    "env": _Field("env", _environment),
    "cwd": _converted("cwd", folder_below),
    "slow_after": _duration("slow_after_ns"),
    "idle_timeout": _duration("idle_timeout_ns"),
    "retries": _converted("retries", partial(whole_number, least=0, most=1_000)),
    "group": _Field("group", Reader.string),
    "weight": _converted("weight", partial(whole_number, least=1, most=1_000_000)),
    "leaks": _converted("leaks", leak_policy),
    "output_limit": _converted("output_limit_bytes", size_bytes),
}
CHECK_KEYS = ("id", "run", *_FIELDS)
