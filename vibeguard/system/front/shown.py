"""What this process's terminal and environment mean for a format."""

import os
import sys
from collections.abc import Callable
from functools import cache, partial

from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.model.state import State
from vibeguard.core.wording.terminal import is_ci, shows_unicode, wants_colour
from vibeguard.system.rundir.ids import place_of


def format_options(
    *,
    run_folder: str,
    verbose: bool = False,
    since: int | str = -1,
    budget: int | None = None,
    quiet: bool = False,
) -> FormatOptions:
    """What this process's terminal and environment mean for a format.

    `since` is the number of an event, or names a run of the same folder; raises RunNotFound then.
    """
    columns, rows = terminal_size()
    return FormatOptions(
        colour=wants_colour(os.environ, is_terminal=is_terminal()),
        columns=columns,
        rows=rows,
        verbose=verbose,
        quiet=quiet,
        ci=is_ci(os.environ),
        unicode=shows_unicode(os.environ),
        since=since if isinstance(since, int) else -1,
        budget=budget,
        run_folder=run_folder,
        asset=_asset,
        former=_former(run_folder, since),
        news_only=isinstance(since, str),
    )


def _former(run_folder: str, since: int | str) -> Callable[[State], State | None]:
    """What to hold a run against: what was told up to an event needs no other run."""
    if not run_folder or (isinstance(since, int) and since >= 0):
        return lambda _: None
    state_dir, _ = place_of(run_folder)
    if isinstance(since, str):
        return _former_run(state_dir, since)
    later = cache(partial(_former_run, state_dir))  # it reads the other run once

    def former(state: State) -> State | None:
        return later()(state)

    return former


def _former_run(state_dir: str, *named: str) -> Callable[[State], State | None]:
    from vibeguard.system.front.former import former_run  # noqa: PLC0415 - for agents alone

    return former_run(state_dir, *named)


def _asset(name: str) -> str:
    from vibeguard.system.front.assets import read_asset  # noqa: PLC0415 - for pages alone

    return read_asset(name)


def terminal_size() -> tuple[int, int]:
    """Columns and rows of the terminal at stderr; 0 columns where there is none."""
    try:
        size = os.get_terminal_size(2)
    except OSError:
        return 0, 24
    return size.columns, size.lines


def is_terminal() -> bool:
    """Whether stderr is one."""
    return sys.stderr is not None and os.isatty(2)
