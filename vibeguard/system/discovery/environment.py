"""The environment that checks get, and that git is asked with: the one place that decides it."""

import os
import re
from collections.abc import Mapping

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.names import GitEnvironment, Pool

# Neither id may be all zeros, and version ff is none.
_TRACEPARENT = r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
# What tells of a process to which attempt of which run it belongs, and to which worker of a pool.
RUN_MARK = b"VIBEGUARD_RUN"
CHECK_MARK = b"VIBEGUARD_CHECK"
ATTEMPT_MARK = b"VIBEGUARD_ATTEMPT"
WORKER_MARK = b"VIBEGUARD_WORKER"
FILE_LIST = b"VIBEGUARD_FILES"
_OUR_SETTINGS = frozenset(
    {
        b"VIBEGUARD_CONFIG",
        b"VIBEGUARD_LOG_DIR",
        b"VIBEGUARD_PARALLEL",
        b"VIBEGUARD_STATE_DIR",
        b"VIBEGUARD_POOL_URL",  # it holds the password
        b"VIBEGUARD_POOL_KEY_FILE",
        b"VIBEGUARD_NOTIFY_KEY_FILE",
    }
)

# What `git rev-parse --local-env-vars` names: asking git would cost each run a process.
_GIT_LOCAL = frozenset(
    {
        b"GIT_ALTERNATE_OBJECT_DIRECTORIES",
        b"GIT_COMMON_DIR",
        b"GIT_CONFIG",
        b"GIT_CONFIG_COUNT",
        b"GIT_CONFIG_PARAMETERS",
        b"GIT_DIR",
        b"GIT_GRAFT_FILE",
        b"GIT_IMPLICIT_WORK_TREE",
        b"GIT_INDEX_FILE",
        b"GIT_INTERNAL_SUPER_PREFIX",
        b"GIT_NO_REPLACE_OBJECTS",
        b"GIT_OBJECT_DIRECTORY",
        b"GIT_PREFIX",
        b"GIT_REPLACE_REF_BASE",
        b"GIT_SHALLOW_FILE",
        b"GIT_WORK_TREE",
    }
)

_REPOSITORY = frozenset({b"GIT_COMMON_DIR", b"GIT_DIR", b"GIT_WORK_TREE"})


def check_environment(
    caller: Mapping[bytes, bytes],
    planned: PlannedCheck,
    own: Mapping[str, str],
    *,
    run_id: str,
    attempt: int,
) -> dict[bytes, bytes]:
    """What an attempt of this check gets, whatever started the run: a hook, a command, an agent.

    `caller` is what `caller_environment` gave; `own` is what the config sets. Git's local
    variables go unless the check is to stage, which only a foreground check can: a hook's index
    makes a background check see no files, and a nested git write into it.
    """
    keeps = planned.git_env is GitEnvironment.KEEP and planned.pool is Pool.FOREGROUND
    environment = dict(caller) if keeps else without_git_locals(caller)
    for name, value in own.items():
        environment[os.fsencode(name)] = os.fsencode(value)
    return environment | marks_of(run_id, planned.id, attempt)


def marks_of(run_id: str, check: str, attempt: int) -> dict[bytes, bytes]:
    """The variables by which the processes of an attempt are known."""
    return {
        RUN_MARK: run_id.encode(),
        CHECK_MARK: check.encode(),
        ATTEMPT_MARK: str(attempt).encode(),
    }


def is_in_a_check(environment: Mapping[bytes, bytes]) -> bool:
    """Whether a check of some run started what has this environment."""
    return RUN_MARK in environment


def without_git_locals(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The same without what ties git to one repository, index or object store."""
    return {name: value for name, value in environment.items() if name not in _GIT_LOCAL}


def of_this_repository(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The same without what names a repository: a hook of another one may have started this.

    An index and settings of the caller's stay.
    """
    return {name: value for name, value in environment.items() if name not in _REPOSITORY}


def traceparent(environment: Mapping[bytes, bytes]) -> str:
    """The span that the caller is in, by W3C's Trace Context; empty where none is told."""
    told = environment.get(b"TRACEPARENT", b"").decode("ascii", "replace").strip()
    return told if re.fullmatch(_TRACEPARENT, told) else ""


def caller_environment(path: str = "/proc/self/environ") -> dict[bytes, bytes]:
    """The environment as the caller gave it, in bytes, without our own settings variables.

    Read from the kernel, for Python changes its copy (coercion to C.UTF-8 sets `LC_CTYPE`). A name
    that comes twice keeps its first value, as getenv has it. Where the kernel does not tell (on
    macOS, or for a process that hides itself), Python's copy must do.
    """
    try:
        with open(path, "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return _without_ours(os.environb)
    environment: dict[bytes, bytes] = {}
    for entry in entries:
        name, equals, value = entry.partition(b"=")
        if equals and name:
            environment.setdefault(name, value)
    return _without_ours(environment)


def _without_ours(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    return {name: value for name, value in environment.items() if name not in _OUR_SETTINGS}
