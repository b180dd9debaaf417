"""`vibeguard report`."""

from vibeguard.commands.options import REPORT_DEFAULTS, GlobalOptions, ReportOptions


def report(
    run: str = "latest",
    /,
    *,
    common: GlobalOptions,
    options: ReportOptions = REPORT_DEFAULTS,
) -> int:
    """Replay a run from its log; run nothing; end with its exit code."""
    raise NotImplementedError((common, options))
