"""The verdict does not hang on who settles first: the pure scheduler, fed the same ends in any order."""

from collections.abc import Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.helpers.virtual import check, plan_of, planned_state
from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import verdict_of
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.events import CheckAttemptFinished, CheckStarted, Event
from vibeguard.core.model.state import State
from vibeguard.core.names import AttemptEnd, Outcome, Reason, Severity, WhilePending
from vibeguard.core.scheduling.moves import EnterGroup, LeaveGroup, LookUp, Start
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.core.scheduling.settlement import settled

NAMES = [f"c{number}" for number in range(7)]
orders = st.lists(st.tuples(st.permutations(NAMES), st.integers(1, 4)), min_size=4, max_size=4)


@st.composite
def graphs(draw: st.DrawFn) -> list[CheckConfig]:
    """Checks in plan order that require earlier ones only."""
    modes = draw(st.lists(st.sampled_from(["sync", "sync", "async"]), min_size=2, max_size=7))
    checks = []
    for number, mode in enumerate(modes):
        requires = []
        for earlier in draw(st.sets(st.integers(0, max(0, number - 1)), max_size=min(number, 3))):
            choices = ["wait", "skip", "proceed"] if modes[earlier] == "async" else ["wait"]
            requires.append((f"c{earlier}", draw(st.sampled_from(choices))))
        severity = draw(st.sampled_from(list(Severity)))
        checks.append(check(f"c{number}", *requires, mode=mode, severity=severity))
    return checks


def play(
    checks: list[CheckConfig], passes: Mapping[str, bool], order: list[str], slots: int
) -> State:
    """A run in which, of all that run, the one that stands first in `order` ends next."""
    state = planned_state(plan_of(checks, parallel=slots, async_parallel=slots))
    scheduler, running = Scheduler(state), set[str]()

    def record(event: Event) -> None:
        event = type(event)(**{**_fields(event), "seq": state.next_seq, "t": state.last_t})
        apply(state, event)
        scheduler.feed(event)

    while True:
        while (move := scheduler.next_move()) is not None:
            if isinstance(move, Start):
                pool = state.checks[move.check].pool
                record(CheckStarted(check=move.check, attempt=1, pool=pool))
                running.add(move.check)
            elif not isinstance(move, EnterGroup | LeaveGroup | LookUp):
                record(move)
        if not running:
            return state
        name = min(running, key=order.index)
        running.discard(name)
        code = 0 if passes[name] else 1
        record(CheckAttemptFinished(check=name, attempt=1, end=AttemptEnd.EXITED, exit_code=code))
        outcome, reason = (Outcome.FAILED, Reason.EXIT_CODE) if code else (Outcome.PASSED, None)
        record(settled(state.checks[name], outcome, reason))


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def what_was_pending(state: State) -> set[tuple[str, str]]:
    """Skip and proceed requirements that had not settled when their dependents had to decide.

    These are the author's word for an answer that hangs on time.
    """
    pending = set()
    for name, record in state.checks.items():
        at = record.started or record.settled
        for requirement in record.planned.requires:
            required = state.checks[requirement.check].settled
            soft = requirement.while_pending is not WhilePending.WAIT
            if soft and at is not None and required is not None and at.seq < required.seq:
                pending.add((name, requirement.check))
    return pending


@settings(max_examples=5000, deadline=None)
@given(graphs(), st.lists(st.booleans(), min_size=7, max_size=7), orders)
@example(
    [
        check("c0", mode="async"),
        check("c1", ("c0", "skip")),
        check("c2", mode="async", severity=Severity.WARNING),
        check("c3", "c1", "c2"),
        check("c4"),
    ],
    [True, True, False] + [True] * 4,
    [(["c2", "c4", "c0"], 4), (["c4", "c2", "c0"], 4)],
)
def test_the_same_ends_in_any_order_give_the_same_verdict(checks, ends, orders):
    passes = dict(zip(NAMES, ends, strict=True))
    seen: dict[frozenset[tuple[str, str]], set[tuple[object, ...]]] = {}
    for order, slots in orders:
        state = play(checks, passes, order, slots)
        assert state.settled == len(checks)
        told = (verdict_of(state), *((n, r.outcome) for n, r in state.checks.items()))
        seen.setdefault(frozenset(what_was_pending(state)), set()).add(told)
    assert all(len(verdicts) == 1 for verdicts in seen.values()), seen
