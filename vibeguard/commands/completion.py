"""`vibeguard completion`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.output import write_out

Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell, Parameter(help="The shell that is to complete.")],
    /,
    *,
    common: GlobalOptions,  # noqa: ARG001 - the global flags are accepted everywhere
) -> int:
    """Print the completion script of a shell.

    bash: `vibeguard completion bash > ~/.local/share/bash-completion/completions/vibeguard`;
    zsh: write it to a file `_vibeguard` in a folder of $fpath;
    fish: write it to `~/.config/fish/completions/vibeguard.fish`.
    """
    from vibeguard.commands.application import build  # noqa: PLC0415 - it names this module

    write_out(build().meta.generate_completion(prog_name="vibeguard", shell=shell).rstrip() + "\n")
    return 0
