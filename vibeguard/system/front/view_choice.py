"""Which view a log is followed with: drawn anew on a terminal, line by line anywhere else."""

import os

from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.formats.registry import make_format
from vibeguard.core.wording.terminal import wants_live
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import is_terminal
from vibeguard.system.front.view import View


def make_view(name: str, options: FormatOptions, output: Output, *, live: bool) -> View:
    """A view in the named format; `live` draws progress where text goes to a terminal."""
    if name == "text" and live and wants_live(os.environ, is_terminal=is_terminal()):
        from vibeguard.system.front.live_view import LiveView  # noqa: PLC0415 - on terminals alone

        return LiveView(options, output)
    return View(make_format(name, options), output)
