"""The record of a pass, as it is stored; and which checks may settle by theirs together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from vibeguard.core.model.config import CheckKeys
from vibeguard.core.model.plan import Plan
from vibeguard.core.names import GitEnvironment, LeakPolicy, ReusePolicy
from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.reuse.key import Part, key_of
from vibeguard.core.wording.units import some

LARGEST_BYTES = 4 << 20


class Record(Struct, frozen=True, omit_defaults=True):
    """One pass: under which key, in which sealed run, and until when it may stand for another.

    `manifest` names the stored list of the inputs (for people); `outputs` is the digest of the
    declared outputs as the check left them. Times are wall clock.
    """

    check: str
    parts: tuple[Part, ...]
    manifest: str
    passed_ns: int
    reuse_for_ns: int
    outputs: str = ""
    run: str = ""
    seal: str = ""

    @property
    def key(self) -> str:
        """What the pass depends on."""
        return key_of(self.parts)

    def holds(self, now_ns: int, reuse_for_ns: int) -> bool:
        """Whether it is young enough. One from the future is not: the clock was set back."""
        limit = min(self.reuse_for_ns, reuse_for_ns)
        return 0 <= now_ns - self.passed_ns <= limit


def encode_record(record: Record) -> bytes:
    """The bytes to store: their digest, and the record."""
    text = msgspec.json.encode(record)
    return sha256(text).hexdigest().encode() + b"\n" + text


def decode_record(data: bytes) -> Record | None:
    """The record; None for what is none, or not whole."""
    digest, _, text = data.partition(b"\n")
    if digest != sha256(text).hexdigest().encode():
        return None
    try:
        return msgspec.json.decode(text, type=Record)
    except UNDECODABLE:
        return None


def why_never(planned: CheckKeys) -> str:
    """Why no pass of a check may ever be reused, as half a sentence; empty where one may."""
    if planned.reuse is ReusePolicy.OFF:
        return "it has no reuse: true"
    if not planned.inputs or planned.tools is None:
        lacking = ("inputs",) * (not planned.inputs) + ("tools",) * (planned.tools is None)
        return f"it declares no {' and no '.join(lacking)}"
    if planned.where is not None:
        return "it runs on a worker (where)"
    if planned.git_env is GitEnvironment.KEEP:
        return "it works on git's index (git_env: keep)"
    if planned.leaks is LeakPolicy.IGNORE:
        return "what it leaves running is not known (leaks: ignore)"
    return ""


def may_all_be_reused(plan: Plan) -> bool:
    """Whether there is no check in the plan that has to run whatever is recorded."""
    return plan.settings.reuse and bool(plan.checks) and not any(map(why_never, plan.checks))


def to_confirm(checks: Iterable[CheckKeys]) -> frozenset[str]:
    """The checks that are run again where they are reused."""
    confirmed = (check for check in checks if check.reuse is ReusePolicy.CONFIRM)
    return frozenset(check.id for check in confirmed if not why_never(check))


def never_reused(checks: Iterable[CheckKeys]) -> tuple[str, ...]:
    """Lines on the checks that ask for reuse and cannot have it; none where there is none."""
    asking = [check for check in checks if check.reuse is not ReusePolicy.OFF]
    told = [f"{check.id} ({why})" for check in asking if (why := why_never(check))]
    undeclared = [check.id for check in asking if not check.inputs or check.tools is None]
    lines = [f"never reused: {some(told, 5)}"] if told else []
    if undeclared:
        lines.append(f"what to declare is proposed by: vibeguard audit {undeclared[0]}")
    return tuple(lines)


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
