"""What a valid `vibeguard.yaml` means (DESIGN section 2). Values only; `core.config` makes them.

A key of the file is one field here: see `keys`. None of these can be part of a reference cycle,
hence `gc=False`: with 10,000 checks the collector would take a quarter of the loading time.
"""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.model.config_parts import Prompt, Requirement, Triggers, Where
from vibeguard.core.model.keys import Choice, Count, Duration, Plain, Template
from vibeguard.core.model.results import Expectation, Quarantine, ResultsSource
from vibeguard.core.model.settings import CheckDefaults, Settings
from vibeguard.core.names import Mode, ReusePolicy, Severity, StalePolicy
from vibeguard.core.wording.units import SECOND_NS

DEFAULT_TIMEOUT_NS = 30 * SECOND_NS


class CheckKeys(CheckDefaults, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """What the config says about a check and the plan records."""

    id: Annotated[str, keys.Identifier()]
    run: Annotated[str, keys.Command()]
    requires: Annotated[tuple[Requirement, ...], keys.Requirements()] = ()
    tags: Annotated[tuple[str, ...], keys.Tags()] = ()
    inputs: Annotated[tuple[str, ...], keys.Globs()] = ()
    reuse: Annotated[ReusePolicy, keys.Reuse()] = ReusePolicy.OFF
    tools: Annotated[tuple[str, ...] | None, keys.Tools()] = None
    outputs: Annotated[tuple[str, ...] | None, keys.Globs()] = None
    env_inputs: Annotated[tuple[str, ...], keys.VariableNames()] = ()
    files: Annotated[tuple[str, ...], keys.Globs()] = ()
    pass_files: Annotated[bool, keys.Truth()] = False
    cwd: Annotated[str, keys.Folder()] = ""
    severity: Annotated[Severity, Choice(Severity, "severity")] = Severity.ERROR
    grok: Annotated[tuple[str, ...], keys.Patterns()] = ()
    file: Annotated[str, keys.Command()] = ""
    assertion: Annotated[str, keys.Assertion(name="assert")] = ""
    suggestion: Annotated[str, Template()] = ""
    fix: Annotated[str, Template()] = ""
    on: Annotated[Triggers, keys.Prompts()] = Triggers()
    timeout_ns: Annotated[int, Duration()] = DEFAULT_TIMEOUT_NS
    mode: Annotated[Mode, keys.Placement(name="async")] = "auto"
    slow_after_ns: Annotated[int | None, Duration()] = None
    idle_timeout_ns: Annotated[int | None, Duration()] = None
    retries: Annotated[int, Count(0, 1_000)] = 0
    group: Annotated[str, Plain()] = ""
    results: Annotated[tuple[ResultsSource, ...], keys.ResultSources()] = ()
    expect: Annotated[Expectation | None, keys.Section(Expectation)] = None
    stale: Annotated[StalePolicy, Choice(StalePolicy, "value of stale")] = StalePolicy.REFUSE
    quarantine: Annotated[Quarantine | None, keys.Section(Quarantine)] = None
    weight: Annotated[int, Count(1, 1_000_000)] = 1
    where: Annotated[Where | None, keys.Section(Where)] = None
    pass_env: Annotated[tuple[str, ...], keys.VariableNames()] = ()
    artifacts: Annotated[tuple[str, ...], keys.Files()] = ()
    retry_lost: Annotated[int, Count(0, 1_000)] = 0


class CheckConfig(CheckKeys, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """One check as configured: variables already put into run, file, grok and assertion.

    `suggestion` and `fix` stay templates: they are rendered when shown. What the check leaves to
    the settings has their value.
    """

    env: Annotated[dict[str, str], keys.Environment()] = {}


class Config(Struct, frozen=True, omit_defaults=True, gc=False):
    """A whole valid config, in the order of the file."""

    checks: Annotated[tuple[CheckConfig, ...], keys.Entries(CheckConfig)]
    version: Annotated[str, keys.Version()] = "1"
    vars: Annotated[dict[str, str], keys.Variables()] = {}
    settings: Annotated[Settings, keys.Section(Settings)] = Settings()
    prompts: Annotated[tuple[Prompt, ...], keys.Entries(Prompt)] = ()
