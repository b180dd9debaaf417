"""What a valid `vibeguard.yaml` means (DESIGN section 2). Values only; `core.config` makes them.

A key of the file is one field here: see `keys`. None of these can be part of a reference cycle,
hence `gc=False`: with 10,000 checks the collector would take a quarter of the loading time.
"""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.model.config_parts import Prompt, Requirement, Triggers, Where
from vibeguard.core.model.keys import Choice, Count, Duration, Key, Plain, Template
from vibeguard.core.model.results import Expectation, Quarantine, ResultsSource
from vibeguard.core.model.settings import CheckDefaults, Settings
from vibeguard.core.names import Mode, ReusePolicy, Severity, StalePolicy
from vibeguard.core.wording.units import SECOND_NS

DEFAULT_TIMEOUT_NS = 30 * SECOND_NS


class CheckKeys(CheckDefaults, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """What the config says about a check and the plan records."""

    id: Annotated[
        str, Key("`^[A-Za-z_][A-Za-z0-9_-]*$`, at most 1,000 characters", keys.Identifier())
    ]
    run: Annotated[str, Key("the command", keys.Command())]
    requires: Annotated[
        tuple[Requirement, ...],
        Key(
            "ids of checks that must pass first, or "
            "`{check: ID, while_pending: wait|skip|proceed}` "
            "([what they mean](design.md#2-config))",
            keys.Requirements(),
        ),
    ] = ()
    tags: Annotated[
        tuple[str, ...],
        Key("`^[a-z][a-z0-9-]*$`; for `--tags` and `--exclude-tags`", keys.Tags()),
    ] = ()
    inputs: Annotated[
        tuple[str, ...],
        Key(
            "patterns of the files that the result depends on "
            "([how they are written](#patterns-of-files)); without any, the whole tree",
            keys.Globs(),
        ),
    ] = ()
    reuse: Annotated[
        ReusePolicy,
        Key(
            "`true`: a pass may stand for the next one under `--reuse` while its key is the same; "
            "`confirm`: it does, and the check runs again in the background; needs `inputs` and "
            "`tools` ([more](reuse.md))",
            keys.Reuse(),
        ),
    ] = ReusePolicy.OFF
    tools: Annotated[
        tuple[str, ...] | None,
        Key(
            "commands whose output tells the versions of what the check uses, such as "
            "`ruff --version`; `[]` where the first word of `run` is all; for `reuse`",
            keys.Tools(),
            default="not known",
        ),
    ] = None
    outputs: Annotated[
        tuple[str, ...] | None,
        Key(
            "patterns of the files that the check makes for those that require it, or `[]`; only "
            "then a check that runs may rest on a reused one",
            keys.Globs(),
            default="not known",
        ),
    ] = None
    env_inputs: Annotated[
        tuple[str, ...],
        Key(
            "names of environment variables that the result depends on; for `reuse`",
            keys.VariableNames(),
        ),
    ] = ()
    files: Annotated[
        tuple[str, ...],
        Key(
            "patterns of the files whose change concerns the check under `--changed`; without any, "
            "those of `inputs`",
            keys.Globs(),
        ),
    ] = ()
    pass_files: Annotated[
        bool,
        Key(
            'the command gets the names of its files as `"$@"`, in as many calls as it takes: '
            "those that have changed under `--changed`, else all that match `files` "
            "([more](#patterns-of-files))",
            keys.Truth(),
        ),
    ] = False
    cwd: Annotated[
        str,
        Key(
            "folder to run in, at or below the folder of the config file (`.` is that folder "
            "itself)",
            keys.Folder(),
            default="where the run is",
        ),
    ] = ""
    severity: Annotated[
        Severity,
        Key(
            "`warning`: shown as `warned` when it does not pass, never fails the run",
            Choice(Severity, "severity"),
        ),
    ] = Severity.ERROR
    grok: Annotated[
        tuple[str, ...],
        Key(
            "one pattern or a list: RE2 with `%{NAME}`, `%{NAME:field}` and `(?P<field>…)`, "
            "searched in the whole output; the first match counts, later patterns override "
            "earlier ones",
            keys.Patterns(),
        ),
    ] = ()
    file: Annotated[
        str,
        Key("read this file, below the working folder, instead of the output", keys.Command()),
    ] = ""
    assertion: Annotated[
        str,
        Key(
            "an expression over the extracted values: `|| && ! == != < <= > >= + - * / ( )`, "
            "numbers, strings, `true`, `false`, names. A value that reads as a number compares "
            "as one. A name that was not extracted fails the check",
            keys.Assertion(),
            name="assert",
        ),
    ] = ""
    suggestion: Annotated[
        str,
        Key(
            "shown when the check does not pass; a template over extracted values and variables",
            Template(),
        ),
    ] = ""
    fix: Annotated[
        str,
        Key(
            "a command that repairs it; the same templates, extracted values "
            "[only where they are plain](#suggestions-and-fixes)",
            Template(),
        ),
    ] = ""
    on: Annotated[
        Triggers,
        Key(
            "`success`, `failure`, `timeout`: a list of prompt ids, or an inline text. A timeout "
            "shows `timeout`, or `failure` if there is none",
            keys.Prompts(),
        ),
    ] = Triggers()
    timeout_ns: Annotated[
        int,
        Key("the longest that one attempt may take; 0 means the default", Duration()),
    ] = DEFAULT_TIMEOUT_NS
    mode: Annotated[
        Mode,
        Key(
            "`auto`: in the background if `timeout` is over `async_after`; `true`, `false`",
            keys.Placement(),
            name="async",
        ),
    ] = "auto"
    slow_after_ns: Annotated[
        int | None,
        Key("say so when it takes longer, and again each time that this has passed", Duration()),
    ] = None
    idle_timeout_ns: Annotated[
        int | None, Key("no output for this long is a hang: timeout, reason `idle`", Duration())
    ] = None
    retries: Annotated[
        int,
        Key(
            "further attempts after a failure or a timeout; passed on one of them is passed and "
            "flaky",
            Count(0, 1_000),
        ),
    ] = 0
    group: Annotated[
        str,
        Key(
            "checks of one group never run at the same time, across the runs of one folder too",
            Plain(),
        ),
    ] = ""
    results: Annotated[
        tuple[ResultsSource, ...],
        Key(
            "single results: `{junit: FILE}`, `sarif`, `ctrf` or `tap`, "
            "`{json: TOOL, file: FILE}`, `{matcher: NAME or FILE}`, or a list of these; `output` "
            "in the place of a file, or none, is what the check writes "
            "([how they are read](results.md))",
            keys.ResultSources(),
        ),
    ] = ()
    expect: Annotated[
        Expectation | None,
        Key(
            "`min`, `max_skipped` tests, `max_errors` diagnostics: a pass with other results is a "
            "failure",
            keys.Section(Expectation),
        ),
    ] = None
    stale: Annotated[
        StalePolicy,
        Key(
            "`allow`: a report may be older than the attempt, for tools with a cache of their own",
            Choice(StalePolicy, "value of stale"),
        ),
    ] = StalePolicy.REFUSE
    quarantine: Annotated[
        Quarantine | None,
        Key(
            "`results`, `until`, `issue`, `owner`: while only the listed tests fail, the failure "
            "counts as a warning ([when](results.md#quarantine))",
            keys.Section(Quarantine),
        ),
    ] = None
    weight: Annotated[int, Key("slots it takes, at most the whole pool", Count(1, 1_000_000))] = 1
    where: Annotated[
        Where | None,
        Key(
            "run it on a worker of the pool, not here ([workers](workers.md))", keys.Section(Where)
        ),
    ] = None
    pass_env: Annotated[
        tuple[str, ...],
        Key(
            "names of the caller's variables that a check with `where` gets; the worker is told of "
            "no others",
            keys.VariableNames(),
        ),
    ] = ()
    artifacts: Annotated[
        tuple[str, ...],
        Key(
            "files, or globs of them, that a check with `where` brings back into the run folder",
            keys.Files(),
        ),
    ] = ()
    retry_lost: Annotated[
        int,
        Key(
            "further attempts when a worker is lost; beside `retries`, and no pass is flaky for it",
            Count(0, 1_000),
        ),
    ] = 0


class CheckConfig(CheckKeys, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """One check as configured: variables already put into run, file, grok and assertion.

    `suggestion` and `fix` stay templates: they are rendered when shown. What the check leaves to
    the settings has their value.
    """

    env: Annotated[
        dict[str, str],
        Key("variables for the command; the values are never recorded", keys.Environment()),
    ] = {}


class Config(Struct, frozen=True, omit_defaults=True, gc=False):
    """A whole valid config, in the order of the file."""

    checks: Annotated[
        tuple[CheckConfig, ...], Key("the checks, at least one", keys.Entries(CheckConfig))
    ]
    version: Annotated[str, Key('`"1"`, or absent', keys.Version())] = "1"
    vars: Annotated[
        dict[str, str],
        Key(
            "name → text, for `{{.name}}`. In `run`, `file`, `grok` and `assert` exactly that form "
            "of a known name is replaced, in one pass, and nothing else, so "
            "`docker ps --format '{{.Names}}'` survives. Variables may use variables",
            keys.Variables(),
        ),
    ] = {}
    settings: Annotated[
        Settings, Key("for the run, and for checks that do not say", keys.Section(Settings))
    ] = Settings()
    prompts: Annotated[
        tuple[Prompt, ...], Key("texts for people and agents", keys.Entries(Prompt))
    ] = ()
