"""The scheduler alone: events in, moves out; no task, no clock, no executor."""

import pytest
from msgspec.structs import force_setattr

from tests.helpers.virtual import check, plan_of, planned_state
from vibeguard.core.fold.fold import apply
from vibeguard.core.model.events import (
    CheckAttemptFinished,
    CheckRequirementWaived,
    CheckRetryScheduled,
    CheckSettled,
    CheckStarted,
    FrontierAdvanced,
    RunCancelRequested,
    RunDegraded,
    RunForegroundSettled,
    RunPaused,
    RunResumed,
)
from vibeguard.core.model.state import State
from vibeguard.core.names import AttemptEnd, CancelReason, Outcome, Reason
from vibeguard.core.scheduling.moves import EnterGroup, LeaveGroup, LookUp, Start
from vibeguard.core.scheduling.scheduler import Scheduler
from vibeguard.core.scheduling.settlement import settled


class Desk:
    """Carries out moves by noting them; what the world would do is said by the test."""

    def __init__(self, *checks, refuse_group=False, reusable=(), **options):
        self.state = planned_state(plan_of(checks, **options))
        self.scheduler = Scheduler(self.state, reusable)
        self.refuse_group = refuse_group

    def feed(self, event):
        force_setattr(event, "seq", self.state.next_seq)
        force_setattr(event, "t", self.state.last_t)
        apply(self.state, event)
        self.scheduler.feed(event)

    def moves(self, *events):
        """What follows from these events."""
        for event in events:
            self.feed(event)
        made = []
        while (move := self.scheduler.next_move()) is not None:
            made.append(move)
            if isinstance(move, EnterGroup) and self.refuse_group:
                self.scheduler.block(move.check)
            elif not isinstance(move, EnterGroup | LeaveGroup | LookUp | Start):
                self.feed(move)
        return made

    def starts(self, check, *, pid=1):
        """The attempt of a check that was to start runs."""
        record = self.state.checks[check]
        self.feed(CheckStarted(check=check, attempt=record.attempt, pool=record.pool, pid=pid))

    def exits(self, check, code=0):
        """The attempt is over; nobody has judged it yet."""
        number = self.state.checks[check].attempt
        self.feed(
            CheckAttemptFinished(check=check, attempt=number, end=AttemptEnd.EXITED, exit_code=code)
        )

    def passes(self, check):
        """What follows when the check runs and passes."""
        self.starts(check)
        self.exits(check)
        return self.moves(settled(self.state.checks[check], Outcome.PASSED))

    def fails(self, check):
        """What follows when the check runs and fails."""
        self.starts(check)
        self.exits(check, 1)
        record = self.state.checks[check]
        return self.moves(settled(record, Outcome.FAILED, Reason.EXIT_CODE))


def told(moves):
    """The moves as words: type, and whom it concerns."""
    return [
        (type(move).__name__, getattr(move, "check", None) or getattr(move, "checks", ""))
        for move in moves
    ]


def test_what_requires_nothing_is_ready_first_and_starts():
    desk = Desk(check("a"), check("b", "a"))
    assert told(desk.moves()) == [
        ("FrontierAdvanced", ("a",)),
        ("CheckQueued", "a"),
        ("Start", "a"),
    ]
    assert desk.moves() == []
    assert told(desk.passes("a")) == [
        ("FrontierAdvanced", ("b",)),
        ("CheckQueued", "b"),
        ("Start", "b"),
    ]
    assert [type(move) for move in desk.passes("b")] == [RunForegroundSettled]


def test_a_slot_is_taken_from_the_offer_on_and_free_when_the_attempt_is_over():
    desk = Desk(check("a"), check("b"), parallel=1)
    assert ("Start", "b") not in told(desk.moves())
    assert desk.moves() == []  # offered, though not started: a start may take its time
    desk.starts("a")
    assert desk.moves() == []
    desk.exits("a")
    assert desk.moves() == [Start("b")]


def test_with_fail_fast_a_slot_is_kept_until_the_outcome_is_known():
    desk = Desk(check("a"), check("b"), parallel=1, fail_fast=True)
    desk.moves()
    desk.starts("a")
    desk.exits("a")
    assert desk.moves() == []
    assert desk.moves(settled(desk.state.checks["a"], Outcome.PASSED)) == [Start("b")]


