"""`vibeguard hook doctor`: what every installed hook does, when it comes to it.

Ours are run, with a stub in the place of the checks; those of others are read and never run.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from vibeguard.commands.hook.config_place import place_in
from vibeguard.commands.hook.git_files import beginning_of, git, is_ours, top_of_work_tree
from vibeguard.commands.hook.managers import MANAGER_FILES, MANAGER_MARKS
from vibeguard.commands.hook.settings_file import handlers, read_settings
from vibeguard.commands.hook.targets import TARGETS, Target, script_name
from vibeguard.commands.hook.trial import SITUATIONS, Ended, Trial, attempt, is_refused, stubbed
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_out
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.discovery.whereabouts import find_config

_STAGES = ("pre-commit", "pre-push")


class Finding(Struct, frozen=True):
    """One hook: what is said of it, and whether it would silently do nothing."""

    where: str
    says: str
    is_silent: bool = False


def doctor(common: GlobalOptions) -> int:  # noqa: ARG001 - every command takes it
    """Say what each hook does on pass, fail, pending and a missing command; 1 for a silent one."""
    top = top_of_work_tree()
    with stubbed() as folder:
        found = [*_git_hooks(top, folder), *_managers(top), *_agents(top, folder)]
    for each in found:
        mark = "SILENT" if each.is_silent else "ok"
        write_out(f"{mark}: {sanitise(each.where)}: {sanitise(each.says)}\n")
    if not found:
        write_out("no hook is installed: vibeguard hook git --write\n")
    return int(any(each.is_silent for each in found))


def _git_hooks(top: Path, folder: Path) -> Iterator[Finding]:
    """Where git looks, for every work tree; and where it would without core.hooksPath."""
    listed = git("worktree", "list", "--porcelain", "-z").split("\0")
    trees = [Path(line[9:]) for line in listed if line.startswith("worktree ")]
    seen: set[Path] = set()
    for tree in (top, *trees):
        if not tree.is_dir():
            continue
        hooks = Path(
            git("-C", str(tree), "rev-parse", "--path-format=absolute", "--git-path", "hooks")
        )
        for stage in _STAGES:
            path = (hooks.parent if hooks.name == "_" else hooks) / stage
            if path not in seen and path.is_file():
                yield _git_hook(path, tree, folder, dispatched=hooks.name == "_")
            seen.add(path)
    common = Path(git("rev-parse", "--path-format=absolute", "--git-common-dir"))
    for path in (common / "hooks" / stage for stage in _STAGES):
        if path not in seen and path.is_file() and "vibeguard" in beginning_of(path):
            yield Finding(
                str(path), "git does not look here: core.hooksPath is set", is_silent=True
            )


def _git_hook(path: Path, tree: Path, folder: Path, *, dispatched: bool) -> Finding:
    """A hook that git starts; husky starts those in `.husky` itself, with `sh -e`."""
    text = beginning_of(path)
    if not os.access(path, os.X_OK) and not dispatched:
        return Finding(
            str(path), "is not executable: git passes over it", is_silent="vibeguard" in text
        )
    if not is_ours(text):
        return Finding(str(path), _of_others(text))
    head = _head(tree)
    if path.name == "pre-push" and not head:
        return Finding(str(path), "ours; there is no commit yet with which to try it")
    stdin = f"refs/heads/x {head} refs/heads/x {'0' * 40}\n" if path.name == "pre-push" else ""
    started = ("sh", "-e", str(path)) if dispatched else (str(path),)
    trial = Trial((*started, "origin", "url"), str(tree), stdin)
    # Without a program on PATH it would call the interpreter that wrote it, and real checks.
    fallback = "-m vibeguard" in text
    return _tried(str(path), trial, folder, _is_not_0, _config(text, tree), fallback=fallback)


def _of_others(text: str) -> str:
    """What is said of a hook that somebody else wrote."""
    calls = "calls vibeguard" if "vibeguard" in text else "does not call vibeguard"
    return f"not ours, read and not run: it {calls}"


def _is_not_0(ended: Ended) -> bool:
    return ended.exit_code != 0


def _tried(
    where: str,
    trial: Trial,
    folder: Path,
    refuses: Callable[[Ended], bool],
    config: str,
    *,
    fallback: bool = False,
    wakes: bool = False,
) -> Finding:
    """What one of ours does in every situation."""
    said, silent = [], False
    for situation, code in SITUATIONS.items():
        if code is None and fallback:
            said.append(f"{situation}: calls the program that has written it")
            continue
        ended = attempt(trial, code, folder)
        refused = refuses(ended)
        stopped = " (did not end)" if ended.exit_code is None else ""
        word = ("wakes" if wakes else "refuses") if refused else "lets go"
        said.append(f"{situation}: {word}{stopped}")
        must = situation == "fail" or (code is None and not wakes)
        silent = silent or (must and not refused)
    return Finding(where, f"ours; {'; '.join(said)}; config: {config}", silent)


def _config(script: str, top: Path) -> str:
    """Whether there is a config where the script goes; without one the hook refuses."""
    place = place_in(script)
    folder = os.path.normpath(top / place.folder)
    named = os.path.join(folder, place.named) if place.named else None
    try:
        located = find_config(named, {}, folder)
    except (UsageError, OSError):
        return f"elsewhere, there is none in {folder}: every call is refused and says so"
    return located.path


def _managers(top: Path) -> Iterator[Finding]:
    """What the files of hook managers say, and whether the manager is installed."""
    hooks = Path(git("rev-parse", "--path-format=absolute", "--git-path", "hooks"))
    for manager, names in MANAGER_FILES.items():
        for path in (top / name for name in names if (top / name).is_file()):
            calls = "vibeguard" in beginning_of(path)
            mark = MANAGER_MARKS[manager]
            if calls and not any(mark in beginning_of(hooks / stage) for stage in _STAGES):
                says = f"calls vibeguard, but git starts no {manager}: run {manager} install"
                yield Finding(str(path), says, is_silent=True)
            else:
                does = "calls" if calls else "does not call"
                yield Finding(str(path), f"of {manager}, read and not run: it {does} vibeguard")


def _agents(top: Path, folder: Path) -> Iterator[Finding]:
    for name, target in TARGETS.items():
        patterns = f":(top,glob)**/{target.settings}"
        listed = git("-C", str(top), "ls-files", "-z", "-co", "--exclude-standard", "--", patterns)
        paths = {top / target.settings, *(top / each for each in listed.split("\0") if each)}
        for path in sorted(path for path in paths if path.exists()):
            yield from _settings(name, target, path, top, folder)


def _settings(name: str, target: Target, path: Path, top: Path, folder: Path) -> Iterator[Finding]:
    """Every handler of the stop event in this file."""
    root = path.parent.parent
    script = root / "scripts" / script_name(name)
    try:
        settings, _ = read_settings(path, top)
        found = handlers(settings, target)
        own, _ = read_settings(path.with_name("settings.local.json"), top)
        is_off = bool(target.off) and {**settings, **own}.get(target.off) is True
    except (UsageError, OSError) as error:
        yield Finding(str(path), f"{name} cannot read it: {error}", is_silent=True)
        return
    expected = {str(each["command"]) for each in target.entries(str(script))}
    for handler in found:
        command = str(handler.get("command", ""))
        where = f"{path}: {command}"
        if script.name not in command:
            yield Finding(where, _of_others(command))
        elif is_off:
            yield Finding(where, f"{name} starts no hook: {target.off} is set", is_silent=True)
        elif command not in expected or not is_ours(beginning_of(script)):
            again = f"vibeguard hook agent --target {name} --write"
            says = f"it, or {script}, is not as we write it, and may do nothing: {again}"
            yield Finding(where, says, is_silent=True)
        else:
            yield _handler(where, command, target, script, folder)


def _handler(where: str, command: str, target: Target, script: Path, folder: Path) -> Finding:
    root = script.parent.parent
    environ = {"CLAUDE_PROJECT_DIR": str(root), "CURSOR_PROJECT_DIR": str(root)}
    # From a folder below, where the settings do not count from the root of the project.
    cwd = root if target.root else script.parent
    trial = Trial(("/bin/sh", "-c", command), str(cwd), json.dumps(target.payload), environ)
    wakes = command.endswith(" wake")
    finding = _tried(
        where,
        trial,
        folder,
        lambda ended: is_refused(target, ended),
        _config(beginning_of(script), root),
        wakes=wakes,
    )
    note = "" if wakes else f"; {target.note}"
    return Finding(where, f"{finding.says}{note}", finding.is_silent)


def _head(tree: Path) -> str:
    try:
        return git("-C", str(tree), "rev-parse", "--verify", "--quiet", "HEAD")
    except UsageError:
        return ""
