"""Asks every supervisor of a folder. Where none lives, nothing more is imported."""

from vibeguard.system.vouching.place import claimants
from vibeguard.system.vouching.statement import Ask, Request, Statement


def statements_of(state_dir: str, *, but: str = "") -> list[Statement | None]:
    """What each supervisor of the folder says; None for one that does not answer, or not rightly.

    Everybody who claims to be one is asked: an impostor can only make a run less trusted. The one
    at the socket `but` is left out: that of the asker, a supervisor that starts.
    """
    return tell_all(state_dir, Ask(starting=bool(but)), but=but)


def tell_all(state_dir: str, request: Request, *, but: str = "") -> list[Statement | None]:
    """The same for any request: of a run of ours that has begun, was sealed or was pruned.

    A supervisor that cannot be reached will not vouch for the run; nothing worse happens.
    """
    answers: list[Statement | None] = []
    for name in claimants(state_dir):
        if name == but:
            continue
        from vibeguard.system.vouching.exchange import SomebodyElse, exchange  # noqa: PLC0415 - sockets

        try:
            answer = exchange(name, request)
        except SomebodyElse:
            continue
        if answer is not None or name in claimants(state_dir):  # else it has ended meanwhile
            answers.append(answer)
    return answers
