"""The start of an attempt that is not wanted any more."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import trio

from tests.helpers.executor_worlds import for_a_worker, make_spec
from vibeguard.core.model.events import Event
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.state import CheckRecord, State
from vibeguard.core.names import CheckState, LeakPolicy, Pool
from vibeguard.system.executors.base import Callbacks
from vibeguard.system.supervisor.check import CheckTask


def test_a_check_that_was_cancelled_while_it_was_queued_is_not_submitted(tmp_path: Path) -> None:
    """Its task begins after the step that settled it: a log takes no submission of it any more."""
    recorded: list[Event] = []
    spec = make_spec("true", str(tmp_path / "output"), leaks=LeakPolicy.WARN)
    spec = for_a_worker(spec, engine="ci")
    planned = PlannedCheck(id="a", run="true", stem="a", pool=Pool.WORKERS)
    record = CheckRecord(planned)
    record.state = CheckState.SETTLED

    async def start() -> object:
        support: Any = SimpleNamespace(patience=None)
        scheduler: Any = SimpleNamespace(state=State())
        task = CheckTask(record, planned, 1, support, scheduler, 0, recorded.append, print, print)
        return await task.start_patiently(spec, Callbacks())

    assert trio.run(start) is None
    assert recorded == []
