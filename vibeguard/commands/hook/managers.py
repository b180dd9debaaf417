"""Programs that make git's hooks anew: what to put into the file that is their user's to write."""

import os
from pathlib import Path

from vibeguard.commands.hook.git_files import beginning_of

# Read by a shell in the hook of the manager; the script is made by the version that is installed.
# Without the program there would be no script, and nothing that refuses; what follows in another's
# hook does not hide a refusal.
_CALL = 'sh -c "$({folder}vibeguard hook git --stage {stage} || echo exit 127)" || exit'

_LEFTHOOK = """{stage}:
  commands:
    vibeguard:
      run: {call}
      use_stdin: true
"""
_PRE_COMMIT = """- repo: local
  hooks:
    - id: vibeguard-{stage}
      name: vibeguard
      entry: {entry}
      language: system
      always_run: true
      pass_filenames: false
      stages: [{stage}]
"""
_LEFTHOOK_FILES = ("lefthook.yml", ".lefthook.yml", "lefthook.yaml", ".lefthook.yaml")
# Each manager's files, which are their user's, and what its git hooks are known by.
MANAGER_FILES = {"lefthook": _LEFTHOOK_FILES, "pre-commit": (".pre-commit-config.yaml",)}
MANAGER_MARKS = {"lefthook": "lefthook", "pre-commit": "pre-commit.com"}


def advice(top: Path, hooks: Path, config_folder: str, stages: tuple[str, ...]) -> str:
    """What to write into whose file, where a manager owns the hooks of the work tree `top`.

    `hooks` is where git looks; `config_folder` is relative to `top`. Empty where there is none.
    """
    calls = {stage: call(stage, config_folder) for stage in stages}
    if ".husky" in hooks.parts:
        return "husky makes its hooks anew: " + "; ".join(
            f"add this line to .husky/{stage}: {call}" for stage, call in calls.items()
        )
    for name in _LEFTHOOK_FILES:
        if (top / name).is_file():
            lines = "".join(_LEFTHOOK.format(stage=s, call=call) for s, call in calls.items())
            return f"lefthook makes its hooks anew: add to {name}:\n{lines}"
    mark = MANAGER_MARKS["pre-commit"]
    owned = any(mark in beginning_of(hooks / stage) for stage in stages)
    if owned and (top / ".pre-commit-config.yaml").is_file():
        entries = {"pre-commit": f"sh -c '{calls.get('pre-commit', '')}'"}
        # pre-commit keeps from its hooks what git says on stdin of a push.
        entries["pre-push"] = f"sh -c '{_going_to(config_folder)}vibeguard run --record-tree'"
        lines = "".join(_PRE_COMMIT.format(stage=s, entry=entries[s]) for s in stages)
        return f"pre-commit makes its hooks anew: add to .pre-commit-config.yaml:\n{lines}"
    return ""


def call(stage: str, config_folder: str) -> str:
    """The line with which any other hook calls ours."""
    return _CALL.format(stage=stage, folder=_going_to(config_folder))


def _going_to(folder: str) -> str:
    """Shell words that go to where the config is found, before a command."""
    if folder in ("", os.curdir):
        return ""
    word = folder.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'cd "{word}" && '
