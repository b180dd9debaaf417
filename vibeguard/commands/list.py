"""`vibeguard list`."""

from vibeguard.commands.columns import columns
from vibeguard.commands.loading import load, matching
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_answer
from vibeguard.core.model.check_list import CheckList, ListedCheck
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.planning.plan import pool_of
from vibeguard.core.wording.layout import first_line
from vibeguard.core.wording.units import duration


def list_checks(*, common: GlobalOptions) -> int:
    """List the checks in the order of the config, with -v their commands too."""
    config = load(common).config
    listed = tuple(_listed(config, check) for check in matching(config, common))
    rows = columns([_row(check, verbose=common.verbose) for check in listed])
    write_answer(CheckList(listed), rows, as_json=common.json)
    return 0


def _listed(config: Config, check: CheckConfig) -> ListedCheck:
    return ListedCheck(
        id=check.id,
        command=check.run,
        requires=tuple(requirement.check for requirement in check.requires),
        tags=check.tags,
        severity=check.severity.value,
        timeout_ms=check.timeout_ns // 1_000_000,
        pool=pool_of(check, config.settings.async_after_ns).value,
    )


def _row(check: ListedCheck, *, verbose: bool) -> list[str]:
    row = [
        check.id,
        check.pool,
        duration(check.timeout_ms * 1_000_000),
        check.severity,
        f"[{', '.join(check.tags)}]" if check.tags else "",
        f"requires {', '.join(check.requires)}" if check.requires else "",
    ]
    return [*row, first_line(check.command)] if verbose else row
