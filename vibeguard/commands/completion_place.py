"""Where a completion script goes: a file of our own, and a block in the shell's start-up file."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from vibeguard.core.problems import UsageError
from vibeguard.core.wording.marked_block import Block, Unclosed
from vibeguard.system.rundir.files import rewrite_file

BLOCK = Block("# >>> vibeguard completion >>>", "# <<< vibeguard completion <<<")


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
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
