"""Which pool a command means, and the way into it."""

import os
from typing import Annotated

from vibeguard.commands.loading import has_config, load
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.core.problems import UsageError
from vibeguard.system.pool.access import Access, access_from


class PoolOptions(Options, frozen=True, kw_only=True):
    """`workers`, and what `worker` has in common with it: which pool."""

    pool: Annotated[
        str | None, Parameter(metavar="NAME", help="The pool [default: as the config says].")
    ] = None
    insecure: Annotated[
        bool, Parameter(help="Allow redis:// to another machine: the files go in the clear.")
    ] = False


def access_to(common: GlobalOptions, options: PoolOptions) -> Access:
    """The pool of the flags, else of the config. Raises UsageError."""
    name, insecure = options.pool, options.insecure
    if name is None and has_config(common):
        settings = load(common).config.settings.pool
        if settings is not None:
            name, insecure = settings.name, insecure or settings.insecure
    if name is None:
        raise UsageError("which pool?", "name it: --pool NAME, or settings.pool in the config")
    return access_from(os.environ, name, insecure=insecure)
