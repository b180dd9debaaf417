"""The scripts of `hook git` and `hook agent`: printed, or put where they are called."""

import json
import sys
from pathlib import Path
from shlex import quote

from vibeguard.commands.hook import HookOptions
from vibeguard.commands.hook.config_place import Place, place_of_config, refuse_other_place
from vibeguard.commands.hook.git_files import (
    git,
    install,
    refuse_foreign,
    top_of_work_tree,
    trouble_told,
)
from vibeguard.commands.hook.managers import advice, call
from vibeguard.commands.hook.settings_file import (
    read_settings,
    with_ours,
    without_ours,
    write_settings,
)
from vibeguard.commands.hook.targets import TARGETS, Answer, script_name
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err, write_exact
from vibeguard.commands.templates import hook_script
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise

GIT_STAGES = ("pre-commit", "pre-push")
AGENT_FILE = "vibeguard-agent-stop.sh"
_GIVE_UP = (
    "VibeGuard has checked nothing: its program is not on PATH, or the folder of its config is "
    "gone. Install it, or take the hook away: vibeguard hook agent --target {name} --remove"
)


def scripts(kind: str, common: GlobalOptions, options: HookOptions) -> int:
    """Print or install what was asked for; the exit code."""
    if options.target is not None:
        return _settings_of_agent(options.target, common, options)
    if options.remove:
        raise UsageError("--remove needs a target", "name it: hook agent --target claude --remove")
    if kind == "agent":
        return _agent(common, options)
    place = place_of_config(common)
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
    top = top_of_work_tree()
    owner = advice(top, folder, place.folder, stages)
    if owner:
        write_err(sanitise(owner, multiline=True).rstrip("\n") + "\n")
        raise UsageError("another program makes the git hooks here", "add the lines above")
    with trouble_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for stage in stages:
            refuse_foreign(folder / stage, call(stage, place.folder))
            refuse_other_place(folder / stage, place, top)
        for stage in stages:
            find = _find_ourselves() if private else ""
            install(folder / stage, hook_script(stage, find=find, place=place.lines()))
            write_err(f"vibeguard: wrote {sanitise(str(folder / stage))}\n")


def _agent(common: GlobalOptions, options: HookOptions) -> int:
    """The stop hook: to stdout, or into the repository, where the agent's settings can name it."""
    # The agent calls it from any folder: it lies in `scripts` of the work tree.
    place = place_of_config(common)
    script = hook_script("agent-stop", place=place.lines(script_below_top=True))
    if not options.write:
        write_exact(script)
        return 0
    top = top_of_work_tree()
    path = top / "scripts" / AGENT_FILE
    with trouble_told(path.parent):
        path.parent.mkdir(exist_ok=True)
        refuse_foreign(path, f"sh {quote(str(path))}")
        refuse_other_place(path, place, top)
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


def _settings_of_agent(name: str, common: GlobalOptions, options: HookOptions) -> int:
    """Print the settings of an agent with our hooks, write them, or take ours out (ADR 0117); 0.

    Raises UsageError where a file is not ours to change, or cannot be read or written.
    """
    place, write, remove = place_of_config(common), options.write, options.remove
    if write and remove:
        raise UsageError("--write and --remove", "take one of them")
    target, top = TARGETS[name], top_of_work_tree()
    path, script = top / target.settings, top / "scripts" / script_name(name)
    with trouble_told(path.parent):
        before, text = read_settings(path, top)
    if remove:
        after = without_ours(before, target, script.name)
    else:
        after = with_ours(before, target, script.name, target.entries(str(script)))
    if not (write or remove):
        write_exact(json.dumps(after, indent=2) + "\n")
        return 0
    # Whatever is refused is refused before anything is written; and no setting names a script
    # that is not there.
    if write or script.exists():
        refuse_foreign(script, f"sh {quote(str(script))} stop")
    if write:
        refuse_other_place(script, place, top)
        with trouble_told(script.parent):
            script.parent.mkdir(exist_ok=True)
            install(script, _agent_script(name, place))
    with trouble_told(path.parent):
        if after != before:
            write_settings(path, after, text)
    if remove and script.exists():
        with trouble_told(script.parent):
            script.unlink()
    done = "nothing to change in" if after == before else "wrote"
    write_err(f"vibeguard: {done} {sanitise(str(path))}\n")
    if write:
        write_err(f"vibeguard: {target.note}\n")
    return 0


def _agent_script(name: str, place: Place) -> str:
    """The shell script that the settings of this agent name."""
    lines = place.lines(script_below_top=True, otherwise='give_up "$verb"')
    script = hook_script("agent", place=lines)
    give_up = _shell(TARGETS[name].block(_GIVE_UP.format(name=name)))
    return script.replace("@GIVE_UP@", give_up).replace("@TARGET@", name)


def _shell(answer: Answer) -> str:
    """Shell words that give this answer."""
    said = f"printf '%s\\n' {quote(answer.stdout.rstrip())}" if answer.stdout else ""
    told = f"printf '%s\\n' {quote(answer.stderr.rstrip())} >&2" if answer.stderr else ""
    return "\n    ".join(filter(None, (said, told, f"exit {answer.exit_code}")))


def _hooks_folder() -> tuple[Path, bool]:
    """Where git looks for hooks (core.hooksPath, worktrees), and whether that is inside .git.

    Raises UsageError where the folder is shared with other repositories.
    """
    folder = Path(git("rev-parse", "--path-format=absolute", "--git-path", "hooks")).resolve()
    common = Path(git("rev-parse", "--path-format=absolute", "--git-common-dir")).resolve()
    top = top_of_work_tree().resolve()
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
