"""`vibeguard cancel`."""

from vibeguard.commands.options import CANCEL_DEFAULTS, CancelOptions, GlobalOptions


def cancel(
    run: str = "latest",
    /,
    *,
    common: GlobalOptions,
    options: CancelOptions = CANCEL_DEFAULTS,
) -> int:
    """Ask a run, or one check of it, to end."""
    raise NotImplementedError((common, options))
