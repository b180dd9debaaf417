"""`vibeguard run`."""

from vibeguard.commands.options import RUN_DEFAULTS, GlobalOptions, RunOptions


def run(
    *ids: str,
    common: GlobalOptions,
    options: RunOptions = RUN_DEFAULTS,
) -> int:
    """Run checks: the named ones, the selected ones, or all."""
    raise NotImplementedError((common, options))
