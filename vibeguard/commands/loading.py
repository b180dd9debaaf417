"""The config that a command is about: found, read, understood."""

import os
from collections.abc import Callable
from functools import partial

from msgspec import Struct

from vibeguard.commands.caller_folders import shown_path, working_folder
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.config.load import load_config
from vibeguard.core.config.matcher_files import with_matcher_files
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.planning.select import select
from vibeguard.core.problems import UsageError
from vibeguard.system.discovery.whereabouts import Located, find_config, read_config, state_dir_of


class Loaded(Struct, frozen=True):
    """A valid config, where it was found, and its bytes; `path` is what messages call the file.

    `files` are the paths of all that it was read from.
    """

    config: Config
    located: Located
    path: str
    data: bytes
    files: tuple[str, ...]


def load(common: GlobalOptions, content_of: Callable[[str], bytes | None] | None = None) -> Loaded:
    """Find and load the config; what `content_of` says of a path stands for the file there.

    Raises UsageError where there is none or it cannot be read, ConfigError with every problem.
    """
    located = locate(common)

    files = []

    def content(path: str) -> bytes:
        files.append(path)
        data = content_of(path) if content_of else None
        return read_config(path) if data is None else data

    data = content(located.path)
    path = shown_path(located.path)
    config = load_config(data, path, sh_lacks=_sh_lacks)
    beside = partial(os.path.join, located.config_folder)
    complete = with_matcher_files(config, lambda file: content(beside(file)))
    return Loaded(complete, located, path, data, tuple(files))


def _sh_lacks(name: str) -> bool:
    from vibeguard.system.discovery.shells import sh_lacks  # noqa: PLC0415 - hardly ever asked

    return sh_lacks(name)


def locate(common: GlobalOptions) -> Located:
    """Find the config. Raises UsageError where there is none."""
    return find_config(common.config, os.environ, working_folder())


def state_dir_of_run(located: Located, common: GlobalOptions) -> str:
    """The state folder of a run of this config; it may not exist."""
    return state_dir_of(located, common.state_dir, os.environ, working_folder())


def has_config(common: GlobalOptions) -> bool:
    """Whether there is a config; one that is named and missing is an error, not an absence."""
    try:
        locate(common)
    except UsageError:
        if common.config or os.environ.get("VIBEGUARD_CONFIG"):
            raise
        return False
    return True


def matching(config: Config, common: GlobalOptions) -> tuple[CheckConfig, ...]:
    """The checks that `--tags` and `--exclude-tags` leave, themselves alone, as configured.

    Raises UsageError for a tag that no check has, and when nothing is left.
    """
    chosen = select(config, (), common.tags, common.exclude_tags, no_deps=True)
    ids = {check.id for check in chosen.checks}
    return tuple(check for check in config.checks if check.id in ids)