def test_a_failure_skips_what_requires_it_nearest_first_with_the_root_named():
    desk = Desk(check("a"), check("b", "a"), check("c", "b"), check("d", "a"))
    desk.moves()
    moves = desk.fails("a")
    assert [(m.check, m.cause) for m in moves if isinstance(m, CheckSettled)] == [
        ("b", "a"),
        ("d", "a"),
        ("c", "a"),
    ]


def test_fail_fast_is_a_move_after_the_skips_and_settles_what_does_not_run():
    desk = Desk(check("a"), check("b", "a"), check("c"), check("d"), parallel=2, fail_fast=True)
    desk.moves()
    desk.starts("c")
    moves = desk.fails("a")
    assert told(moves) == [("CheckSettled", "b"), ("RunCancelRequested", ""), ("CheckSettled", "d")]
    last = moves[-1]
    assert (last.outcome, last.reason, last.cause) == (Outcome.CANCELLED, Reason.FAIL_FAST, "a")


def test_a_cancel_settles_pending_ready_queued_and_waiting_checks_and_no_running_one():
    desk = Desk(check("runs"), check("queued"), check("pending", "runs"), parallel=1)
    desk.moves()
    desk.starts("runs")
    cancel = RunCancelRequested(reason=CancelReason.SIGNAL, by="SIGINT", exit_code=130)
    moves = desk.moves(cancel)
    assert [(m.check, m.reason) for m in moves] == [
        ("queued", Reason.INTERRUPTED),
        ("pending", Reason.INTERRUPTED),
    ]
    assert desk.moves() == []


def test_a_deferred_check_has_its_turn_when_the_others_have_settled():
    desk = Desk(check("bg", mode="async"), check("last", ("bg", "proceed")), check("other"))
    assert ("CheckQueued", "last") not in told(desk.moves())
    desk.starts("bg")
    moves = desk.passes("other")
    assert told(moves)[-3:] == [
        ("CheckQueued", "last"),
        ("CheckRequirementWaived", "last"),
        ("Start", "last"),
    ]
    waived = next(m for m in moves if isinstance(m, CheckRequirementWaived))
    assert (waived.requirement, waived.state) == ("bg", "running")


def test_skip_wins_among_several_pending_requirements_and_is_handed_on_as_asked_for():
    pending = [check(f"bg{i}", mode="async") for i in range(4)]
    ways = [("bg0", "proceed"), ("bg1", "skip"), ("bg2", "skip"), ("bg3", "proceed")]
    desk = Desk(*pending, check("early"), check("last", "early", *ways), check("after", "last"))
    desk.moves()
    *waived, skipped, handed_on, _ = desk.passes("early")[2:]  # its frontier, and its turn
    assert [(move.requirement, move.choice.value) for move in waived] == ways
    facts = {"outcome": Outcome.SKIPPED, "waived": True}
    assert (skipped.check, skipped.reason, skipped.cause) == (
        "last",
        Reason.DEPENDENCY_PENDING,
        "bg1",
    )
    assert (handed_on.check, handed_on.reason, handed_on.cause) == (
        "after",
        Reason.REQUIREMENT,
        "bg1",
    )
    for move in (skipped, handed_on):
        assert {name: getattr(move, name) for name in facts} == facts


def test_a_requirement_that_settles_early_frees_the_deferred_check_at_once():
    desk = Desk(check("bg", mode="async"), check("last", ("bg", "skip")), check("other"))
    desk.moves()
    assert told(desk.passes("bg")) == [("CheckQueued", "last"), ("Start", "last")]


@pytest.mark.parametrize("choice", ["skip", "proceed"])
def test_an_earlier_pass_is_looked_up_when_all_requirements_have_passed(choice):
    """It stands with theirs, and not before them."""
    names = ("first", "bg", "last")
    desk = Desk(
        check("first"),
        check("bg", "first", mode="async"),
        check("last", ("bg", choice)),
        check("other"),
        reusable=names,
    )
    asked = [move for move in desk.moves() if isinstance(move, LookUp)]
    for name in names[:2]:
        desk.scheduler.nothing_stands_for(name)
        desk.moves()
        asked += [move for move in desk.passes(name) if isinstance(move, LookUp)]
    assert asked == [LookUp(("first",)), LookUp(("bg",)), LookUp(("last",))]
    desk.scheduler.nothing_stands_for("last")
    assert told(desk.moves()) == [("CheckQueued", "last"), ("Start", "last")]


