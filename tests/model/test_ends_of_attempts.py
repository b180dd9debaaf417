"""However attempts end and are judged, the fold takes every event, and green is what a model says."""

import os
from random import Random
from types import SimpleNamespace

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import force_setattr, replace

from tests.helpers.examples import examples
from tests.helpers.scripted_executor import Script
from tests.helpers.virtual import SECOND_NS, check, plan_of, run_virtually
from tests.model.test_random_histories import LEFT_BEHIND, PROPERTY, _interrupt
from vibeguard.core.judge import changed_files, unknown_changes
from vibeguard.core.model.config import CheckConfig
from vibeguard.core.model.config_parts import Where
from vibeguard.core.model.event_parts import StagedView
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import Expectation, Quarantine, ResultsSource
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import LeakPolicy, OnChange, Outcome, Reason, Severity, StagedWay, Verdict
from vibeguard.system.supervisor import judging
from vibeguard.system.supervisor.host import CutShort

FOREVER = float("inf")
OUTPUT_LIMIT, GROK_LIMIT = 64, 48
OUTPUTS = {
    "n=1": b"n=1",  # so short that it is judged without a fork
    "passed": b"n=1\nok 1 - a\n1..1\n",
    "n=0": b"n=0\nok 1 - a\n1..1\n",
    "n=x": b"n=x\nok 1 - a\n1..1\n",
    "nothing ran": b"n=1\n1..0\n",
    "listed": b"n=1\nnot ok 1 - known\n1..1\n",
    "unlisted": b"n=1\nnot ok 1 - known\nnot ok 2 - b\n1..2\n",
    "over the limit of grok": b"n=1\nok 1 - a\n1..1\n".ljust(GROK_LIMIT + 1),
    "too much": b"n=1\nok 1 - a\n1..1\n".ljust(OUTPUT_LIMIT + 1),
    "gone": b"",
}


class Act(Struct, frozen=True):
    """What one attempt does, and what comes of judging it."""

    script: Script
    output: str
    fork: str
    changes: str
    tree_moves: bool


Drawn = tuple[list[CheckConfig], dict[str, list[Act]], list[tuple[float, str]], bool]


class Stage:
    """Judges attempts as the supervisor does, by files and forks that are as the acts say."""

    def __init__(self, folder: str, acts: dict[str, list[Act]]) -> None:
        self.acts = acts
        self.cut: set[tuple[str, int]] = set()
        launch = SimpleNamespace(
            folder=os.fsencode(folder),
            environment={},
            cwd_of=lambda _: folder,
            plan=SimpleNamespace(settings=SimpleNamespace(grok_limit_bytes=GROK_LIMIT)),
        )
        self._folder = folder
        self._log = SimpleNamespace(launch=launch, state=State(), output_path=self._output_path)

    def act(self, check_id: str, number: int) -> Act:
        acts = self.acts[check_id]
        return acts[min(number, len(acts)) - 1]

    def _output_path(self, planned, number):
        return os.path.join(self._folder, self.act(planned.id, number).output)

    async def judge(self, planned, number, ended, before_waiting):
        act = self.act(planned.id, number)

        async def moved():
            await trio.sleep(0.25)
            return ["a.py"] if act.tree_moves else []

        async def ruled(planned, judgement):
            if judgement.outcome is Outcome.ERROR or not changes(planned, act):
                return judgement
            try:
                await trio.sleep(0.25)
            except trio.Cancelled:
                return unknown_changes(judgement, "cancelled")
            if act.changes == "untold":
                return unknown_changes(judgement, "it took too long")
            return changed_files(judgement, ["a.py"])

        async def fork(work, _timeout_s):
            try:
                await trio.sleep(0.5)
            except trio.Cancelled:
                self.cut.add((planned.id, number))
                raise CutShort("cancelled") from None
            if act.fork == "cut short":
                self.cut.add((planned.id, number))
                raise CutShort("it took too long")
            if act.fork == "no process":
                raise BlockingIOError
            return work()

        log = SimpleNamespace(**vars(self._log))
        log.view = SimpleNamespace(moved=moved) if act.tree_moves else None
        judge = judging.Judging(log, fork)
        judge._untouched = SimpleNamespace(ruled=ruled)
        return await judge.judge(planned, number, ended, before_waiting)


