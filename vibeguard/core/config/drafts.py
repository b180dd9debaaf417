"""The config between its shape and its meaning: typed, but every text still knows its place."""

from msgspec import Struct

from vibeguard.core.config.nodes import Mapping, Text
from vibeguard.core.model.config import DEFAULT_TIMEOUT_NS, Settings
from vibeguard.core.names import LeakPolicy, Mode, Severity, WhilePending


class RequirementDraft(Struct, gc=False):
    """An entry of `requires`; `choice` is the text of `while_pending` where one is written."""

    check: Text
    while_pending: WhilePending = WhilePending.WAIT
    choice: Text | None = None


class TriggerDraft(Struct, gc=False):
    """What one event of `on` shows: an inline text, or the ids of prompts."""

    inline: Text | None = None
    prompts: list[Text] = []


class PromptDraft(Struct, gc=False):
    """One entry of `prompts`."""

    id: Text
    description: str = ""
    content: str = ""
    tags: tuple[str, ...] = ()


class CheckDraft(Struct, gc=False):
    """One entry of `checks`. `use` is where an alias put it into the list, if one did."""

    node: Mapping
    use: tuple[int, int] | None
    id: Text
    run: Text
    requires: list[RequirementDraft] = []
    tags: tuple[str, ...] = ()
    grok: list[Text] = []
    file: Text | None = None
    assertion: Text | None = None
    suggestion: str = ""
    fix: str = ""
    on: dict[str, TriggerDraft] = {}
    timeout_ns: int = DEFAULT_TIMEOUT_NS
    mode: Mode = "auto"
    severity: Severity = Severity.ERROR
    env: dict[str, str] = {}
    cwd: str = ""
    slow_after_ns: int | None = None
    idle_timeout_ns: int | None = None
    retries: int = 0
    group: str = ""
    weight: int = 1
    leaks: LeakPolicy | None = None
    output_limit_bytes: int | None = None


class ConfigDraft(Struct, gc=False):
    """The whole config."""

    vars: dict[str, Text]
    settings: Settings
    prompts: list[PromptDraft]
    checks: list[CheckDraft]
