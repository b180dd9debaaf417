"""`vibeguard completion`."""

import os
from typing import Annotated, Literal

from msgspec import Struct

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Parameter
from vibeguard.commands.streams import write_exact, write_news
from vibeguard.commands.templates import completion_of_ids
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise

Shell = Literal["bash", "zsh", "fish"]


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
    from vibeguard.commands.completion_place import install_completion  # noqa: PLC0415 - rare

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
