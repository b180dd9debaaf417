"""How each kind of value is read: the one place between a key's declaration and its value."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from msgspec import Struct

from vibeguard.core.config import scalars
from vibeguard.core.config.drafts import RequirementDraft, TriggerDraft
from vibeguard.core.config.nodes import Mapping, Node, Sequence, Text, is_absent
from vibeguard.core.config.sources import read_sources
from vibeguard.core.config.value_reader import Reader, kind
from vibeguard.core.lang.duration import parse_duration
from vibeguard.core.lang.errors import quoted
from vibeguard.core.lang.links import link_template
from vibeguard.core.model import keys
from vibeguard.core.model.config_parts import Requirement, Triggers
from vibeguard.core.model.keys import Kind, keys_of
from vibeguard.core.model.notification import Notification
from vibeguard.core.names import WhilePending

_HOW = "write one such as {command: notify-send vibeguard, on: [failed]}"


def read_notifications(reader: Reader, node: Mapping, key: str) -> tuple[Notification, ...] | None:
    """The entries of the list; what is wrong with one is left in the reader."""
    entries = (_notification(item, reader) for item, _ in reader.items(node, key))
    return tuple(entry for entry in entries if entry is not None) or None


def _notification(node: Node, reader: Reader) -> Notification | None:
    """One entry; None where it does not say whom to tell."""
    if type(node) is not Mapping:
        reader.misshapen(f'an entry of "notify" is a mapping, not {kind(node)}', _HOW, node)
        return None
    if ("command" in node.values) is ("webhook" in node.values):
        both = "command" in node.values
        has = "both command and webhook" if both else "neither command nor webhook"
        reader.only_keys(node, keys_of(Notification), '"notify"')  # which may be misspelt
        reader.misshapen(f"an entry of notify has {has}", _HOW, node)
        return None
    named = "command" if "command" in node.values else "webhook"
    reader.required(node, named, "this entry of notify")
    listed = node.values.get("on")
    if type(listed) is Sequence and not listed.items:
        told = "this entry of notify is told of no end"
        reader.misshapen(told, 'remove the entry, or "on" for every end', listed)
    return Notification(**read_keys(reader, node, Notification, '"notify"'))


# What stands under a key of a mapping; None where the default holds, as for a refused value.
Read = Callable[[Reader, Mapping, str], object]


def read_keys(reader: Reader, node: Mapping, struct: type[Struct], owner: str) -> dict[str, Any]:
    """The fields of a struct that the mapping gives; texts that need a second look as nodes."""
    known = readers_of(struct)
    values: dict[str, Any] = {}
    unknown = False
    shared = reader.shared
    for name, written in node.values.items():
        found = known.get(name)
        if found is None:
            unknown = True
            continue
        field, read = found
        if id(written) in shared:
            value = reader.read_once(node, name, read)
        else:
            value = read(reader, node, name)
        if value is not None:
            values[field] = value
    if unknown:
        reader.only_keys(node, known, owner)
    return values


@cache
def readers_of(struct: type[Struct]) -> dict[str, tuple[str, Read]]:
    """Name in the file -> the field, and how it is read."""
    return {name: (of.field, _reader_of(of.key.kind)) for name, of in keys_of(struct).items()}


def _reader_of(kind_: Kind) -> Read:
    match kind_:
        case keys.Duration(zero=False):
            return lambda reader, node, key: reader.convert(node, key, parse_duration, 0) or None
        case keys.Section(struct):
            return partial(_section, struct)
        case keys.Count(least, most):
            return _converted(partial(scalars.whole_number, least=least, most=most))
        case keys.Choice(words, what):
            return _converted(partial(scalars.member_of, words, what))
        case keys.Choices(words, what):
            return _names(partial(scalars.member_of, words, what))
        case _:
            return _READERS[type(kind_)]


def _converted(to: Callable[[str], object]) -> Read:
    return lambda reader, node, key: reader.convert(node, key, to, None)


def _names(check: Callable[[str], str]) -> Read:
    def read(reader: Reader, node: Mapping, key: str) -> tuple[str, ...] | None:
        if is_absent(node.values[key]):
            return None
        return reader.names(reader.texts(node, key), check)

    return read


def _section(struct: type[Struct], reader: Reader, node: Mapping, key: str) -> Struct | None:
    mapping = reader.mapping(node, key)
    return None if mapping is None else struct(**read_keys(reader, mapping, struct, quoted(key)))


def _patterns(reader: Reader, node: Mapping, key: str) -> list[Text]:
    """`grok`; an empty pattern extracts nothing, and is left out."""
    items = node.values[key]
    if type(items) is Sequence:
        filled = [item for item in items.items if type(item) is not Text or item.value]
        items = Sequence(filled, items.line, items.column)
        node = Mapping({}, {key: items}, node.line, node.column)
    return reader.text_or_texts(node, key)


def _requirements(reader: Reader, node: Mapping, key: str) -> list[RequirementDraft]:
    drafts = (_requirement(item, reader) for item, _ in reader.items(node, key))
    return [draft for draft in drafts if draft is not None and draft.check.value]


_while_pending = partial(scalars.member_of, WhilePending, "value of while_pending")


def _requirement(item: Node, reader: Reader) -> RequirementDraft | None:
    if type(item) is Text:
        return RequirementDraft(item) if reader.is_filled(item, "requires") else None
    if type(item) is not Mapping:
        what = 'an entry of "requires" is an id, or {check: ID, while_pending: ...}, not a list'
        reader.misshapen(what, "write the ids side by side in one list", item)
        return None
    reader.only_keys(item, keys_of(Requirement), "a requirement")
    draft = RequirementDraft(reader.required(item, "check", "this requirement"))
    draft.choice = reader.text(item, "while_pending")
    if draft.choice is not None:
        draft.while_pending = reader.value(draft.choice, _while_pending, WhilePending.WAIT)
    return draft


def _triggers(reader: Reader, node: Mapping, key: str) -> dict[str, TriggerDraft] | None:
    """`on`: a text is shown as it is, a list names prompts."""
    mapping = reader.mapping(node, key)
    if mapping is None:
        return None
    events = Triggers.__struct_fields__
    reader.only_keys(mapping, events, '"on"')
    triggers = {}
    for event in events:
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
        reader.value(mapping.keys[name], scalars.variable_name, "")
        if type(value) is not Text:
            what = f"the variable {quoted(name)} takes a text, not {kind(value)}"
            reader.misshapen(what, "write one text; put it in quotes if need be", value)
        elif not is_absent(value):
            environment[name] = reader.value(value, scalars.variable_value, "")
    return environment


_READERS: dict[type[Kind], Read] = {
    keys.Plain: lambda reader, node, key: reader.string(node, key) or None,
    keys.Command: Reader.text,
    keys.Template: Reader.text,
    keys.Assertion: Reader.text,
    keys.Patterns: _patterns,
    keys.Requirements: _requirements,
    keys.ResultSources: read_sources,
    keys.Notifications: read_notifications,
    keys.Texts: lambda reader, node, key: tuple(t.value for t in reader.texts(node, key)) or None,
    keys.Prompts: _triggers,
    keys.Environment: _environment,
    keys.Tags: _names(scalars.tag),
    keys.VariableNames: _names(scalars.variable_name),
    keys.Globs: _names(scalars.glob),
    keys.CommandLine: _converted(scalars.command_line),
    keys.WebAddress: _converted(scalars.web_address),
    keys.Tools: _names(scalars.command_line),
    keys.Labels: _names(scalars.label),
    keys.Files: _names(scalars.file_below),
    keys.Identifier: _converted(scalars.identifier),
    keys.Duration: _converted(parse_duration),
    keys.Size: _converted(scalars.size_bytes),
    keys.Truth: _converted(scalars.truth),
    keys.Placement: _converted(scalars.placement),
    keys.Reuse: _converted(scalars.reuse),
    keys.Folder: _converted(scalars.folder_below),
    keys.Shell: _converted(scalars.shell),
    keys.Date: _converted(scalars.day),
    keys.PoolName: _converted(scalars.pool_name),
    keys.LinkTemplate: _converted(link_template),
}
