"""Finding the passes that may stand for checks, and proving new ones: one moment each.

Both block (files are read, tools are asked): a run does them in a fork of its supervisor.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import cache
from typing import Final

from msgspec import Struct

from vibeguard.core.model.events import CheckReused
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.reuse.record import Record, reused_together, why_never
from vibeguard.system.clock import wall_ns
from vibeguard.system.reuse.moment import Moment, Subject
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.standing import Standing

# Large inputs are read whole, the first time. What takes longer is run, and not recorded.
LOOK_UP_S: Final = 300.0


class Before(Struct, frozen=True):
    """What a check that is going to run depended on when it became ready."""

    key: str
    stillness: str
    around: str
    read_from: str = ""


class Found(Struct, frozen=True):
    """The checks for which an earlier pass stands; of the others, what a record needs later.

    `ready` are the checks that it was looked up for: of these nothing more is to be found out.
    """

    passes: dict[str, CheckReused] = {}
    before: dict[str, Before] = {}
    ready: tuple[str, ...] = ()


def look_up(
    subject: Subject,
    ready: Collection[str],
    passed: Collection[str],
    settled: Collection[str],
    one_runs: Callable[[], None] = lambda: None,
) -> Found:
    """What stands for these ready checks, and for those behind them that can settle with them.

    `passed` and `settled` are checks of the run that have. `one_runs` is called, once, as soon as
    that cannot be all of the run. Raises OSError where files cannot be listed or read.
    """
    one_runs = cache(one_runs)
    with closing(Moment(subject)) as moment:
        unsettled = [check for check in subject.checks if check not in settled]
        passes = _tentative(subject, moment, ready, passed, unsettled, one_runs=one_runs)
        requires = {check: _requires(subject, check) for check in unsettled}
        with_outputs = {
            check
            for check, record in passes.items()
            if record.outputs and record.outputs == moment.declared.outputs(subject.checks[check])
        }
        chosen = reused_together(tuple(passes), requires, passed, unsettled, with_outputs)
        if len(chosen) < len(unsettled):
            one_runs()
        before = {}
        for check in ready:
            if check not in chosen and not why_never(subject.checks[check]):
                planned, taken = subject.checks[check], moment.of(check)
                around = moment.declared.around(planned)
                if not taken.unusable:
                    read_from = moment.read_from(planned)
                    before[check] = Before(taken.key, taken.stillness, around, read_from)
        moment.declared.remember()
        reused = {
            check: CheckReused(check=check, run=one.run, seal=one.seal, key=moment.of(check).key)
            for check, one in passes.items()
            if check in chosen
        }
        return Found(reused, before, tuple(ready))


def _tentative(
    subject: Subject,
    moment: Moment,
    ready: Collection[str],
    passed: Collection[str],
    unsettled: Collection[str],
    *,
    one_runs: Callable[[], None],
) -> dict[str, Record]:
    """The ready checks that have a pass under their key, and those behind such ones alone.

    Where nothing may be reused, none is looked up. `one_runs` is called for each that has none.
    """
    records, standing, now_ns = Records(subject.state_dir), Standing(subject.state_dir), wall_ns()
    dependents: dict[str, list[str]] = {}
    for check in unsettled:
        for required in _requires(subject, check):
            dependents.setdefault(required, []).append(check)
    found: dict[str, Record] = {}
    waiting = list(ready) if subject.settings.reuse else []
    for check in waiting:
        stands = all(r in passed or r in found for r in _requires(subject, check))
        if check in found or not stands:
            continue
        earlier = _standing(subject.checks[check], moment, records, standing, now_ns)
        if earlier is None:
            one_runs()
            if not why_never(subject.checks[check]):
                moment.declared.list_ahead()
        else:
            found[check] = earlier
            waiting += dependents.get(check, ())
    return found


def _standing(
    planned: PlannedCheck, moment: Moment, records: Records, standing: Standing, now_ns: int
) -> Record | None:
    """The pass under the present key of a check, where it holds and its run still stands."""
    if why_never(planned):
        return None
    taken = moment.of(planned.id)
    record = None if taken.unusable else records.find(planned.id, taken.key)
    if record is None or not record.holds(now_ns, planned.reuse_for_ns) or standing.problem(record):
        return None
    return record


def prove(subject: Subject, passes: Mapping[str, Before]) -> tuple[Record, ...]:
    """Records of those of the passes for which nothing has changed; run and seal still to come.

    `passes` says what each check depended on before it ran. Raises OSError.
    """
    with closing(Moment(subject.about(passes))) as moment:
        moment.declared.list_ahead()
        return tuple(_proven(subject, moment, passes))


def _proven(subject: Subject, moment: Moment, passes: Mapping[str, Before]) -> list[Record]:
    records = Records(subject.state_dir)
    proven = []
    for check, before in passes.items():
        planned = subject.checks[check]
        taken = moment.of(check)
        around = moment.declared.around(planned)
        # Looked at before the check and after it: an edit in between may be what it passed on, and
        # a record would say so of other files for ever (ADR 0131).
        if taken.unusable or Before(taken.key, taken.stillness, around, before.read_from) != before:
            continue
        # Nor may a result be read from what lay there already, unless it is declared.
        if before.read_from and before.read_from == moment.read_from(planned):
            continue
        outputs = moment.declared.outputs(planned)
        if planned.outputs is not None and not outputs:
            continue  # what it declares is not there, or cannot be compared
        proven.append(
            Record(
                check=check,
                parts=taken.parts,
                manifest=records.write_entries(taken.entries),
                passed_ns=wall_ns(),
                reuse_for_ns=planned.reuse_for_ns,
                outputs=outputs,
            )
        )
    moment.declared.remember()
    return proven


def _requires(subject: Subject, check: str) -> list[str]:
    """What it rests on; what confirms a pass does so on what that check rests on, not on it."""
    planned = subject.checks[subject.checks[check].confirms or check]
    return [entry.check for entry in planned.requires]
