"""The parser: argv in, a call that is ready to be made out, or a help screen, or what is wrong.

Global flags are read by the meta app, wherever they stand; what is left goes to the command's own
flags.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

from cyclopts import App, Group, Parameter

from vibeguard.commands import translated
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.table import ALIASES, COMMANDS
from vibeguard.commands.words import attach_values, complete, join_until_check

Call = Callable[[], int]
GlobalFlags = translated.twin_of(GlobalOptions)
NONE_GIVEN = GlobalFlags()

HELP_FLAGS = frozenset({"--help", "-h"})
NARROWEST = 40  # columns of a help screen
UNTOLD = (80, 25)  # columns and lines
MOST_DIGITS = 4  # of such a number
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
# What a usual call of a command looks like, where its flags alone do not show it.
EXAMPLES = {
    "run": ("run lint unit", "run --changed --max-wait 90s", "run --staged"),
    "tail": ("tail --check unit",),
    "report": ("report --open", "report latest~1 --format junit -o junit.xml", "report --compare"),
    "wait": ("wait --max-wait 60s", "wait --until check unit"),
    "cancel": ("cancel --check unit",),
    "prune": ("prune --keep-runs 20 --dry-run",),
    "worker": ("worker --pool ci --slots 4 --label gpu --repository ~/src/project",),
    "prompt": ("prompt", "prompt ID"),
    "init": ("init --try --gitignore", "init --template python-uv", "init --agent"),
    "hook": ("hook git --write", "hook agent --target claude --write", "hook doctor"),
    "schema": ("schema report >report.schema.json",),
    "completion": ("completion bash --install",),
}
EPILOGUES = {**dict.fromkeys(("run", "tail", "wait"), (EXIT_CODES,)), "report": (EXIT_CODES, SEAL)}


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
        help_flags=sorted(HELP_FLAGS),
        version_flags=[],
        default_parameter=Parameter(negative="", allow_repeating=True, show_default=False),
        exit_on_error=False,
        print_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    app.meta.suppress_keyboard_interrupt = False  # a Ctrl-C would end with 0
    app.group_parameters = Group("Options", sort_key=1)
    shared_flags = Group("Global options", sort_key=2, show=not folded)
    _add_commands(app, folded=folded)

    @app.meta.default
    def call_of(
        *words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        common: Annotated[
            GlobalFlags, Parameter(name="*", parse=True, group=shared_flags)  # type: ignore[valid-type]
        ] = NONE_GIVEN,
    ) -> Call:
        command, bound, ignored = app.parse_args(attach_values(join_until_check(words)))
        own = translated.keywords_of(bound)
        if "common" in ignored:
            own["common"] = complete(translated.original(common), environ)
        if hasattr(command, "__wrapped__"):
            return partial(command.__wrapped__, *bound.args, **own)
        return partial(_shown, partial(command, *bound.args, **own))

    return app


def _add_commands(app: App, *, folded: bool) -> None:
    """Every command by where it is found: it is imported once it is asked for."""
    for name, text in COMMANDS.items():
        app.command(
            f"{translated.__name__}:{name}",
            name=name,
            alias=[alias for alias, meant in ALIASES.items() if meant == name],
            help=text,
            help_epilogue="\n\n".join(
                [*_examples(name), *(GLOBAL_LINE,) * folded, *EPILOGUES.get(name, ())]
            ),
        )


def _examples(name: str) -> list[str]:
    calls = [f"  vibeguard {call}" for call in EXAMPLES.get(name, ())]
    return ["\n".join(["Examples:" if calls[1:] else "Example:", *calls])] if calls else []


def parse(arguments: list[str], environ: Mapping[str, str] = os.environ) -> Call:
    """The call that these arguments ask for. Raises UsageError or a CycloptsError."""
    words = _help_as_a_flag(arguments)
    named = any(word in COMMANDS or word in ALIASES for word in words)
    app = build(environ, folded=named)
    if not named or not HELP_FLAGS.isdisjoint(words):
        _give_room(app)
    if not named:  # help is what there is without a command; of one that is not there, none
        words = [word for word in words if word not in HELP_FLAGS]
    call: Call | None = app.meta(words)
    return call or (lambda: 0)  # a help screen has been shown: nothing is left to do


def _give_room(app: App) -> None:
    """Never lay a help screen out for a column or two: rich does not come to an end there.

    Nor for any number that COLUMNS or LINES may hold: it takes the memory for all of them.
    """
    from rich.console import Console  # noqa: PLC0415 - for help screens alone

    told = [os.environ.get(name, "") for name in ("COLUMNS", "LINES")]
    width, height = UNTOLD if max(map(len, told)) > MOST_DIGITS else (None, None)
    app.console = Console(width=width, height=height)
    app.console.width = max(app.console.width, NARROWEST)


def _help_as_a_flag(arguments: list[str]) -> list[str]:
    """`help run` is `run --help`, as command lines written in Go have it."""
    return [*arguments[1:2], "--help"] if arguments[:1] == ["help"] else arguments


def _shown(screen: Callable[[], object]) -> int:
    """Show what is no command of ours: a help screen of the parser's own."""
    screen()
    return 0
