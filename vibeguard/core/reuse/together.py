"""Which checks may settle as reused together, when those that run must not rest on air."""

from collections.abc import Collection, Mapping, Sequence


def reused_together(
    candidates: Sequence[str],
    requires: Mapping[str, Collection[str]],
    passed: Collection[str],
    unsettled: Collection[str],
    with_outputs: Collection[str],
) -> set[str]:
    """Those of the candidates for which an earlier pass may stand.

    Each candidate has a recorded pass under its present key. One is left out that requires what
    neither has `passed` nor is reused; and one that an `unsettled` check requires which is not
    reused, unless its declared outputs lie there as recorded (`with_outputs`).
    """
    chosen = set(candidates)
    dependents: dict[str, list[str]] = {}
    for check in unsettled:
        for required in requires[check]:
            dependents.setdefault(required, []).append(check)
    doubtful = list(chosen)
    while doubtful:
        check = doubtful.pop()
        if check not in chosen:
            continue
        stands = all(required in passed or required in chosen for required in requires[check])
        rests = check in with_outputs or all(d in chosen for d in dependents.get(check, ()))
        if not (stands and rests):
            chosen.discard(check)
            doubtful += [*requires[check], *dependents.get(check, ())]
    return chosen
