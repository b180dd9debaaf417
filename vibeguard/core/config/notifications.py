"""`settings.notify`: each entry a command or an address, and the ends that it is told of."""

from msgspec.structs import replace

from vibeguard.core.config.nodes import Mapping, Node, Sequence
from vibeguard.core.config.scalars import command_line, member_of, web_address
from vibeguard.core.config.value_reader import Reader, kind
from vibeguard.core.model.keys import keys_of
from vibeguard.core.model.notification import Notification
from vibeguard.core.names import Occasion

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
    reader.only_keys(node, keys_of(Notification), '"notify"')
    if ("command" in node.values) is ("webhook" in node.values):
        both = "command" in node.values
        has = "both command and webhook" if both else "neither command nor webhook"
        reader.misshapen(f"an entry of notify has {has}", _HOW, node)
        return None
    named = "command" if "command" in node.values else "webhook"
    text = reader.required(node, named, "this entry of notify")
    if text.value:
        reader.value(text, web_address if named == "webhook" else command_line, "")
    listed = node.values.get("on")
    if type(listed) is Sequence and not listed.items:
        told = "this entry of notify is told of no end"
        reader.misshapen(told, 'remove the entry, or "on" for every end', listed)
    words = [reader.value(word, _occasion, None) for word in reader.texts(node, "on")]
    on = tuple(dict.fromkeys(word for word in words if word is not None))
    command, webhook = (text.value, "") if named == "command" else ("", text.value)
    entry = Notification(command=command, webhook=webhook)
    return replace(entry, on=on) if on else entry


def _occasion(text: str) -> Occasion | None:
    return member_of(Occasion, "value of on", text)
