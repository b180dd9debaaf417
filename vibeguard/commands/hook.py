"""`vibeguard hook`: hooks for git and for coding agents, printed or installed."""

import contextlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

from cyclopts import Parameter

from vibeguard.commands.hook_managers import advice, call
from vibeguard.commands.hook_place import Place, place_of_config
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_err, write_exact
from vibeguard.commands.templates import hook_script
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise

Kind = Literal["git", "agent", "verdict", "failures"]
GIT_STAGES = ("pre-commit", "pre-push")
AGENT_FILE = "vibeguard-agent-stop.sh"
# The second line of every script that is ours, and may therefore be replaced.
MARK = "# vibeguard hook "
# What git lends a hook: it means the folder that the hook began in.
LENT_BY_GIT = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_INDEX_FILE"})


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True, slots=True)
class HookOptions:
    """`hook`: print, or install."""

    write: Annotated[
        bool, Parameter(negative="", help="Install it; a hook of somebody else is never touched.")
    ] = False
    stage: Annotated[
        Literal["pre-commit", "pre-push"] | None, Parameter(help="Only this git hook.")
    ] = None


HOOK_DEFAULTS = HookOptions()


def hook(
    kind: Annotated[
        Kind,
        Parameter(
            help="git or agent; verdict is what the pre-push hook asks, failures what the stop "
            "hook of an agent asks."
        ),
    ],
    tree: Annotated[str, Parameter(help="For verdict: the git tree to ask about.")] = "",
    /,
    *,
    common: GlobalOptions,
    options: HookOptions = HOOK_DEFAULTS,
) -> int:
    """Print or install the git hooks or the stop hook of a coding agent."""
    if kind == "verdict":
        from vibeguard.commands.verdict import verdict  # noqa: PLC0415 - it reads logs

        return verdict(tree, common=common)
    if tree:
        raise UsageError(f"one word too many: {tree}", "see vibeguard hook --help")
    if kind == "failures":
        from vibeguard.commands.verdict import failures  # noqa: PLC0415 - it reads logs

        return failures(common=common)
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
    owner = advice(Path(_git("rev-parse", "--show-toplevel")), folder, place.folder, stages)
    if owner:
        write_err(sanitise(owner, multiline=True).rstrip("\n") + "\n")
        raise UsageError("another program makes the git hooks here", "add the lines above")
    with _trouble_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for stage in stages:
            _refuse_foreign(folder / stage, call(stage, place.folder))
        for stage in stages:
            find = _find_ourselves() if private else ""
            _install(folder / stage, hook_script(stage, find=find, place=place.lines()))
            write_err(f"vibeguard: wrote {sanitise(str(folder / stage))}\n")


@contextlib.contextmanager
def _trouble_told(folder: Path) -> Iterator[None]:
    """Trouble with files in this folder is the user's to mend. Raises UsageError for OSError."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise  # no file of ours: the stream that we tell our success on
        raise UsageError(
            f"cannot write to {folder}: {error.strerror}",
            "make it a folder that you can write to, or take what `vibeguard hook` prints",
        ) from error


def _agent(common: GlobalOptions, options: HookOptions) -> int:
    """The stop hook: to stdout, or into the repository, where the agent's settings can name it."""
    # The agent calls it from any folder: it lies in `scripts` of the work tree.
    place = _place_of_config(common)
    script = hook_script("agent-stop", place=place.lines(script_below_top=True))
    if not options.write:
        write_exact(script)
        return 0
    path = Path(_git("rev-parse", "--show-toplevel")) / "scripts" / AGENT_FILE
    with _trouble_told(path.parent):
        path.parent.mkdir(exist_ok=True)
        _refuse_foreign(path, f"sh {quote(str(path))}")
        _install(path, script)
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
        top = _git("rev-parse", "--show-toplevel")
    except UsageError:
        return Place()
    return place_of_config(common, top)


def _hooks_folder() -> tuple[Path, bool]:
    """Where git looks for hooks (core.hooksPath, worktrees), and whether that is inside .git.

    Raises UsageError where the folder is shared with other repositories.
    """
    folder = Path(_git("rev-parse", "--path-format=absolute", "--git-path", "hooks")).resolve()
    common = Path(_git("rev-parse", "--path-format=absolute", "--git-common-dir")).resolve()
    top = Path(_git("rev-parse", "--show-toplevel")).resolve()
    if not folder.is_relative_to(common) and not folder.is_relative_to(top):
        raise UsageError(
            f"core.hooksPath is {folder}, outside this repository",
            "a hook there would run in other repositories too: print it with `vibeguard hook git` "
            "and put it where you want it",
        )
    return folder, folder.is_relative_to(common)


def _git(*arguments: str) -> str:
    """What git answers. Raises UsageError where it is missing or this is no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            capture_output=True,
            check=False,
            env={k: v for k, v in os.environ.items() if k not in LENT_BY_GIT},
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise UsageError(f"git cannot be started: {error.strerror}", "install git") from error
    if done.returncode != 0:
        first = os.fsdecode(done.stderr).strip().splitlines()[:1]
        raise UsageError(
            f"git {arguments[0]} failed: {first[0] if first else 'no message'}",
            "go to the work tree of a git repository",
        )
    # Names of folders are bytes, and may end in a newline of their own.
    return os.fsdecode(done.stdout).removesuffix("\n")


def _refuse_foreign(path: Path, line: str) -> None:
    """Raises UsageError where something is in the way that we have not written.

    `line` is what calls ours from there.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            lines = file.read(4096).decode("utf-8", "replace").splitlines()
        if len(lines) > 1 and lines[1].startswith(MARK):
            return
    raise UsageError(
        f"{path} exists and is not ours",
        f"move it away, or add this line to it: {line}",
    )


def _install(path: Path, script: str) -> None:
    """Put the script there in one step, executable."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(script)
        os.chmod(temporary, 0o755)  # noqa: S103 - a hook has to be executable
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _find_ourselves() -> str:
    """Shell lines for hooks that are started without our environment's PATH (desktop programs)."""
    return (
        "\nif ! command -v vibeguard >/dev/null 2>&1; then\n"
        f'    vibeguard() {{ {quote(sys.executable)} -m vibeguard "$@"; }}\n'
        "fi\n"
    )
