"""`vibeguard completion`: a script for a shell, printed, or put where that finds it.

That is a file of our own, and for bash and zsh a block in the shell's start-up file.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Parameter
from vibeguard.commands.streams import write_exact, write_news
from vibeguard.commands.templates import completion_of_ids
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.marked_block import Block, Unclosed
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.rundir.files import open_of_users, rewrite_file

Shell = Literal["bash", "zsh", "fish"]
BLOCK = Block("# >>> vibeguard completion >>>", "# <<< vibeguard completion <<<")


def completion(
    shell: Annotated[Shell, Parameter(help="The shell that is to complete.")],
    /,
    *,
    install: Annotated[
        bool, Parameter(help="Write it where the shell finds it, and say where.")
    ] = False,
    common: GlobalOptions,
) -> int:
    """Print the completion script of a shell, or put it in its place.

    By hand: `eval "$(vibeguard completion bash)"`; in zsh the same after `compinit`; in fish
    `vibeguard completion fish | source`.
    """
    script = completion_script(shell)
    if not install:
        write_exact(script)
        return 0
    try:
        changed, kept = install_completion(shell, script, os.environ)
    except OSError as error:
        raise UsageError(
            f"cannot write {error.filename}: {error.strerror}",
            f"write it yourself: vibeguard completion {shell} >FILE",
        ) from error
    lines = [f"wrote {path}" for path in changed] + [f"{path} is as it should be" for path in kept]
    lines += [f"start a new {shell}, and try: vibeguard run <TAB>"] * bool(changed)
    text = "".join(f"vibeguard: {sanitise(line)}\n" for line in lines)
    write_news(Installed(wrote=changed, unchanged=kept), text, as_json=common.json)
    return 0


class Installed(Struct, frozen=True):
    """`completion --install --json`: the files that were written, and those that needed nothing."""

    wrote: tuple[str, ...]
    unchanged: tuple[str, ...]


def completion_script(shell: Shell) -> str:
    """The parser's script for a shell, and what completes the ids of the checks."""
    from vibeguard.commands.application import build  # noqa: PLC0415 - it names this module

    script = build().meta.generate_completion(prog_name="vibeguard", shell=shell).rstrip() + "\n"
    return script + completion_of_ids(shell)


def install_completion(
    shell: str, script: str, environ: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write what is not there yet; the paths that were written, and those that were right already.

    Raises OSError, or UsageError where the home folder is not known or a block of ours is broken.
    """
    wanted = _texts(shell, script, environ)
    changed = tuple(path for path, text in wanted.items() if text != _read(path))
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        rewrite_file(str(path), wanted[path].encode(errors="surrogateescape"))
    kept = (path for path in wanted if path not in changed)
    return tuple(map(str, changed)), tuple(map(str, kept))


def _texts(shell: str, script: str, environ: Mapping[str, str]) -> dict[Path, str]:
    """Each file of the shell, and what it is to hold."""
    home = Path(environ.get("HOME", ""))
    if not home.is_absolute():
        raise UsageError("HOME names no folder", f"vibeguard completion {shell} >FILE prints it")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    if shell == "fish":
        folder = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        return {folder / "fish/completions/vibeguard.fish": script}
    if shell == "bash":
        # The place where the package bash-completion looks; the block is for those without it.
        place = data / "bash-completion/completions/vibeguard"
        return {place: script, **_started(home / ".bashrc", f". {shlex.quote(str(place))}")}
    place = data / "zsh/site-functions/_vibeguard"
    start = Path(environ.get("ZDOTDIR") or home) / ".zshrc"
    ready = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"
    return {place: script, **_started(start, f"{ready}\nsource {shlex.quote(str(place))}")}


def _started(path: Path, lines: str) -> dict[Path, str]:
    """The start-up file with our lines in it."""
    try:
        return {path: BLOCK.put_into(_read(path), lines)}
    except Unclosed as error:
        raise UsageError(f"{path}: {error}", "take the rest of that block out by hand") from error


def _read(path: Path) -> str:
    try:
        with open(open_of_users(str(path)), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""
