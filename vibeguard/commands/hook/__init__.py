"""`vibeguard hook`: hooks for git and for coding agents, printed or installed."""

import json
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

from vibeguard.commands.hook.config_place import Place, place_of_config
from vibeguard.commands.hook.git_files import git, install, refuse_foreign, trouble_told
from vibeguard.commands.hook.managers import advice, call
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.commands.streams import write_err, write_exact
from vibeguard.commands.templates import hook_script
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise

Kind = Literal["git", "agent", "doctor", "verdict", "failures", "stop", "wake"]
TargetName = Literal["claude", "codex", "cursor"]
GIT_STAGES = ("pre-commit", "pre-push")
AGENT_FILE = "vibeguard-agent-stop.sh"


class HookOptions(Options, frozen=True, kw_only=True):
    """`hook`: print, or install."""

    write: Annotated[
        bool, Parameter(negative="", help="Install it; a hook of somebody else is never touched.")
    ] = False
    remove: Annotated[
        bool, Parameter(negative="", help="With --target: take out what is ours, and only that.")
    ] = False
    target: Annotated[
        TargetName | None, Parameter(help="For agent: write into this agent's own settings.")
    ] = None
    stage: Annotated[
        Literal["pre-commit", "pre-push"] | None, Parameter(help="Only this git hook.")
    ] = None


HOOK_DEFAULTS = HookOptions()


def hook(
    kind: Annotated[
        Kind,
        Parameter(
            help="git or agent; doctor says what every hook does; verdict is what the "
            "pre-push hook asks, failures, stop and wake what the hooks of an agent ask."
        ),
    ],
    subject: Annotated[
        str, Parameter(help="For verdict: the git tree; for stop and wake: the agent.")
    ] = "",
    /,
    *,
    common: GlobalOptions,
    options: HookOptions = HOOK_DEFAULTS,
) -> int:
    """Print, install or examine the git hooks and the hooks of coding agents."""
    if kind == "verdict":
        from vibeguard.commands.hook.push_verdict import verdict  # noqa: PLC0415 - it reads logs

        return verdict(subject, common=common)
    if kind in ("stop", "wake"):
        from vibeguard.commands.hook import stop as asked  # noqa: PLC0415 - only where an agent calls

        return (asked.stop if kind == "stop" else asked.wake)(subject, common)
    if subject:
        raise UsageError(f"one word too many: {subject}", "see vibeguard hook --help")
    if kind == "failures":
        from vibeguard.commands.hook.push_verdict import failures  # noqa: PLC0415 - it reads logs

        return failures(common=common)
    if kind == "doctor":
        from vibeguard.commands.hook.doctor import doctor  # noqa: PLC0415 - it runs hooks

        return doctor(common)
    if options.target is not None:
        from vibeguard.commands.hook import agent_hooks  # noqa: PLC0415 - settings are JSON

        place = _place_of_config(common)
        return agent_hooks.settings_of_agent(
            options.target, place, write=options.write, remove=options.remove
        )
    if options.remove:
        raise UsageError("--remove needs a target", "name it: hook agent --target claude --remove")
    if kind == "agent":
        return _agent(common, options)
    place = _place_of_config(common)
    stages = (options.stage,) if options.stage else GIT_STAGES
    if not options.write:
        scripts = [hook_script(stage, place=place.lines()) for stage in stages]
        heads = [f"# ==> {stage} <==\n" if len(stages) > 1 else "" for stage in stages]
        write_exact("\n".join(map("".join, zip(heads, scripts, strict=True))))
        return 0
    _write_stages(stages, place)
    return 0


def _write_stages(stages: tuple[str, ...], place: Place) -> None:
    """Install these git hooks: all, or none."""
    folder, private = _hooks_folder()
    owner = advice(Path(git("rev-parse", "--show-toplevel")), folder, place.folder, stages)
    if owner:
        write_err(sanitise(owner, multiline=True).rstrip("\n") + "\n")
        raise UsageError("another program makes the git hooks here", "add the lines above")
    with trouble_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for stage in stages:
            refuse_foreign(folder / stage, call(stage, place.folder))
        for stage in stages:
            find = _find_ourselves() if private else ""
            install(folder / stage, hook_script(stage, find=find, place=place.lines()))
            write_err(f"vibeguard: wrote {sanitise(str(folder / stage))}\n")


def _agent(common: GlobalOptions, options: HookOptions) -> int:
    """The stop hook: to stdout, or into the repository, where the agent's settings can name it."""
    # The agent calls it from any folder: it lies in `scripts` of the work tree.
    place = _place_of_config(common)
    script = hook_script("agent-stop", place=place.lines(script_below_top=True))
    if not options.write:
        write_exact(script)
        return 0
    path = Path(git("rev-parse", "--show-toplevel")) / "scripts" / AGENT_FILE
    with trouble_told(path.parent):
        path.parent.mkdir(exist_ok=True)
        refuse_foreign(path, f"sh {quote(str(path))}")
        install(path, script)
    write_err(
        f"vibeguard: wrote {sanitise(str(path))}\n"
        "vibeguard: name it in your agent's settings as the command of its stop hook, for example\n"
        f'  {{"hooks": {{"Stop": [{{"hooks": [{{"type": "command", '
        f'"command": {json.dumps(sanitise(quote(str(path))))}}}]}}]}}}}\n'
        "vibeguard: in settings that others share, from where the agent says the project is:\n"
        f'  "$CLAUDE_PROJECT_DIR"/scripts/{AGENT_FILE}\n'
    )
    return 0


def _place_of_config(common: GlobalOptions) -> Place:
    """Where the config is, in this repository; the top where there is no repository, or config."""
    try:
        top = git("rev-parse", "--show-toplevel")
    except UsageError:
        return Place()
    return place_of_config(common, top)


def _hooks_folder() -> tuple[Path, bool]:
    """Where git looks for hooks (core.hooksPath, worktrees), and whether that is inside .git.

    Raises UsageError where the folder is shared with other repositories.
    """
    folder = Path(git("rev-parse", "--path-format=absolute", "--git-path", "hooks")).resolve()
    common = Path(git("rev-parse", "--path-format=absolute", "--git-common-dir")).resolve()
    top = Path(git("rev-parse", "--show-toplevel")).resolve()
    if not folder.is_relative_to(common) and not folder.is_relative_to(top):
        raise UsageError(
            f"core.hooksPath is {folder}, outside this repository",
            "a hook there would run in other repositories too: print it with `vibeguard hook git` "
            "and put it where you want it",
        )
    return folder, folder.is_relative_to(common)


def _find_ourselves() -> str:
    """Shell lines for hooks that are started without our environment's PATH (desktop programs)."""
    return (
        "\nif ! command -v vibeguard >/dev/null 2>&1; then\n"
        f'    vibeguard() {{ {quote(sys.executable)} -m vibeguard "$@"; }}\n'
        "fi\n"
    )
