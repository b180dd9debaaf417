"""`vibeguard hook agent --target`: our hooks in the settings of a coding agent (ADR 0117)."""

import json
from pathlib import Path
from shlex import quote

from vibeguard.commands.hook.config_place import Place, refuse_other_place
from vibeguard.commands.hook.git_files import (
    install,
    refuse_foreign,
    top_of_work_tree,
    trouble_told,
)
from vibeguard.commands.hook.settings_file import (
    read_settings,
    with_ours,
    without_ours,
    write_settings,
)
from vibeguard.commands.hook.targets import TARGETS, Answer, script_name
from vibeguard.commands.streams import write_err, write_exact
from vibeguard.commands.templates import hook_script
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise

_GIVE_UP = (
    "VibeGuard has checked nothing: its program is not on PATH, or the folder of its config is "
    "gone. Install it, or take the hook away: vibeguard hook agent --target {name} --remove"
)


def settings_of_agent(name: str, place: Place, *, write: bool, remove: bool) -> int:
    """Print the settings with our hooks, write them, or take ours out; 0.

    Raises UsageError where a file is not ours to change, or cannot be read or written.
    """
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
        _write_script(script, name, place)
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


def _write_script(script: Path, name: str, place: Place) -> None:
    with trouble_told(script.parent):
        script.parent.mkdir(exist_ok=True)
        install(script, agent_script(name, place))


def agent_script(name: str, place: Place) -> str:
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
