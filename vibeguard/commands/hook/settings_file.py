"""The settings file of a coding agent: our hooks put in or taken out, all else as it was."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from vibeguard.commands.hook.targets import Entry, Target
from vibeguard.core.problems import UsageError
from vibeguard.system.rundir.files import open_of_users, rewrite_file

Settings = dict[str, object]


def read_settings(path: Path, top: Path) -> tuple[Settings, str]:
    """What the file says, and its text; nothing where there is none.

    Raises UsageError where it leads out of the repository or is no JSON object.
    """
    real = path.resolve()
    if not real.is_relative_to(top.resolve()):
        raise UsageError(
            f"{path} leads out of the repository, to {real}",
            "add what `vibeguard hook agent` prints to that file yourself",
        )
    try:
        with open(open_of_users(str(real)), encoding="utf-8") as file:
            text = file.read()
        known = json.loads(text, object_pairs_hook=_without_doubles)
        json.dumps(known, allow_nan=False)  # what was read can be written
    except FileNotFoundError:
        return {}, ""
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}", "mend it first; nothing is written") from (
            error
        )
    if not isinstance(known, dict):
        raise UsageError(f"{path} is no JSON object", "mend it first; nothing is written")
    return known, text


def _without_doubles(pairs: list[tuple[str, object]]) -> Settings:
    """The object. Raises ValueError where a key stands twice: writing would lose one of them."""
    known = dict(pairs)
    if len(known) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return known


def write_settings(path: Path, settings: Settings, before: str) -> None:
    """Put the settings there in one step, indented as they were before."""
    real = path.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    found = re.search(r"^\{\s*\n([ \t]+)", before)
    text = json.dumps(settings, indent=found[1] if found else 2, ensure_ascii=False) + "\n"
    # Half a character that the file has as an escape stays one: `\\ud800` is how both write it.
    rewrite_file(str(real), text.encode(errors="backslashreplace"))


def with_ours(settings: Settings, target: Target, mark: str, entries: list[Entry]) -> Settings:
    """The settings with these handlers; the same ones where exactly they are there already.

    `mark` is what the command of a handler of ours names. Raises UsageError for another shape.
    """
    if handlers(settings, target, mark) == entries:
        return settings
    if any("\ud800" <= letter <= "\udfff" for entry in entries for letter in str(entry["command"])):
        what = f"the path of this folder is no text, and {target.settings} takes nothing else"
        raise UsageError(what, "rename the folder, or take `vibeguard hook agent --write`")
    clean = without_ours(settings, target, mark)
    hooks = dict(_hooks(clean, target))
    ours: list[object] = [{"hooks": entries}] if target.grouped else list(entries)
    hooks[target.event] = [*_listed(hooks, target), *ours]
    missing = {key: value for key, value in target.root.items() if key not in clean}
    return {**missing, **clean, "hooks": hooks}


def without_ours(settings: Settings, target: Target, mark: str) -> Settings:
    """The settings without handlers of ours, and without the lists that held nothing else."""
    if not handlers(settings, target, mark):
        return settings
    hooks = dict(_hooks(settings, target))
    kept = [each for item in _listed(hooks, target) for each in _kept(item, target, mark)]
    hooks[target.event] = kept
    if not kept:
        del hooks[target.event]
    rest = {**settings, "hooks": hooks}
    if not hooks:
        del rest["hooks"]
    return rest


def handlers(settings: Settings, target: Target, mark: str | None = None) -> list[Entry]:
    """The handlers of the stop event; of ours alone where `mark` is given."""
    items = _listed(_hooks(settings, target), target)
    every = [each for item in items for each in _inner(item)] if target.grouped else items
    found = [each for each in every if isinstance(each, dict)]
    return [each for each in found if mark is None or _is_ours(each, mark)]


def _kept(item: object, target: Target, mark: str) -> list[object]:
    if not target.grouped:
        return [] if _is_ours(item, mark) else [item]
    inner = _inner(item)
    rest = [each for each in inner if not _is_ours(each, mark)]
    if len(rest) == len(inner) or not isinstance(item, dict):
        return [item]
    return [{**item, "hooks": rest}] if rest else []


def _inner(group: object) -> list[object]:
    inner = group.get("hooks") if isinstance(group, dict) else None
    return inner if isinstance(inner, list) else []


def _is_ours(handler: object, mark: str) -> bool:
    command = handler.get("command") if isinstance(handler, dict) else None
    return isinstance(command, str) and mark in command


def _hooks(settings: Settings, target: Target) -> Mapping[str, object]:
    hooks = settings.get("hooks", {})
    if not isinstance(hooks, dict):
        raise _shape(target, "hooks is no object")
    return hooks


def _listed(hooks: Mapping[str, object], target: Target) -> list[object]:
    listed = hooks.get(target.event, [])
    if not isinstance(listed, list):
        raise _shape(target, f"hooks.{target.event} is no list")
    return listed


def _shape(target: Target, what: str) -> UsageError:
    return UsageError(f"{target.settings}: {what}", "mend it first; nothing is written")
