"""`vibeguard validate`."""

from msgspec import Struct

from vibeguard.commands.loading import load
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.output import write_document, write_err
from vibeguard.core.model.config import Config
from vibeguard.core.names import Pool
from vibeguard.core.planning.plan import pool_of
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural


class Validation(Struct, frozen=True):
    """`validate --json` of a valid config; an invalid one gives the document of every refusal."""

    valid: bool
    config_path: str
    checks: int
    background: int
    prompts: int
    exit_code: int = 0
    errors: tuple[str, ...] = ()


def validate(*, common: GlobalOptions) -> int:
    """Say that the config is right; whatever is wrong with it has been raised by then."""
    loaded = load(common)
    config = loaded.config
    background = background_checks(config)
    if common.json:
        write_document(
            Validation(
                valid=True,
                config_path=loaded.path,
                checks=len(config.checks),
                background=background,
                prompts=len(config.prompts),
            )
        )
        return 0
    parts = [plural(len(config.checks), "check")]
    if background:
        parts.append(f"{background} of them in the background")
    if config.prompts:
        parts.append(plural(len(config.prompts), "prompt"))
    write_err(f"{sanitise(loaded.path)} is valid: {', '.join(parts)}.\n")
    return 0


def background_checks(config: Config) -> int:
    """How many checks run in the background."""
    limit = config.settings.async_after_ns
    return sum(pool_of(check, limit) is Pool.BACKGROUND for check in config.checks)
