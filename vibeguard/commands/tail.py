"""`vibeguard tail`."""

from vibeguard.commands.options import TAIL_DEFAULTS, GlobalOptions, TailOptions


def tail(
    run: str = "latest",
    /,
    *,
    common: GlobalOptions,
    options: TailOptions = TAIL_DEFAULTS,
) -> int:
    """Follow a run from its start, or from --since; end with its exit code."""
    raise NotImplementedError((common, options))
