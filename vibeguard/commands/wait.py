"""`vibeguard wait`."""

from vibeguard.commands.options import WAIT_DEFAULTS, GlobalOptions, WaitOptions


def wait(
    run: str = "latest",
    /,
    *,
    common: GlobalOptions,
    options: WaitOptions = WAIT_DEFAULTS,
) -> int:
    """Wait for a run; end with its exit code, or 5 while it is pending."""
    raise NotImplementedError((common, options))
