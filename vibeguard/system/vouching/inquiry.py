"""Asking every supervisor of a state folder that lives; nothing happens where none does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vibeguard.system.vouching.place import claimants

if TYPE_CHECKING:
    from vibeguard.system.rundir.order import OrderedRun
    from vibeguard.system.vouching.statement import Request, Statement


def statements_of(state_dir: str, *, but: str = "") -> "list[Statement | None]":
    """What each supervisor of the folder says; None for one that does not answer, or not rightly.

    Everybody who claims to be one is asked: an impostor can only make a run less trusted. The one
    at the socket `but` is left out: that of the asker, a supervisor that starts.
    """
    if not any(name != but for name in claimants(state_dir)):
        return []  # nothing more is imported: this is a reader in a folder at rest
    from vibeguard.system.vouching.statement import Ask  # noqa: PLC0415 - seldom needed

    return _exchange(state_dir, Ask(starting=bool(but)), but=but)


def tell_started_or_sealed(state_dir: str, run: "OrderedRun", *, own: str) -> None:
    """Tell the other supervisors of a run of this process, whose own socket is `own`.

    A supervisor that cannot be reached will not vouch for the run; nothing worse happens.
    """
    if any(name != own for name in claimants(state_dir)):
        from vibeguard.system.vouching.statement import Tell  # noqa: PLC0415 - seldom needed

        _exchange(state_dir, Tell(run), but=own)


def tell_pruned(state_dir: str, removed: Sequence[str]) -> None:
    """Tell the supervisors of the folder which runs are no more."""
    if removed and claimants(state_dir):
        from vibeguard.system.vouching.statement import Forget  # noqa: PLC0415 - seldom needed

        _exchange(state_dir, Forget(tuple(removed)))


def _exchange(state_dir: str, request: "Request", *, but: str = "") -> "list[Statement | None]":
    from vibeguard.system.vouching.exchange import SomebodyElse, exchange  # noqa: PLC0415 - imports sockets

    answers: list[Statement | None] = []
    for name in claimants(state_dir):
        if name == but:
            continue
        try:
            answer = exchange(name, request)
        except SomebodyElse:
            continue
        if answer is not None or name in claimants(state_dir):  # else it has ended meanwhile
            answers.append(answer)
    return answers