def changes(planned: PlannedCheck, act: Act) -> bool:
    return bool(act.changes) and planned.on_change is OnChange.FAIL and planned.where is None


def is_good(planned: PlannedCheck, act: Act) -> bool:
    """Whether an attempt passes that nothing from outside has ended, and that was judged whole."""
    script, text = act.script, act.output
    in_time = script.duration_s <= (1 if planned.idle_timeout_ns else 10)
    bad_end = script.exit_code or script.signal or script.refuse or script.output_error
    never_ended = script.lost or script.refused or script.unkillable
    leaks = script.leaked and planned.leaks is LeakPolicy.FAIL
    if bad_end or never_ended or leaks or not in_time or text == "too much":
        return False
    if act.tree_moves or changes(planned, act):
        return False
    if planned.file and (planned.where is not None or planned.file == "absent"):
        return False
    if planned.grok and not planned.file and text in ("gone", "over the limit of grok"):
        return False
    if planned.assertion and not planned.file and text in ("n=0", "n=x"):
        return False
    if planned.results and text in ("gone", "listed", "unlisted", "n=1"):
        return False
    return not (planned.expect and text == "nothing ran")


ZERO = [Script(duration_s=s) for s in (0, 1)]
SCRIPTS = [
    *[Script(duration_s=s) for s in (7, FOREVER)],
    *[Script(duration_s=1, exit_code=code) for code in (1, 1, 1, 2, 130)],
    *[Script(duration_s=1, signal=name) for name in ("SIGSEGV", "SIGTERM")],
    Script(duration_s=1, leaked=LEFT_BEHIND),
    Script(duration_s=1, exit_code=1, leaked=LEFT_BEHIND),
    Script(duration_s=FOREVER, ignores_term_s=FOREVER),
    Script(duration_s=FOREVER, unkillable=LEFT_BEHIND),
    Script(duration_s=1, output_error="no room"),
    Script(refuse="no such shell"),
    Script(start_delay_s=1),
    Script(duration_s=1, lost=True),
    Script(duration_s=1, refused=True),
]


def drawn_act(rng: Random) -> Act:
    """Half of them succeed as far as their exit says."""
    output = rng.choice(list(OUTPUTS))
    return Act(
        replace(rng.choice(rng.choice([ZERO, SCRIPTS])), output=OUTPUTS[output]),
        output,
        rng.choice(["answers"] * 4 + ["cut short", "no process"]),
        rng.choice([""] * 4 + ["files", "untold"]),
        rng.random() < 0.05,
    )


def drawn_check(rng: Random, name: str) -> CheckConfig:
    """A check with any keys that have a part in what an attempt comes to."""
    assertion = rng.choice(["", "", "n >= 1"])
    results = rng.choice([(), (ResultsSource("tap"),)])
    away = rng.random() < 0.3
    return check(
        name,
        timeout_s=10,
        grok=("(?m)n=%{DATA:n}$",) if assertion else rng.choice([(), ("n=%{DATA:n}$",)]),
        assertion=assertion,
        file=rng.choice([""] * 6 + ["there", "absent"]),
        results=results,
        expect=rng.choice([None, Expectation(min=1)]) if results else None,
        quarantine=rng.choice([None, Quarantine(("known",))]) if results else None,
        retries=rng.randrange(3),
        where=Where() if away else None,
        retry_lost=rng.randrange(2) if away else 0,
        leaks=rng.choice(list(LeakPolicy)),
        on_change=rng.choice([OnChange.NOTE, OnChange.NOTE, OnChange.FAIL]),
        severity=rng.choice([Severity.ERROR, Severity.ERROR, Severity.WARNING]),
        idle_timeout_ns=None if away else rng.choice([None, 4 * SECOND_NS]),
        output_limit_bytes=OUTPUT_LIMIT,
    )


def drawn_run(rng: Random, most: int) -> Drawn:
    """Checks that have nothing to do with each other, what they do, and what is done to the run."""
    checks = [drawn_check(rng, f"c{number}") for number in range(rng.randint(1, most))]
    acts = {c.id: [_possible(c, drawn_act(rng)) for _ in range(3)] for c in checks}
    happening = []
    what = ["cancel c0", "cancel c1", "SIGINT", "cancel", "run timeout"]
    if rng.random() < 0.4:
        moments = [0.1, 0.5, 1.0, 1.1, 1.3, 1.6]
        happening = [(rng.choice(moments), rng.choice(what)) for _ in range(2)]
    return checks, acts, happening, rng.random() < 0.1


