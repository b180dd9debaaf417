"""What earlier runs say about the next one: how long a check takes, robust against outliers.

Only passes count: a failure is often short, a timeout says only "longer".
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from vibeguard.core.model.config_parts import Where
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import Outcome

# Enough for a steady median, few enough to follow a check that gets slower.
SAMPLES_KEPT = 20
_DEFINITION_LENGTH = 16
# What a line says beyond this no check has taken: sums of it have to fit in what a plan can hold.
LONGEST_NS = 366 * 24 * 3600 * 1_000_000_000


class Sample(Struct, frozen=True, omit_defaults=True):
    """One settled check of one run, as a line of `.vibeguard/history` holds it.

    `definition` tells whether the command was the same (see `definition_of`), `machine` where.
    `queued_ns` is how long a worker of a pool was waited for.
    """

    check: str
    definition: str
    machine: str
    duration_ns: Annotated[int, Meta(ge=0, le=LONGEST_NS)]
    outcome: Outcome
    run: str = ""
    queued_ns: Annotated[int, Meta(ge=0, le=LONGEST_NS)] = 0


class Estimate(Struct, frozen=True):
    """What to expect of a check: the median and the third quartile of so many passes.

    `queued_ns` is the median wait for a worker.
    """

    expected_ns: int
    p75_ns: int
    samples: int
    queued_ns: int = 0


def definition_of(run: str, cwd: str, where: Where | None = None) -> str:
    """A short name for what a check does: samples of another command say little about this one.

    On workers with these labels it is another one than here: their machines take other times.
    """
    place = "" if where is None else f"\0workers {','.join(sorted(where.labels))}"
    text = f"{run}\0{cwd}{place}"
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:_DEFINITION_LENGTH]


def estimate(durations_ns: Sequence[int]) -> Estimate | None:
    """The estimate from durations in the order of the runs; None from none.

    The median does not care how wild up to half of the durations are.
    """
    latest = sorted(durations_ns[-SAMPLES_KEPT:])
    if not latest:
        return None
    return Estimate(median_of(latest), latest[(3 * len(latest) + 3) // 4 - 1], len(latest))


def median_of(in_order: Sequence[int]) -> int:
    """The median of at least one duration; rounded down between two."""
    middle = len(in_order) // 2  # and the one as far from the end
    return (in_order[middle] + in_order[~middle]) // 2


def estimates(
    samples: Iterable[Sample], definitions: Mapping[str, str], machine: str
) -> dict[str, Estimate]:
    """An estimate for each check of `definitions` (id to definition) that has ever passed.

    The nearest samples win: of this command on this machine, else of this command elsewhere, else
    of the check as it was defined before.
    """
    passes: dict[str, dict[int, list[Sample]]] = {check: {} for check in definitions}
    for sample in samples:
        if sample.outcome is not Outcome.PASSED or sample.check not in passes:
            continue
        same_command = sample.definition == definitions[sample.check]
        distance = 2 - same_command - (same_command and sample.machine == machine)
        passes[sample.check].setdefault(distance, []).append(sample)
    found = {}
    for check, by_distance in passes.items():
        near = by_distance[min(by_distance)][-SAMPLES_KEPT:] if by_distance else []
        nearest = estimate([sample.duration_ns for sample in near])
        if nearest is not None:
            queued = median_of(sorted(sample.queued_ns for sample in near))
            found[check] = replace(nearest, queued_ns=queued)
    return found


def samples_of(state: State, machine: str) -> list[Sample]:
    """What the checks of a run that were executed add to history, in plan order.

    `machine` is this one; what ran on a worker was on that worker's.
    """
    found = []
    for record in state.checks.values():
        duration_ns = _duration_ns(record)
        if record.outcome is not None and duration_ns is not None:
            planned = record.planned
            definition = definition_of(planned.run, planned.cwd, planned.where)
            worker = record.started.worker if record.started else ""
            found.append(
                Sample(
                    planned.id,
                    definition,
                    f"worker {worker}" if worker else machine,
                    duration_ns,
                    record.outcome,
                    state.run_id,
                    record.queued_ns or 0,
                )
            )
    return found


def _duration_ns(record: CheckRecord) -> int | None:
    """How long the last attempt took, pauses left out; None if nothing ran."""
    if record.finished is None or record.first_started_t is None:
        return None
    return record.finished.active_ns
