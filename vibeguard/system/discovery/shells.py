"""The sh of this machine, and what it knows: found out by trying."""

from functools import cache
from typing import Final

SHELL: Final = "/bin/sh"
_PATIENCE_S: Final = 5.0


@cache
def sh_lacks(name: str, shell: str = SHELL) -> bool:
    """Whether sh does not know one of `PROBES`; False too where there is no sh to ask."""
    import subprocess  # noqa: PLC0415 - hardly ever asked, and SHELL by everybody

    from vibeguard.core.lang.bashisms import PROBES  # noqa: PLC0415 - the same
    from vibeguard.system.own_group import ask  # noqa: PLC0415 - the same

    script, expected = PROBES[name]
    try:
        asked = ask((shell, "-c", script), _PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode != expected
