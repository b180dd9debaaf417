"""`vibeguard status`."""

from vibeguard.commands.options import GlobalOptions


def status(run: str = "latest", /, *, common: GlobalOptions) -> int:
    """Say what is running, since when, what is left and how long it may take; exit 0."""
    raise NotImplementedError((run, common))
