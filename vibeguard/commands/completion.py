"""`vibeguard completion`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_exact

Shell = Literal["bash", "zsh", "fish"]

# The parser's script only defines this function. As a file `_vibeguard` of $fpath the script is the
# body of a function of that name and has to call it; where it is evaluated, it has to register it.
ZSH_END = """
if [[ $funcstack[1] == _vibeguard ]]; then
  _cyclopts_vibeguard "$@"
else
  compdef _cyclopts_vibeguard vibeguard
fi
"""


def completion(
    shell: Annotated[Shell, Parameter(help="The shell that is to complete.")],
    /,
    *,
    common: GlobalOptions,  # noqa: ARG001 - the global flags are accepted everywhere
) -> int:
    """Print the completion script of a shell.

    bash: `vibeguard completion bash > ~/.local/share/bash-completion/completions/vibeguard`;
    zsh: write it to a file `_vibeguard` in a folder of $fpath, or `eval` it after `compinit`;
    fish: write it to `~/.config/fish/completions/vibeguard.fish`.
    """
    from vibeguard.commands.application import build  # noqa: PLC0415 - it names this module

    script = build().meta.generate_completion(prog_name="vibeguard", shell=shell).rstrip() + "\n"
    write_exact(script + (ZSH_END if shell == "zsh" else ""))
    return 0
