"""The log and the outputs: what is whole, what is safe, and who is told when it is not."""

from types import SimpleNamespace
from typing import cast

from tests.simulation.facts import STANDING, Facts, Findings
from tests.simulation.outcome import Outcome
from tests.simulation.processes import SECOND_NS, TICK_NS
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.fold.fold import apply
from vibeguard.core.fold.verdict import exit_code_so_far
from vibeguard.core.model.state import State
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.system.executors.pool_attempt import ALTERED
from vibeguard.system.front.following import Shown, differences_from
from vibeguard.system.journal.reader import reading_of


def no_cut_is_green(outcome: Outcome, _: list[Facts]) -> Findings:
    """The log cut at any boundary, or in the middle of any line, is incomplete or corrupt.

    A reader of a cut log is a decoder that was fed so far: one pass is all the cuts.
    """
    decoder, state = LogDecoder(), State()
    lines = outcome.log.split(b"\n")[:-1]
    for number, line in enumerate(lines):
        half = len(line) // 2
        try:
            for part in (line[:half], line[half:], b"\n"):
                last = number == len(lines) - 1 and part == b"\n"
                for event in decoder.feed(part):
                    apply(state, event)
                status = reading_of(decoder, alive=False).status
                if status is LogStatus.COMPLETE and not last:
                    yield f"cut within line {number + 1} the log counts as complete"
                if not last and exit_code_so_far(state) == 0:
                    yield f"cut within line {number + 1} the log counts as passed"
        except LogCorrupt:
            return


def what_was_told_is_safe(outcome: Outcome, _: list[Facts]) -> Findings:
    """A verdict is out only when all of the log was synchronised; a cancel was before its signals."""
    if outcome.sealed is not None and outcome.disk.durable != len(outcome.disk.written):
        yield "the seal was told of and may be lost again"
    yield from outcome.told_before_it_was_safe


def the_plan_is_safe_first(outcome: Outcome, _: list[Facts]) -> Findings:
    """No check starts before the plan is where no crash takes it back."""
    if outcome.started_before_the_plan_was_safe:
        yield "a check started before its plan was safe"


def nothing_starts_on_a_broken_disk(outcome: Outcome, _: list[Facts]) -> Findings:
    """What cannot be recorded any more is not begun."""
    disk = outcome.disk
    if disk.struck_ns is None or disk.trouble is None or not disk.trouble.way.startswith("log"):
        return
    if outcome.has(*STANDING):  # what was about to start does, however long that takes
        return
    for (check, number), leader in outcome.kernel.leaders.items():
        if not leader.remote and leader.start * TICK_NS > disk.struck_ns + SECOND_NS // 10:
            yield f"attempt {number} of {check} starts although the log cannot be written"


def tampering_ends_the_log(outcome: Outcome, _: list[Facts]) -> Findings:
    """Who adds to the log or cuts it is found out by its next line, which is the last."""
    if outcome.written_after_tampering > 1 and outcome.disk.trouble is None:
        yield f"{outcome.written_after_tampering} lines were written to a log that was changed"


def runs_are_in_order(outcome: Outcome, _: list[Facts]) -> Findings:
    """A run sorts after the one before it, whatever the wall clock says."""
    if (
        outcome.first is None or not outcome.folder
    ):  # there is no log to name it: the disk failed at once
        return
    if outcome.folder <= outcome.first.folder:
        yield f"{outcome.folder} sorts before {outcome.first.folder}"


def nothing_is_called_corrupt_without_cause(outcome: Outcome, _: list[Facts]) -> Findings:
    """4 is for a log or an output that was changed or could not be written."""
    cause = outcome.disk.trouble is not None
    cause = cause or outcome.has("tamper")
    if outcome.exit_code == 4 and not cause:
        told = outcome.sealed.differences if outcome.sealed is not None else outcome.failure
        yield f"the run ended with 4 ({told}), and nobody has touched its files"


def a_full_disk_ends_a_run_in_order(outcome: Outcome, _: list[Facts]) -> Findings:
    """There is room for the last events, which say how it ended."""
    trouble = outcome.disk.trouble
    is_full = trouble is not None and trouble.way in {"log full", "log short"}
    if is_full and outcome.failure and not outcome.has("tamper"):
        yield f"a full disk took the log's end: {outcome.failure}"


def lost_output_is_told(outcome: Outcome, log: list[Facts]) -> Findings:
    """Whatever else a run ends with, 4 comes first."""
    lost = [e["check"] for e in log if e.get("reason") == "output_lost"]
    if lost and outcome.exit_code != 4:
        yield f"the output of {lost[0]} was lost, and the run ended with {outcome.exit_code}"


def outputs_are_compared(outcome: Outcome, _: list[Facts]) -> Findings:
    """Who changes what a check has written, while the run goes on, takes its verdict away."""
    if outcome.altered_output and outcome.exit_code != 4:
        yield f"{outcome.altered_output} was changed, and the run ended with {outcome.exit_code}"


def output_is_whole(outcome: Outcome, log: list[Facts]) -> Findings:
    """All that the processes of an attempt wrote was stored, up to its limit."""
    planned = {c.id: c for c in outcome.history.plan.checks}
    for event in log:
        if event["type"] != "check.attempt_finished" or event["end"] != "exited":
            continue
        check = planned[event["check"]]
        if event.get("error") or event.get("unkillable") or check.leaks == "ignore":
            continue
        wrote = outcome.kernel.wrote.get(f"{check.id}.{event['attempt']}", 0)
        kept = event.get("output_bytes", 0)
        if kept != min(wrote, check.output_limit_bytes):
            yield f"{check.id} wrote {wrote} bytes, of which {kept} were kept"


def what_arrives_is_what_was_written(_: Outcome, log: list[Facts]) -> Findings:
    """The way to a worker loses and repeats, and changes nothing: no result is refused for that."""
    for event in log:
        if event["type"] == "check.attempt_finished" and ALTERED in event.get("error", ""):
            yield f"{event['check']}: {event['error']}"


def readers_are_told(outcome: Outcome, _: list[Facts]) -> Findings:
    """Whoever follows a log that somebody else has changed is told."""
    if outcome.unnoticed:
        yield f"a follower has not noticed what was done to its log: {outcome.unnoticed}"


def the_front_says_the_same(outcome: Outcome, _: list[Facts]) -> Findings:
    """The front compares what it followed with what the supervisor says, and finds it the same."""
    sealed, follower = outcome.sealed, outcome.follower
    if sealed is None or sealed.differences or follower is None or outcome.follower_problem:
        return
    shown = SimpleNamespace(state=outcome.followed, problem=None)
    if problem := differences_from(sealed, cast("Shown", shown), follower):
        yield f"the front says {problem}"


ORACLES = (
    no_cut_is_green,
    what_was_told_is_safe,
    the_plan_is_safe_first,
    nothing_starts_on_a_broken_disk,
    tampering_ends_the_log,
    runs_are_in_order,
    nothing_is_called_corrupt_without_cause,
    a_full_disk_ends_a_run_in_order,
    lost_output_is_told,
    outputs_are_compared,
    output_is_whole,
    what_arrives_is_what_was_written,
    readers_are_told,
    the_front_says_the_same,
)
