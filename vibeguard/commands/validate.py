"""`vibeguard validate`."""

import os
from collections.abc import Iterator, Mapping

from msgspec import Struct

from vibeguard.commands.loading import Loaded, load, matching, state_dir_of_run
from vibeguard.commands.narrowing import folders_among_patterns
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_news
from vibeguard.core.model.config import Config
from vibeguard.core.names import Pool
from vibeguard.core.planning.plan import plan_of_all, pool_of
from vibeguard.core.report.config_advice import placement_advice, propose_results
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural
from vibeguard.system.history import load_estimates

SHORTEST_MASKED = 8  # characters of a value


class Validation(Struct, frozen=True):
    """`validate --json` of a valid config; an invalid one gives the document of every refusal."""

    valid: bool
    config_path: str
    checks: int
    background: int
    prompts: int
    exit_code: int = 0
    errors: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


def validate(*, common: GlobalOptions) -> int:
    """Say that the config is right; whatever is wrong with it has been raised by then.

    So has whatever is wrong with tags that are given.
    """
    loaded = load(common)
    config = loaded.config
    if common.tags or common.exclude_tags:
        matching(config, common)
    background = background_checks(config)
    plan_of_all(config)  # refuses what no log can hold
    advice = (
        *advice_on_redaction(config, os.environ),
        *advice_on_templates(config),
        *folders_among_patterns(loaded),
        *propose_results(config),
        *advice_from_history(loaded, common),
    )
    parts = [plural(len(config.checks), "check")]
    if background:
        parts.append(f"{background} of them in the background")
    if config.prompts:
        parts.append(plural(len(config.prompts), "prompt"))
    lines = [f"{sanitise(loaded.path)} is valid: {', '.join(parts)}."]
    lines += [f"advice: {sanitise(sentence)}" for sentence in advice]
    answer = Validation(
        valid=True,
        config_path=loaded.path,
        checks=len(config.checks),
        background=background,
        prompts=len(config.prompts),
        advice=advice,
    )
    write_news(answer, "".join(f"{line}\n" for line in lines), as_json=common.json)
    return 0


def advice_on_redaction(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    """Values that `redact` names and that are too short to be masked."""
    for name in config.settings.redact:
        values = [check.env[name] for check in config.checks if name in check.env]
        values += [environment[name]] if name in environment else []
        if any(len(value) < SHORTEST_MASKED for value in values):
            yield (
                f"{name} has a value of fewer than {SHORTEST_MASKED} characters, which redact "
                "does not mask: too much else would look the same"
            )


def advice_on_templates(config: Config) -> Iterator[str]:
    """Suggestions and fixes that are no templates, and so will be shown as they are written."""
    for check in config.checks:
        for key, text in (("suggestion", check.suggestion), ("fix", check.fix)):
            if "{{" not in text:
                continue
            from vibeguard.core.lang.grok import compile_grok  # noqa: PLC0415 - loads RE2
            from vibeguard.core.lang.template import check_template  # noqa: PLC0415 - only if used

            fields = {name for pattern in check.grok for name in compile_grok(pattern).fields}
            error = check_template(text, fields | set(config.vars))
            if error is not None:
                yield f"the {key} of {check.id} is shown as it is written: {error.sentence}"


def advice_from_history(loaded: Loaded, common: GlobalOptions) -> tuple[str, ...]:
    """What earlier runs say about where checks run; nothing where there are none."""
    config = loaded.config
    limit = config.settings.async_after_ns
    state_dir = state_dir_of_run(loaded.located, common)
    placed = [(check, pool_of(check, limit)) for check in config.checks]
    return tuple(placement_advice(placed, load_estimates(state_dir, config.checks), limit))


def background_checks(config: Config) -> int:
    """How many checks run in the background."""
    limit = config.settings.async_after_ns
    return sum(pool_of(check, limit) is Pool.BACKGROUND for check in config.checks)
