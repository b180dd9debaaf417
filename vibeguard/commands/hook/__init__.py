"""`vibeguard hook`: hooks for git and for coding agents, printed or installed."""

from typing import Annotated, Literal

from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Parameter
from vibeguard.core.problems import UsageError

Kind = Literal["git", "agent", "doctor", "verdict", "failures", "stop", "wake"]
TargetName = Literal["claude", "codex", "cursor"]
# Which options say something to a kind; the others would be passed over without a word.
_TAKES: dict[Kind, tuple[str, ...]] = {
    "git": ("write", "stage"),
    "agent": ("write", "remove", "target"),
    "stop": ("target",),
    "wake": ("target",),
}


class HookOptions(Options, frozen=True, kw_only=True):
    """`hook`: print, or install."""

    write: Annotated[
        bool, Parameter(help="Install it; a hook of somebody else is never touched.")
    ] = False
    remove: Annotated[
        bool, Parameter(help="With --target: take out what is ours, and only that.")
    ] = False
    target: Annotated[
        TargetName | None,
        Parameter(
            help="For agent: write into this agent's own settings; for stop and wake: who asks."
        ),
    ] = None
    stage: Annotated[
        Literal["pre-commit", "pre-push"] | None, Parameter(help="Only this git hook.")
    ] = None


def hook(
    kind: Annotated[
        Kind,
        Parameter(
            help="git or agent; doctor says what every hook does; verdict is what the "
            "pre-push hook asks, failures, stop and wake what the hooks of an agent ask."
        ),
    ],
    subject: Annotated[
        str, Parameter(help="For verdict: the git tree; for stop and wake: the agent.")
    ] = "",
    /,
    *,
    common: GlobalOptions,
    options: HookOptions,
) -> int:
    """Print, install or examine the git hooks and the hooks of coding agents."""
    for name in ("write", "remove", "target", "stage"):
        if getattr(options, name) and name not in _TAKES.get(kind, ()):
            raise UsageError(f"hook {kind} has no --{name}", "see vibeguard hook --help")
    if kind == "verdict":
        from vibeguard.commands.hook.push_verdict import verdict  # noqa: PLC0415 - it reads logs

        return verdict(subject, common=common)
    if kind in ("stop", "wake"):
        from vibeguard.commands.hook import stop as asked  # noqa: PLC0415 - only where an agent calls

        return (asked.stop if kind == "stop" else asked.wake)(
            subject or options.target or "", common
        )
    if subject:
        raise UsageError(f"one word too many: {subject}", "see vibeguard hook --help")
    if kind == "failures":
        from vibeguard.commands.hook.push_verdict import failures  # noqa: PLC0415 - it reads logs

        return failures(common=common)
    if kind == "doctor":
        from vibeguard.commands.hook.doctor import doctor  # noqa: PLC0415 - it runs hooks

        return doctor(common)
    from vibeguard.commands.hook.scripts import scripts  # noqa: PLC0415 - for people, not for hooks

    return scripts(kind, common, options)
