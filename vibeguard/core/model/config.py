"""What a valid `vibeguard.yaml` means (DESIGN section 2). Values only; `core.config` makes them.

None of these can be part of a reference cycle, hence `gc=False`: with 10,000 checks the collector
would take a quarter of the loading time.
"""

from msgspec import Struct

from vibeguard.core.names import LeakPolicy, Mode, Severity, WhilePending
from vibeguard.core.wording.units import SECOND_NS

DEFAULT_TIMEOUT_NS = 30 * SECOND_NS
DEFAULT_ASYNC_AFTER_NS = 60 * SECOND_NS
DEFAULT_GRACE_NS = 5 * SECOND_NS
DEFAULT_LEAK_GRACE_NS = SECOND_NS // 5
DEFAULT_OUTPUT_LIMIT_BYTES = 1 << 30
DEFAULT_GROK_LIMIT_BYTES = 64 << 20


class Requirement(Struct, frozen=True, omit_defaults=True, gc=False):
    """One entry of `requires`: the check it names, and what to do while that one is pending."""

    check: str
    while_pending: WhilePending = WhilePending.WAIT


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

    id: str
    description: str = ""
    content: str = ""
    tags: tuple[str, ...] = ()


class Settings(Struct, frozen=True, omit_defaults=True, gc=False):
    """`settings:` as written; None means that the default depends on the machine or is off."""

    parallel: int | None = None
    async_parallel: int | None = None
    async_after_ns: int = DEFAULT_ASYNC_AFTER_NS
    grace_ns: int = DEFAULT_GRACE_NS
    fail_fast: bool = False
    run_timeout_ns: int | None = None
    leaks: LeakPolicy = LeakPolicy.WARN
    leak_grace_ns: int = DEFAULT_LEAK_GRACE_NS
    output_limit_bytes: int = DEFAULT_OUTPUT_LIMIT_BYTES
    grok_limit_bytes: int = DEFAULT_GROK_LIMIT_BYTES
    keep_runs: int = 100
    keep_bytes: int = 1 << 30
    keep_age_ns: int = 30 * 24 * 3600 * SECOND_NS


class CheckConfig(Struct, frozen=True, omit_defaults=True, gc=False):
    """One check as configured: variables already put into run, file, grok and assertion.

    `suggestion` and `fix` stay templates: they are rendered when shown. None for `leaks` and
    `output_limit_bytes` means: as the settings say.
    """

    id: str
    run: str
    requires: tuple[Requirement, ...] = ()
    timeout_ns: int = DEFAULT_TIMEOUT_NS
    mode: Mode = "auto"
    severity: Severity = Severity.ERROR
    tags: tuple[str, ...] = ()
    grok: tuple[str, ...] = ()
    file: str = ""
    assertion: str = ""
    suggestion: str = ""
    fix: str = ""
    on: Triggers = Triggers()
    env: dict[str, str] = {}
    cwd: str = ""
    slow_after_ns: int | None = None
    idle_timeout_ns: int | None = None
    retries: int = 0
    group: str = ""
    weight: int = 1
    leaks: LeakPolicy | None = None
    output_limit_bytes: int | None = None


class Config(Struct, frozen=True, omit_defaults=True, gc=False):
    """A whole valid config, in the order of the file."""

    checks: tuple[CheckConfig, ...]
    version: str = "1"
    vars: dict[str, str] = {}
    settings: Settings = Settings()
    prompts: tuple[Prompt, ...] = ()
