"""The config between its shape and its meaning: typed, but every text still knows its place."""

from typing import Any

from msgspec import Struct

from vibeguard.core.config.nodes import Mapping, Text
from vibeguard.core.model.config_parts import Prompt
from vibeguard.core.model.settings import Settings
from vibeguard.core.names import WhilePending


class RequirementDraft(Struct, gc=False):
    """An entry of `requires`; `choice` is the text of `while_pending` where one is written."""

    check: Text
    while_pending: WhilePending = WhilePending.WAIT
    choice: Text | None = None


class TriggerDraft(Struct, gc=False):
    """What one event of `on` shows: an inline text, or the ids of prompts."""

    inline: Text | None = None
    prompts: list[Text] = []


class CheckDraft(Struct, gc=False):
    """One entry of `checks`. `use` is where an alias put it into the list, if one did.

    `values` are the fields of `CheckConfig` that it gives, of which `meaning` completes some;
    where it is not sound, some were refused.
    """

    node: Mapping
    use: tuple[int, int] | None
    id: Text
    values: dict[str, Any]
    is_sound: bool = True

    @property
    def requires(self) -> list[RequirementDraft]:
        """What it requires, as written."""
        requires: list[RequirementDraft] = self.values.get("requires", [])
        return requires


class ConfigDraft(Struct, gc=False):
    """The whole config; each prompt with the text that names it."""

    vars: dict[str, Text]
    settings: Settings
    prompts: list[tuple[Text, Prompt]]
    checks: list[CheckDraft]
