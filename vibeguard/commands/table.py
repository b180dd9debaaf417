"""The commands: what each is called, what it says of itself, and where its function is.

Commands are named, not imported: a module is loaded when its command is used.
"""

from collections.abc import Callable
from importlib import import_module

COMMANDS = {
    "run": "Run checks: the named ones, the selected ones, or all (alias: check).",
    "watch": "Run the checks again whenever the tree has changed; what fails first, in full.",
    "tail": "Follow a run live, from its start or from --since.",
    "report": "Replay a run from its log, in any format; nothing is run.",
    "evidence": "Say whether every check passed on the present tree: 0 yes, 1 partly, 3 unknown.",
    "explain": "Say why a check would run, or be reused under run --reuse.",
    "audit": "Run a check once under strace: what it reads that inputs miss, writes and talks to.",
    "status": "What is running, since when, what is left.",
    "wait": "Wait for a run, or for a part of it, for a bounded time.",
    "cancel": "Ask a run, or one check of it, to end.",
    "runs": "List the runs of this folder.",
    "prune": "Remove old runs.",
    "worker": "Run checks of other machines' runs here, for a pool.",
    "workers": "List the workers of a pool.",
    "validate": "Say whether the config is right, or everything that is wrong with it.",
    "list": "List the checks, in the order of the config.",
    "tags": "List the tags; with -v the checks that have each.",
    "prompt": "List the prompts, or print one, ready to pipe.",
    "init": "Write a config to start from.",
    "migrate": "Say what an existing config does differently here, and mend what can be mended.",
    "mcp": "Serve the runs of this project to a coding agent (Model Context Protocol, stdio).",
    "hook": "Print or install a git hook or a hook for a coding agent.",
    "schema": "Print the JSON Schema of a config, a report or an event.",
    "completion": "Print the completion script of a shell (bash, zsh, fish), or install it.",
}

ALIASES = {"check": "run"}

# Python's own names are taken: `list` and `tags` would read as builtins or fields.
FUNCTIONS = {"list": "list_checks", "tags": "list_tags"}


def function_of(verb: str) -> Callable[..., int]:
    """The function of a command, whose module is imported now."""
    name = ALIASES.get(verb, verb)
    function: Callable[..., int] = getattr(
        import_module(f"vibeguard.commands.{name}"), FUNCTIONS.get(name, name)
    )
    return function
