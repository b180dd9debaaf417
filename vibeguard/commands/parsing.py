"""argv in, a call that is ready to be made out: plain words at once, others through cyclopts."""

import os
from collections.abc import Callable, Mapping

from vibeguard import late_patterns
from vibeguard.commands.plain import plain_call


def parse(arguments: list[str], environ: Mapping[str, str] = os.environ) -> Callable[[], int]:
    """The call that these arguments ask for. Raises UsageError or a CycloptsError."""
    call = plain_call(arguments, environ)
    if call is None:
        late_patterns.compile_again()  # what rich does with its own is not ours to know
        from vibeguard.commands import application  # noqa: PLC0415 - cyclopts is 80 ms

        call = application.parse(arguments, environ)
    return call
