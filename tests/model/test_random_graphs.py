"""Random graphs under virtual time: the sentences of DESIGN sections 3 and 4 as properties."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.examples import examples
from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import SECOND_NS, VirtualRun, check, plan_of, run_virtually
from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.formats.registry import make_format
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckQueued,
    CheckSettled,
    CheckStarted,
)
from vibeguard.core.model.state import State
from vibeguard.core.names import Outcome, Pool, Severity, WhilePending

FOREVER = float("inf")
PROPERTY = settings(
    max_examples=examples(0.5),  # each is a whole run; the simulation has hundreds more
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole run takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

durations = st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0, 30.0])


@st.composite
def scripts(draw) -> list[Script]:
    """One or two attempts of a check."""
    kinds = st.one_of(
        st.builds(Script, duration_s=durations),
        st.builds(Script, duration_s=durations),
        st.builds(Script, duration_s=durations, exit_code=st.just(1)),
        st.builds(Script, duration_s=st.just(FOREVER), ignores_term_s=durations),
        st.just(Script(refuse="no such shell")),
        st.builds(Script, duration_s=durations, lost=st.just(True)),
    )
    return draw(st.lists(kinds, min_size=1, max_size=2))


@st.composite
def graphs(draw, *, plain: bool = False) -> tuple[list[CheckConfig], dict[str, list[Script]]]:
    """Checks in plan order that require earlier ones only, and what each of them does."""
    count = draw(st.integers(1, 9))
    checks: list[CheckConfig] = []
    table: dict[str, list[Script]] = {}
    modes: dict[str, str] = {}
    for number in range(count):
        name = f"c{number}"
        modes[name] = draw(st.sampled_from(["sync", "sync", "async"]))
        requires: list[tuple[str, str]] = []
        for earlier in range(number):
            if draw(st.integers(0, 3)):
                continue
            asynchronous = modes[f"c{earlier}"] == "async" and not plain
            choices = ["wait", "skip", "proceed"] if asynchronous else ["wait"]
            requires.append((f"c{earlier}", draw(st.sampled_from(choices))))
        options: dict[str, object] = {}
        if not plain:
            options = {
                "weight": draw(st.integers(1, 3)),
                "retries": draw(st.integers(0, 1)),
                "severity": draw(st.sampled_from(list(Severity))),
                "group": draw(st.sampled_from(["", "", "", "g"])),
            }
        checks.append(check(name, *requires, mode=modes[name], timeout_s=10, **options))
        table[name] = [Script(duration_s=draw(st.integers(0, 9)))] if plain else draw(scripts())
    return checks, table


def run_of(graph, tmp_path_factory, **options) -> VirtualRun:
    checks, table = graph
    folder = tmp_path_factory.mktemp("groups", numbered=True)
    return run_virtually(checks, table, group_folder=str(folder), **options)


@PROPERTY
@given(graphs(), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_every_planned_check_settles_exactly_once(
    tmp_path_factory, graph, parallel, async_parallel, fail_fast
):
    run = run_of(
        graph,
        tmp_path_factory,
        parallel=parallel,
        async_parallel=async_parallel,
        fail_fast=fail_fast,
    )
    settled = [event.check for event in run.events if isinstance(event, CheckSettled)]
    assert sorted(settled) == sorted(run.state.checks)


@PROPERTY
@given(graphs(), st.integers(1, 3), st.integers(1, 3))
def test_slots_are_never_exceeded(tmp_path_factory, graph, parallel, async_parallel):
    run = run_of(graph, tmp_path_factory, parallel=parallel, async_parallel=async_parallel)
    capacity = {Pool.FOREGROUND: parallel, Pool.BACKGROUND: async_parallel}
    used = {Pool.FOREGROUND: 0, Pool.BACKGROUND: 0}
    running: dict[str, int] = {}
    planned = {c.id: c for c in run.plan.checks}
    for event in run.events:
        if isinstance(event, CheckStarted):
            running[event.check] = min(planned[event.check].weight, capacity[event.pool])
            used[event.pool] += running[event.check]
            assert used[event.pool] <= capacity[event.pool]
        elif isinstance(event, CheckAttemptFinished) and event.check in running:
            used[planned[event.check].pool] -= running.pop(event.check)


@PROPERTY
@given(graphs(), st.integers(1, 3))
def test_no_check_starts_before_its_requirements_allow(tmp_path_factory, graph, parallel):
    run = run_of(graph, tmp_path_factory, parallel=parallel)
    planned = {c.id: c for c in run.plan.checks}
    outcome: dict[str, Outcome] = {}
    started: set[str] = set()
    for event in run.events:
        if isinstance(event, CheckSettled):
            outcome[event.check] = event.outcome
        elif isinstance(event, CheckStarted) and event.check not in started:
            started.add(event.check)
            for requirement in planned[event.check].requires:
                if requirement.while_pending is WhilePending.WAIT:
                    assert outcome[requirement.check] is Outcome.PASSED
                elif requirement.while_pending is WhilePending.SKIP:
                    assert outcome.get(requirement.check) is Outcome.PASSED
                elif requirement.check in outcome:
                    record = run.state.checks[event.check]
                    waived = requirement.check in record.waived
                    assert waived or outcome[requirement.check] is Outcome.PASSED


@PROPERTY
@given(graphs(plain=True), st.integers(1, 3), st.integers(1, 3))
def test_no_startable_check_waits_while_its_weight_is_free(
    tmp_path_factory, graph, parallel, async_parallel
):
    run = run_of(graph, tmp_path_factory, parallel=parallel, async_parallel=async_parallel)
    capacity = {Pool.FOREGROUND: parallel, Pool.BACKGROUND: async_parallel}
    queued = {Pool.FOREGROUND: 0, Pool.BACKGROUND: 0}
    used = {Pool.FOREGROUND: 0, Pool.BACKGROUND: 0}
    planned = {c.id: c for c in run.plan.checks}
    before = 0
    for event in run.events:
        if event.t > before:  # time passes: everything of the moment before has been done
            for pool, waiting in queued.items():
                assert not waiting or used[pool] == capacity[pool]
            before = event.t
        if isinstance(event, CheckQueued):
            queued[event.pool] += 1
        elif isinstance(event, CheckStarted):
            queued[event.pool] -= 1
            used[event.pool] += 1
        elif isinstance(event, CheckAttemptFinished):
            used[planned[event.check].pool] -= 1


@PROPERTY
@given(graphs(plain=True), st.integers(1, 3))
def test_the_makespan_stays_within_the_list_scheduling_bound(tmp_path_factory, graph, parallel):
    """Graham 1969: at most (critical path) (1 - 1/m) + (all work) / m, for one pool."""
    checks, table = graph
    foreground = [check(c.id, *[r.check for r in c.requires]) for c in checks]
    run = run_of((foreground, table), tmp_path_factory, parallel=parallel)
    work = {name: script[0].duration_s for name, script in table.items()}
    path: dict[str, float] = {}
    for c in foreground:
        path[c.id] = work[c.id] + max((path[r.check] for r in c.requires), default=0)
    bound = max(path.values()) * (1 - 1 / parallel) + sum(work.values()) / parallel
    assert run.elapsed_s <= bound + 1e-6


@PROPERTY
@given(graphs(), st.integers(1, 3))
def test_the_fold_of_any_prefix_never_passes(tmp_path_factory, graph, parallel):
    run = run_of(graph, tmp_path_factory, parallel=parallel)
    state = State()
    for event in run.events[:-1]:
        apply(state, event)
        assert exit_code_so_far(state) != 0
    apply(state, run.events[-1])


@PROPERTY
@given(graphs(), st.sampled_from(["text", "agent", "json", "jsonl"]))
def test_two_replays_print_the_same_bytes(tmp_path_factory, graph, name):
    run = run_of(graph, tmp_path_factory)

    def replay() -> str:
        form, state, text = make_format(name, FormatOptions()), State(), ""
        for event in run.events:
            apply(state, event)
            text += form.feed(state, event)
        return text + form.finish(state)

    assert replay() == replay()


@PROPERTY
@given(graphs(), st.integers(1, 3))
def test_a_run_passes_only_if_every_error_severity_check_passed_or_was_waived(
    tmp_path_factory, graph, parallel
):
    """The naive model of the verdict, beside the fold's."""
    run = run_of(graph, tmp_path_factory, parallel=parallel)
    failing = [
        name
        for name, record in run.state.checks.items()
        if record.planned.severity is Severity.ERROR
        and record.outcome is not Outcome.PASSED
        and not (record.outcome is Outcome.SKIPPED and record.settled.waived)
    ]
    executed = any(isinstance(event, CheckStarted) for event in run.events)
    assert (run.exit_code() == 0) == (not failing and executed)


def test_an_hour_of_history_is_what_the_ranks_are_made_of():
    plan = plan_of([check("a"), check("b", "a")], expected_ns={"a": SECOND_NS, "b": 5 * SECOND_NS})
    assert [c.remaining_path_ns for c in plan.checks] == [6 * SECOND_NS, 5 * SECOND_NS]
