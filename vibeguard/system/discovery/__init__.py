"""What is found out about the world before a command does anything: files, machine, repository.

`machine` and `vcs` are imported by those who need them.
"""

from vibeguard.system.discovery.whereabouts import (
    CONFIG_NAMES,
    STATE_NAME,
    Located,
    find_config,
    find_state_dir,
    read_config,
    repository_root,
    state_dir_of,
)

__all__ = [
    "CONFIG_NAMES",
    "STATE_NAME",
    "Located",
    "find_config",
    "find_state_dir",
    "read_config",
    "repository_root",
    "state_dir_of",
]
