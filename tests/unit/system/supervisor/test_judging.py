"""What is looked at where nothing else waits for it, and what becomes of a look that is cut short."""

import errno
import os
from types import SimpleNamespace

import pytest
import trio

from tests.unit.system.supervisor.test_arriving import launch_in
from vibeguard.core.judge import Judgement
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.results import ResultsSource
from vibeguard.core.model.state import State
from vibeguard.core.names import AttemptEnd, OnChange, Outcome
from vibeguard.system.executors.base import AttemptResult
from vibeguard.system.supervisor.host import CutShort
from vibeguard.system.supervisor.judging import Judging
from vibeguard.system.supervisor.support import Ended
from vibeguard.system.supervisor.untouched import Untouched


@pytest.mark.parametrize(
    ("pattern", "looks", "outcome"), [("**/*.xml", 2, Outcome.ERROR), ("a.xml", 1, Outcome.PASSED)]
)
def test_a_look_at_too_large_a_tree_holds_up_nothing_else_and_passes_nothing(
    tmp_path, pattern, looks, outcome
):
    """Reports that a pattern names were looked for in the loop, which all limits wait for."""
    (tmp_path / "out").write_text("")
    check = PlannedCheck(id="c", run="", stem="c", results=(ResultsSource("junit", pattern),))
    output = str(tmp_path / "out")
    log = SimpleNamespace(
        launch=launch_in(tmp_path), state=State(), view=None, output_path=lambda *_: output
    )
    forked = []

    async def fork(work, timeout_s):
        await trio.lowlevel.checkpoint()
        forked.append(work)
        if len(forked) < looks:
            raise CutShort(f"it took longer than {timeout_s:g} s")
        return work()

    async def attempt():
        judging = Judging(log, fork)
        await judging.begin(check)
        (tmp_path / "a.xml").write_text('<testsuite><testcase name="t"/></testsuite>')
        ended = Ended(AttemptResult(end=AttemptEnd.EXITED, exit_code=0))
        return await judging.judge(check, 1, ended, lambda: None)

    judgement = trio.run(attempt)
    assert len(forked) == looks
    assert judgement.outcome is outcome
    told = "could not be looked at: it took longer than 10 s"
    assert (told in judgement.detail) == (looks == 2)


def test_where_no_process_is_to_be_had_that_is_said_in_words(tmp_path):
    """A check of the user has taken them all: `[Errno 11]` was all that a pass became red for."""
    check = PlannedCheck(id="c", run="", stem="c", on_change=OnChange.FAIL)

    async def fork(_work, _timeout_s):
        await trio.lowlevel.checkpoint()
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    async def attempt():
        untouched = Untouched(launch_in(tmp_path), fork)
        await untouched.begin(check)
        return await untouched.ruled(check, Judgement(outcome=Outcome.PASSED))

    judgement = trio.run(attempt)
    assert judgement.outcome is Outcome.FAILED
    said = "no process is to be had that looks: Resource temporarily unavailable"
    assert judgement.detail.endswith(said)
