"""The command table and the parser: argv in, a call that is ready to be made out.

Commands are named, not imported: a module is loaded when its command is used. Global flags are read
by the meta app, wherever they stand; what is left goes to the command's own flags.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated

from cyclopts import App, Group, Parameter

from vibeguard.commands.options import GLOBAL_DEFAULTS, GlobalOptions
from vibeguard.core.names import MOST_SLOTS
from vibeguard.core.problems import UsageError

Call = Callable[[], int]
_MOST_DIGITS = 18  # longer numbers are not worth reading

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

# Python's own names are taken: `list` and `tags` would read as builtins or fields.
VALUE_MAY_BE_LEFT_OUT = frozenset({"--changed", "--compare", "--failed"})
_LATEST = re.compile(r"latest(~[0-9]+)?")
FUNCTIONS = {"list": "list_checks", "tags": "list_tags"}

EXIT_CODES = (
    "Exit codes of run, tail, report and wait: 0 passed; 1 failed (--error-exit-code changes it); "
    "2 usage or config error; 3 incomplete; 4 the log is corrupt or could not be written; "
    "5 pending; 129, 130, 143 cancelled by SIGHUP, SIGINT, SIGTERM."
)
# The words of DESIGN section 6: what a seal proves and what it does not.
SEAL = (
    "What the seal promises: it detects damage, and tampering with the log by a check while its "
    "supervisor lives. It does not authenticate: a process of the same user (or root) that kills "
    "or debugs VibeGuard, rewrites its files, or acts after it exited, can forge a log. A gate "
    "trusts the exit status of run, or report RUN --expect-seal S with S from a channel that no "
    "check can write. A .vibeguard that is a symlink, belongs to someone else or is tracked by git "
    "is refused; report warns when the log's HEAD or config hash is not the present one."
)
GLOBAL_LINE = (
    "Global options: --config -c, --verbose -v, --json, --parallel -p, --fail-fast, --log-dir, "
    "--error-exit-code, --tags, --exclude-tags, --state-dir; what they do: vibeguard --help"
)
EPILOGUES = {
    "run": (EXIT_CODES,),
    "tail": (EXIT_CODES,),
    "wait": (EXIT_CODES,),
    "report": (EXIT_CODES, SEAL),
}


def build(environ: Mapping[str, str] = os.environ, *, folded: bool = False) -> App:
    """The application: every command by its dotted name, with the flags that all of them share.

    `folded`: help screens name the shared flags in one line.
    Calling its meta app parses: it returns a `Call`, or None where a help screen has been shown.
    """
    app = App(
        name="vibeguard",
        help="Runs a repository's quality checks as a dependency graph: short ones in the "
        "foreground, long ones in the background, every state transition an event in a log.",
        help_epilogue=f"{EXIT_CODES}\n\n{SEAL}",
        help_format="plaintext",
        help_flags=["--help", "-h"],
        version_flags=[],
        default_parameter=Parameter(negative="", allow_repeating=True, show_default=False),
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    app.group_parameters = Group("Options", sort_key=1)
    shared_flags = Group("Global options", sort_key=2, show=not folded)
    for name, text in COMMANDS.items():
        app.command(
            f"vibeguard.commands.{name}:{FUNCTIONS.get(name, name)}",
            name=name,
            alias="check" if name == "run" else None,
            help=text,
            help_epilogue="\n\n".join([*(GLOBAL_LINE,) * folded, *EPILOGUES.get(name, ())]),
        )

    @app.meta.default
    def call_of(
        *words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        common: Annotated[
            GlobalOptions, Parameter(name="*", parse=True, group=shared_flags)
        ] = GLOBAL_DEFAULTS,
    ) -> Call:
        command, bound, ignored = app.parse_args(attach_values(join_until_check(words)))
        shared = {"common": complete(common, environ)} if "common" in ignored else {}
        return partial(_integer_result, partial(command, *bound.args, **bound.kwargs, **shared))

    return app


def parse(arguments: list[str], environ: Mapping[str, str] = os.environ) -> Call:
    """The call that these arguments ask for. Raises UsageError or a CycloptsError."""
    words = _help_as_a_flag(arguments)
    named = any(word in COMMANDS or word == "check" for word in words)
    call: Call | None = build(environ, folded=named).meta(words)
    return call or _nothing_left


def _help_as_a_flag(arguments: list[str]) -> list[str]:
    """`help run` is `run --help`, as command lines written in Go have it."""
    return [*arguments[1:2], "--help"] if arguments[:1] == ["help"] else arguments


def _nothing_left() -> int:
    """What there is to do after a help screen."""
    return 0


def _integer_result(call: Callable[[], object]) -> int:
    """Help screens return nothing, commands their exit code."""
    code = call()
    return code if isinstance(code, int) else 0


def join_until_check(words: tuple[str, ...]) -> list[str]:
    """`--until check ID` is spelt like a sentence; the parser knows `--until check --check ID`."""
    joined: list[str] = []
    for position, word in enumerate(words):
        if word == "--":
            return [*joined, *words[position:]]
        joined.append(word)
        follows = words[position + 1 : position + 2]
        asked = word == "--until=check" or (
            word == "check" and words[position - 1 : position] == ("--until",)
        )
        if asked and follows and not follows[0].startswith("-"):
            joined.append("--check")
    return joined


def attach_values(words: list[str]) -> list[str]:
    """Flags whose value may be left out, as the parser reads them: `--failed` is `--failed=`.

    A word behind `--failed` is its value where it can be no check's id: runs begin with a digit.
    """
    attached: list[str] = []
    for position, word in enumerate(words):
        if word == "--":
            return [*attached, *words[position:]]
        if attached[-1:] == ["--failed="] and (word[:1].isdigit() or _LATEST.fullmatch(word)):
            attached[-1] += word
        else:
            attached.append(f"{word}=" if word in VALUE_MAY_BE_LEFT_OUT else word)
    return attached


def complete(common: GlobalOptions, environ: Mapping[str, str]) -> GlobalOptions:
    """The flags, filled up from the environment and held against their limits.

    VIBEGUARD_CONFIG is `system.discovery`'s. Raises UsageError that names a wrong variable.
    """
    if common.parallel is None and environ.get("VIBEGUARD_PARALLEL"):
        text = environ["VIBEGUARD_PARALLEL"]
        if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
            raise UsageError(
                f'VIBEGUARD_PARALLEL is "{text}"', "set it to a whole number from 1 on, or unset it"
            )
        common = replace(common, parallel=_slots("VIBEGUARD_PARALLEL", int(text)))
    elif common.parallel is not None:
        _slots("--parallel", common.parallel)
    if common.log_dir is None and environ.get("VIBEGUARD_LOG_DIR"):
        common = replace(common, log_dir=environ["VIBEGUARD_LOG_DIR"])
    return replace(common, error_exit_code=_exit_code(common.error_exit_code))


def _slots(name: str, count: int) -> int:
    """`count`. Raises UsageError if it is below 1, or more than a config may say."""
    if not 1 <= count <= MOST_SLOTS:
        raise UsageError(f"{name} is {count}", f"use a whole number from 1 to {MOST_SLOTS}")
    return count


def _exit_code(code: int | None) -> int | None:
    """The code, None for the default. Raises UsageError outside 1 to 255."""
    if code is not None and not 0 <= code <= 255:
        raise UsageError(f"--error-exit-code is {code}", "use 1 to 255, or 0 for the default")
    return code or None
