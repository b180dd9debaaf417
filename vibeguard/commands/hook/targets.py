"""The coding agents that hooks are written for: a target is one entry of TARGETS.

What each of them expects is in docs/hooks.md, with the date on which it was looked up.
"""

import json
from collections.abc import Callable, Mapping
from shlex import quote

from msgspec import Struct

# Seconds. The foreground must answer in this time, the background in the longer one.
STOP_S = 1800
WAKE_S = 6 * 3600
# How often in a row a session is sent back: a check that nobody can mend must not burn it.
MOST_IN_A_ROW = 3

Payload = Mapping[str, object]
Entry = dict[str, object]


class Answer(Struct, frozen=True):
    """What a hook says, and its exit code."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0


class Target(Struct, frozen=True):
    """One agent: its settings file (from the top), and the protocol of its stop hook.

    `entries` makes what is listed under `event` from the whole path of our script; `grouped` says
    that handlers lie in a list of groups. `root` are keys that the file needs beside `hooks`.
    `off` is the key by which all hooks are turned off, in this file or `settings.local.json`.
    """

    settings: str
    event: str
    grouped: bool
    entries: Callable[[str], list[Entry]]
    block: Callable[[str], Answer]
    lets_go: Callable[[Payload], bool]
    session: str
    payload: Entry
    note: str
    root: Mapping[str, object] = {}
    wakes: bool = False
    off: str = ""


def script_name(name: str) -> str:
    """The file in `scripts` that the settings of this target name; it marks an entry as ours."""
    return f"vibeguard-agent-{name}.sh"


def _claude_entries(_: str) -> list[Entry]:
    # In shared settings no path of this machine may stand; the quotes are for spaces in it.
    command = f'sh "$CLAUDE_PROJECT_DIR"/scripts/{script_name("claude")}'
    return [
        {"type": "command", "command": f"{command} stop", "timeout": STOP_S},
        {
            "type": "command",
            "command": f"{command} wake",
            "asyncRewake": True,
            "timeout": WAKE_S,
        },
    ]


def _codex_entries(script: str) -> list[Entry]:
    return [{"type": "command", "command": f"sh {quote(script)} stop", "timeout": STOP_S}]


def _cursor_entries(_: str) -> list[Entry]:
    command = f"sh scripts/{script_name('cursor')} stop"
    return [{"command": command, "timeout": STOP_S, "loop_limit": MOST_IN_A_ROW}]


def _is_repeated(payload: Payload) -> bool:
    return payload.get("stop_hook_active") is True


def _cursor_lets_go(payload: Payload) -> bool:
    """An aborted turn is no end of work; and so many follow-ups are enough."""
    count = payload.get("loop_count")
    many = isinstance(count, int) and count >= MOST_IN_A_ROW
    return many or payload.get("status", "completed") != "completed"


def _as_json(key: str, text: str, **more: str) -> Answer:
    return Answer(stdout=json.dumps({**more, key: text}) + "\n")


_STOPPED: Entry = {
    "session_id": "doctor",
    "transcript_path": "",
    "hook_event_name": "Stop",
    "stop_hook_active": False,
}

TARGETS: Mapping[str, Target] = {
    "claude": Target(
        settings=".claude/settings.json",
        event="Stop",
        grouped=True,
        entries=_claude_entries,
        block=lambda text: Answer(stderr=text, exit_code=2),
        lets_go=_is_repeated,
        session="session_id",
        payload=_STOPPED,
        note="a check that fails in the background wakes Claude Code",
        wakes=True,
        off="disableAllHooks",
    ),
    "codex": Target(
        settings=".codex/hooks.json",
        event="Stop",
        grouped=True,
        entries=_codex_entries,
        block=lambda text: _as_json("reason", text, decision="block"),
        lets_go=_is_repeated,
        session="session_id",
        payload=_STOPPED,
        note="Codex skips hooks that are not trusted, without a word: trust this one in /hooks, "
        "again whenever it changes; nothing wakes an idle Codex, so a failure in the background "
        "is told at its next stop",
    ),
    "cursor": Target(
        settings=".cursor/hooks.json",
        event="stop",
        grouped=False,
        entries=_cursor_entries,
        block=lambda text: _as_json("followup_message", text),
        lets_go=_cursor_lets_go,
        session="conversation_id",
        payload={
            "conversation_id": "doctor",
            "hook_event_name": "stop",
            "status": "completed",
            "loop_count": 0,
        },
        note="nothing wakes an idle Cursor, so a failure in the background is told at its next "
        "stop; Cursor reads Claude Code's hooks too: with both installed it is told twice",
        root={"version": 1},
    ),
}
