"""What a later schema adds and marks `may_ignore` changes nothing, wherever it stands."""

import pytest
from msgspec.structs import replace

from tests.helpers.histories import History, check
from vibeguard.core.fold.fold import fold
from vibeguard.core.model.events import LogSealed, UnknownEvent
from vibeguard.core.names import Outcome
from vibeguard.core.problems import LogCorrupt


def passing() -> list:
    """The events of a run that passed, without its seal."""
    run = History(check("a"))
    run.ready("a")
    run.start("a")
    run.exit("a")
    run.settle("a", Outcome.PASSED)
    run.finish()
    return list(run.events[:-1])


def with_ignorable(events: list, place: int) -> list:
    """The same with an event of a later schema before the event at `place`."""
    added = UnknownEvent(seq=place, t=events[place - 1].t, name="run.sung")
    later = [replace(event, seq=event.seq + 1) for event in events[place:]]
    return [*events[:place], added, *later]


@pytest.mark.parametrize("place", range(1, len(passing()) + 1))
def test_an_event_that_may_be_ignored_may_stand_anywhere_between_start_and_seal(place):
    events = with_ignorable(passing(), place)
    sealed = LogSealed(
        seq=len(events), t=events[-1].t, events=len(events), bytes=1, sha256="0" * 64
    )
    state = fold([*events, sealed])
    assert (state.unknown_events, state.finished.exit_code) == (1, 0)


def test_not_even_an_event_that_may_be_ignored_follows_the_seal():
    events = passing()
    sealed = LogSealed(
        seq=len(events), t=events[-1].t, events=len(events), bytes=1, sha256="0" * 64
    )
    with pytest.raises(LogCorrupt, match="follows the seal"):
        fold(with_ignorable([*events, sealed], len(events) + 1))


def test_it_does_not_stand_for_the_plan():
    run = History(check("a"))
    run.ready("a")
    started, _, ready = run.events
    with pytest.raises(LogCorrupt, match=r"not followed by run\.planned"):
        fold(with_ignorable([started, replace(ready, seq=1)], 1))