def test_what_is_looked_up_no_more_than_once_may_start_beside_what_it_requires():
    desk = Desk(check("bg", mode="async"), check("last", ("bg", "proceed")), reusable=["last"])
    assert ("Start", "last") in told(desk.moves())


def test_nothing_starts_in_a_pause():
    desk = Desk(check("a"), check("b", "a"), parallel=1)
    desk.moves()
    desk.starts("a")
    assert desk.moves(RunPaused()) == []
    desk.exits("a")
    assert ("Start", "b") not in told(desk.moves(settled(desk.state.checks["a"], Outcome.PASSED)))
    assert desk.moves(RunResumed(paused_ns=0)) == [Start("b")]


def test_a_group_is_entered_before_the_start_and_left_when_the_attempt_is_over():
    desk = Desk(check("a", group="db"), check("b", group="db"))
    assert told(desk.moves())[-2:] == [("EnterGroup", "a"), ("Start", "a")]
    assert desk.passes("a")[:1] == [LeaveGroup("db")]
    assert told(desk.moves()) == []


def test_while_another_run_has_the_group_one_asks_for_all_and_holds_no_slot():
    desk = Desk(
        check("a", group="db"), check("b", group="db"), check("c"), refuse_group=True, parallel=1
    )
    moves = desk.moves()
    assert [m for m in moves if isinstance(m, EnterGroup)] == [EnterGroup("a", "db")]
    assert moves[-1] == Start("c")
    desk.refuse_group = False
    desk.scheduler.unblock("a")
    assert desk.moves() == []
    assert told(desk.passes("c")) == [("EnterGroup", "a"), ("Start", "a")]


def test_a_check_may_settle_without_an_attempt():
    """What was cancelled alone; a result that is relied on comes the same way."""
    desk = Desk(check("a"), check("b", "a"), check("c"), parallel=1)
    desk.moves()
    assert told(desk.moves(desk.scheduler.cancelled("a"))) == [
        ("CheckSettled", "b"),
        ("Start", "c"),
    ]


def test_a_retry_gives_up_its_slot_until_it_is_queued_again():
    desk = Desk(check("a", retries=1), check("b"), parallel=1, fail_fast=True)
    desk.moves()
    desk.starts("a")
    desk.exits("a", 1)
    assert desk.moves(CheckRetryScheduled(check="a", attempt=2, delay_ns=1)) == [Start("b")]
    assert desk.moves(desk.scheduler.next_attempt("a")) == []
    assert desk.passes("b") == [Start("a")]


def test_a_machine_that_refuses_lowers_the_slots_once_a_step():
    desk = Desk(*[check(f"c{i}") for i in range(4)])
    desk.moves()
    desk.starts("c0")
    degraded = desk.scheduler.degraded("no room")
    assert isinstance(degraded, RunDegraded)
    assert (degraded.parallel, degraded.async_parallel) == (1, 1)
    assert desk.moves(degraded) == []
    assert desk.scheduler.degraded("no room") is None


@pytest.mark.parametrize("passed", range(4))
def test_a_scheduler_made_in_the_middle_goes_on_as_the_first_would(passed):
    """All but the offers: they are no facts of the log, and are made again."""
    desk = Desk(check("a"), check("b", "a"), check("c", "a"), check("d", "b", "c"))
    desk.moves()
    for name in ("a", "b", "c")[:passed]:
        desk.passes(name)
    anew, moves = Scheduler(desk.state), []
    while (move := anew.next_move()) is not None:
        moves.append(move)
    queued = [id_ for id_, record in desk.state.checks.items() if record.state == "queued"]
    assert queued
    assert moves == [Start(id_) for id_ in queued]


def test_nothing_can_be_scheduled_before_there_is_a_plan():
    with pytest.raises(ValueError, match="not planned"):
        Scheduler(State())


def test_the_numbers_of_frontiers_follow_one_another():
    desk = Desk(check("a"), check("b", "a"))
    (first,) = [m for m in desk.moves() if isinstance(m, FrontierAdvanced)]
    (second,) = [m for m in desk.passes("a") if isinstance(m, FrontierAdvanced)]
    assert (first.number, second.number) == (0, 1)