def _possible(drawn: CheckConfig, act: Act) -> Act:
    """Time limits elsewhere are not kept here; only elsewhere what has started may be refused."""
    script = act.script
    if drawn.where is not None and script.duration_s == FOREVER:
        script = replace(script, duration_s=7, unkillable=())
    if drawn.where is None and script.refused:
        script = replace(script, refused=False, lost=True)
    return replace(act, script=script)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("outputs")
    for name, text in {**OUTPUTS, "there": b"n=1\n"}.items():
        if name != "gone":
            (made / name).write_bytes(text)
    return str(made)


def conduct(folder: str, checks, table, happening, fail_fast) -> tuple[State, Stage]:
    """The State of the whole run, and what judged it."""
    stage, states = Stage(folder, table), []

    def before(run):
        states.append(run.state)
        force_setattr(run.state.started, "staged", StagedView(way=StagedWay.COPY))

    async def during(run):
        for wait_s, what in happening:
            await trio.sleep(wait_s)
            _interrupt(run, what)

    scripts = {name: [act.script for act in acts] for name, acts in table.items()}
    plan = plan_of(checks, fail_fast=fail_fast, parallel=100)
    plan = replace(plan, settings=replace(plan.settings, pool=PoolSettings()))
    facts = {"plan": plan, "before": before, "during": during, "judge": stage.judge}
    run_virtually(checks, scripts, audited=False, **facts)
    return states[0], stage


def judged_to_its_end(act: Act) -> bool:
    """Whether an attempt was no error, and none that was lost, which look at no file."""
    script = act.script
    return not (script.lost or script.output_error or script.unkillable or act.tree_moves)


def wrong_about(stage: Stage, record: CheckRecord, *, disturbed: bool) -> str:
    """What contradicts the model in how a check has settled."""
    planned, settled = record.planned, record.settled
    number = record.started.attempt if record.started else 0
    act = stage.act(planned.id, number or 1)
    good = is_good(planned, act) and (planned.id, number) not in stage.cut
    if settled.outcome is Outcome.PASSED and not good:
        return "passed what is no pass"
    ended_there = settled.reason is not Reason.NOT_STARTABLE  # and not the next one, at its start
    if good and settled.outcome is not Outcome.PASSED and ended_there and not disturbed:
        return "a good attempt did not pass"
    if settled.quarantined and (act.output != "listed" or act.script.exit_code != 1):
        return "quarantine holds for what is not listed"
    leaks = act.script.leaked and planned.leaks is LeakPolicy.FAIL
    if settled.quarantined and (leaks or changes(planned, act)):
        return "quarantine holds for what more than a test speaks against"
    once_more = settled.attempts - record.lost <= planned.retries and not disturbed
    fails = settled.outcome in (Outcome.FAILED, Outcome.TIMEOUT)
    if fails and once_more and not changes(planned, act):
        return "it was not tried as often as it may be"
    earlier = [stage.act(planned.id, past) for past in range(1, number)]
    if any(changes(planned, past) and judged_to_its_end(past) for past in earlier):
        return "it was tried again although it had changed files"
    return ""


def disagreements(folder: str, drawn: Drawn) -> list[str]:
    """What contradicts the model in a run, by check."""
    checks, acts, happening, _ = drawn
    state, stage = conduct(folder, *drawn)
    assert state.finished is not None
    disturbed = bool(happening) or state.cancel is not None
    passed, found = state.finished.verdict is Verdict.PASSED, []
    for planned in checks:
        record = state.checks[planned.id]
        if what := wrong_about(stage, record, disturbed=disturbed):
            found.append(f"{what}: {record.settled} of {planned}, which does {acts[planned.id]}")
        green = record.outcome is Outcome.PASSED or record.settled.quarantined
        if passed and not green and planned.severity is Severity.ERROR:
            found.append(f"the run passed, but {record.settled}")
    return found


@settings(PROPERTY, max_examples=examples(2))
@given(seed=st.integers(0, 2**32))
def test_whatever_the_supervisor_records_is_taken_and_green_is_green(folder, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "AT_ONCE_BYTES", 4)
        assert disagreements(folder, drawn_run(Random(seed), most=20)) == []
