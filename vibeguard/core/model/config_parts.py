"""Values in a config that have keys of their own; `config` has the check and the whole.

`gc=False` as there.
"""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.model.keys import Choice, Key, Plain
from vibeguard.core.names import WhilePending


class Requirement(Struct, frozen=True, omit_defaults=True, gc=False):
    """One entry of `requires`: the check it names, and what to do while that one is pending."""

    check: Annotated[str, Key("the check's id", keys.Identifier())]
    while_pending: Annotated[
        WhilePending,
        Key("what to do while it is pending", Choice(WhilePending, "value of while_pending")),
    ] = WhilePending.WAIT


class Trigger(Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing to show on an event: a named prompt or an inline text.

    `source` is the prompt's id, or "inline"; `content` is the text to show.
    """

    source: str
    content: str = ""


class Triggers(Struct, frozen=True, omit_defaults=True, gc=False):
    """`on:` of a check, resolved: what each event shows."""

    success: tuple[Trigger, ...] = ()
    failure: tuple[Trigger, ...] = ()
    timeout: tuple[Trigger, ...] = ()


class Prompt(Struct, frozen=True, omit_defaults=True, gc=False):
    """A named text for people and agents."""

    id: Annotated[str, Key("the name that `on` uses", keys.Identifier())]
    description: Annotated[str, Key("what it is for", Plain())] = ""
    content: Annotated[str, Key("the text itself", Plain())] = ""
    tags: Annotated[tuple[str, ...], Key("tags", keys.Tags())] = ()


class Where(Struct, frozen=True, omit_defaults=True, gc=False):
    """`where:` of a check: which workers may take it."""

    labels: Annotated[
        tuple[str, ...],
        Key("what a worker must have (`vibeguard worker --label`); none: any", keys.Labels()),
    ] = ()
