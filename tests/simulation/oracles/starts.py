"""What may start, and when: slots, groups, requirements, retries, pressure."""

import errno

from tests.simulation.facts import Facts, Findings
from tests.simulation.outcome import Outcome
from tests.simulation.processes import SECOND_NS

_PASSING = (errno.EAGAIN, errno.EMFILE)


def starts_are_allowed(outcome: Outcome, log: list[Facts]) -> Findings:
    """Slots, groups, requirements, and nothing new after a cancel or a failure that ends all."""
    plan = outcome.history.plan
    planned = {c.id: c for c in plan.checks}
    capacity = {"foreground": plan.settings.parallel, "background": plan.settings.async_parallel}
    capacity["workers"] = plan.settings.pool.slots if plan.settings.pool is not None else 0
    running: set[str] = set()
    passed: set[str] = set()
    waived: set[tuple[str, str]] = set()
    alone: set[str] = set()  # from their start until they have been judged
    closed = ""
    for event in log:
        check = planned.get(event.get("check", ""))
        kind = event["type"]
        if kind == "run.cancel_requested":
            closed = event["reason"]
        elif check is None:
            continue
        elif kind == "check.requirement_waived":
            waived.add((check.id, event["requirement"]))
        elif kind == "check.settled":
            if event["outcome"] == "passed":
                passed.add(check.id)
            bad = event["outcome"] in {"failed", "timeout", "error"} and check.severity == "error"
            bad = bad and not event.get("quarantined")
            closed = closed or (check.id if plan.settings.fail_fast and bad else "")
            alone.discard(check.id)
        elif kind == "check.retry_scheduled":
            alone.discard(check.id)
        elif kind == "check.attempt_finished":
            running.discard(check.id)
        elif kind == "check.started":
            for other in alone:
                yield f"{check.id} starts beside {other}, which must leave the tree alone"
            running.add(check.id)
            if check.on_change == "fail" and check.where is None:
                alone.add(check.id)
                if len(running) > 1:
                    yield f"{check.id} starts, which must leave the tree alone, beside {running}"
            pool = [planned[c] for c in running if planned[c].pool == check.pool]
            used = sum(min(c.weight, capacity[check.pool]) for c in pool)
            if used > capacity[check.pool]:
                yield f"{check.id} starts, and {used} of {capacity[check.pool]} slots are used"
            if check.group and any(planned[c].group == check.group for c in running - {check.id}):
                yield f"{check.id} starts while another one of its group runs"
            at_s = event["t"] / SECOND_NS
            if check.group and any(a < at_s < b for a, b in outcome.group_taken):
                yield f"{check.id} starts while another run has its group"
            for requirement in check.requires:
                free = (check.id, requirement.check) in waived
                if not free and requirement.check not in passed:
                    yield f"{check.id} starts although {requirement.check} has not passed"
            if closed:
                yield f"{check.id} starts after {closed}"


def retries_keep_to_the_plan(outcome: Outcome, log: list[Facts]) -> Findings:
    """No more attempts than were asked for, each no sooner than was said."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    due: dict[str, int] = {}
    lost: dict[str, int] = {}
    cancelled = False
    for event in log:
        if event["type"] == "run.cancel_requested":
            cancelled = True
        elif event["type"] == "check.retry_scheduled":
            yield from [f"{event['check']} is to be tried again in a cancelled run"] * cancelled
            due[event["check"]] = event["t"] + event["delay_ns"]
        elif event["type"] == "check.attempt_finished" and event["end"] == "lost":
            lost[event["check"]] = lost.get(event["check"], 0) + 1
        elif event["type"] == "check.started":
            check = planned[event["check"]]
            if event["attempt"] - lost.get(check.id, 0) > 1 + check.retries:
                yield f"attempt {event['attempt']} of {check.id}, which has {check.retries} retries"
            if event["t"] < due.get(check.id, 0) - SECOND_NS // 1000:
                yield f"attempt {event['attempt']} of {check.id} came before its delay was over"


def those_that_need_not_wait_go_first(outcome: Outcome, log: list[Facts]) -> Findings:
    """Who goes on without a requirement lets all go first that wait for nothing of the background."""
    planned = {c.id: c for c in outcome.history.plan.checks}

    def is_plain(check: str) -> bool:
        needs = planned[check].requires
        plain = all(r.while_pending == "wait" and is_plain(r.check) for r in needs)
        return planned[check].pool == "foreground" and plain

    left = {check for check in planned if is_plain(check)}
    for event in log:
        if event["type"] == "check.settled":
            left.discard(event["check"])
        elif event["type"] == "check.requirement_waived" and left:
            yield f"{event['check']} goes on before {', '.join(sorted(left))}"


def pressure_is_borne(outcome: Outcome, log: list[Facts]) -> Findings:
    """What passes by itself is waited for: processes for half a minute, descriptors for 3 s."""
    if outcome.disk.trouble is not None or any(
        f.number not in _PASSING for f in outcome.history.faults
    ):
        return
    for event in log:
        refused = event["type"] == "check.attempt_finished" and event["end"] == "refused"
        refused = refused and event["check"] not in outcome.history.remote
        bound_s = 3 if "ulimit -n" in event.get("error", "") else 30
        if refused and event["t"] < bound_s * SECOND_NS:
            yield f"{event['check']} was not started because of what would have passed"


ORACLES = (
    starts_are_allowed,
    retries_keep_to_the_plan,
    those_that_need_not_wait_go_first,
    pressure_is_borne,
)
