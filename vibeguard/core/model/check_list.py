"""What `list` knows of the checks of a config."""

from msgspec import Struct


class ListedCheck(Struct, frozen=True):
    """One check as `list --json` tells it."""

    id: str
    command: str
    requires: tuple[str, ...]
    tags: tuple[str, ...]
    severity: str
    timeout_ms: int
    pool: str


class CheckList(Struct, frozen=True):
    """`list --json`."""

    checks: tuple[ListedCheck, ...]
