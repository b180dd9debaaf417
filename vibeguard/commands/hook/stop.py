"""`vibeguard hook stop` and `hook wake`: what a coding agent calls, in its own protocol.

Both call the program as a user would, so that a hook says what the command line says.
"""

import json
import shutil
import subprocess
import sys
from hashlib import sha256

from vibeguard.commands.caller_folders import state_dir_of_runs
from vibeguard.commands.hook.targets import MOST_IN_A_ROW, TARGETS, Payload, Target
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err, write_exact
from vibeguard.core.names import SIGNAL_EXIT_CODES, ExitCode
from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.told import count_file, counted, set_count

_MOST_BYTES = 1 << 20
_JOIN = ("--supersede", "--record-tree")
# Passed, nothing wrong so far; and somebody stopped the checks: no verdict, no blame.
_LET_GO = frozenset({ExitCode.PASSED, ExitCode.PENDING, *SIGNAL_EXIT_CODES.values()})


def stop(name: str, common: GlobalOptions) -> int:
    """Wait for the foreground; send the agent back where something fails, but not for ever."""
    target, payload = _target(name), _payload()
    if target.lets_go(payload):
        return 0
    count = _count_file(common, name, "stop", payload.get(target.session))
    text = _what_failed()
    if not text or counted(count) >= MOST_IN_A_ROW:
        if text:
            write_err(f"vibeguard: still failing, and told {MOST_IN_A_ROW} times: let go\n")
        _set(count, 0)
        return 0
    _set(count, counted(count) + 1)
    answer = target.block(text)
    write_exact(answer.stdout)
    write_err(answer.stderr)
    return answer.exit_code


def wake(name: str, common: GlobalOptions) -> int:
    """Wait for the background; 2 and why on stderr where it fails, else 0 and not one byte."""
    target, payload = _target(name), _payload()
    if not target.wakes:
        raise UsageError(f"nothing wakes an idle {name}", "use its stop hook")
    if _ask("hook", "failures").returncode == ExitCode.FAILED:
        return 0  # the stop hook beside this one tells it
    started = _ask("run", "--detach", *_JOIN)
    if started.returncode != 0:
        return 0  # and so it does where nothing can be started
    ended = _ask("wait", started.stdout.split()[-1].decode(), "--notify")
    count = _count_file(common, name, "wake", payload.get(target.session))
    if ended.returncode == 0 or counted(count) >= MOST_IN_A_ROW:
        _set(count, 0)
        return 0
    _set(count, counted(count) + 1)
    write_err(ended.stderr.decode("utf-8", "replace"))
    return 2


def _what_failed() -> str:
    """What the background has found since the last stop, or what fails now; empty for nothing."""
    known = _ask("hook", "failures", merged=True)
    if known.returncode != ExitCode.FAILED:
        known = _ask("run", "--format", "agent", "--max-wait", "foreground", *_JOIN, merged=True)
    if known.returncode in _LET_GO:
        return ""
    text = known.stdout.decode("utf-8", "replace").strip()
    return f"{text or f'vibeguard ended with exit code {known.returncode}'}\n"


def _ask(*words: str, merged: bool = False) -> subprocess.CompletedProcess[bytes]:
    """What the program on PATH says, or this one where there is none."""
    program = shutil.which("vibeguard")
    return subprocess.run(
        [*([program] if program else [sys.executable, "-m", "vibeguard"]), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
        check=False,
    )


def _target(name: str) -> Target:
    if name not in TARGETS:
        what = f'no agent is called "{name}"' if name else "which agent asks?"
        raise UsageError(what, f"name one of {', '.join(TARGETS)}: vibeguard hook stop claude")
    return TARGETS[name]


def _payload() -> Payload:
    """What the agent says on stdin; nothing where it says no JSON object."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    try:
        said = json.loads(sys.stdin.buffer.read(_MOST_BYTES))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _count_file(common: GlobalOptions, name: str, verb: str, session: object) -> str:
    """The file that counts how often in a row this session was told; agents' own flags may lie."""
    key = sha256(f"{name}\n{verb}\n{session}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return count_file(state_dir_of_runs(common), key)


def _set(path: str, count: int) -> None:
    """Write the count. Where that fails, only the agent's own limit ends the repetition."""
    try:
        set_count(path, count)
    except OSError as error:
        write_err(f"vibeguard: cannot count what was told: {error.strerror}\n")
