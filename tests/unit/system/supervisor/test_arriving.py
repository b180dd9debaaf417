"""What begins as soon as the launch is there, while the supervisor still imports."""

import os
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace
from outcome import Value

from tests.helpers.pools import git, repository
from tests.helpers.waiting import wait_until
from vibeguard.core.model.config import Where
from vibeguard.core.model.plan import Plan, PlannedCheck, ResolvedSettings
from vibeguard.core.problems import UsageError
from vibeguard.system.channel import Launch, OrderReader, Staged, send
from vibeguard.system.supervisor.arriving import Arriving

SETTINGS = ResolvedSettings(parallel=1, async_parallel=1)
STAGED = Staged(b"/", b"/", b"/", b"/", "", "")


def launch_in(folder: Path, where: Where | None = None, staged: Staged | None = None) -> Launch:
    plan = Plan(SETTINGS, (PlannedCheck(id="a", run="true", stem="a", where=where),))
    here = os.fsencode(folder)
    return Launch(plan, (), dict(os.environb), {}, here, here, here, "", "", "", staged=staged)


def arriving(launch: Launch | None) -> Arriving:
    """One to which this is sent, or nothing and the end."""
    read, write = os.pipe()
    if launch is not None:
        send(write, launch)
    os.close(write)
    return Arriving(OrderReader(read))


def test_files_are_captured_from_when_the_launch_is_there(tmp_path: Path) -> None:
    folder = repository(tmp_path / "project")
    sent = launch_in(folder, Where())
    one = arriving(sent)
    one.begin()
    wait_until(lambda: one._capture is not None)
    begun = one._capture
    assert one.launch() == sent
    assert isinstance(begun, Value)
    assert one.capture(sent) is begun.value
    begun.value.result()


@pytest.mark.parametrize("refused", [False, True], ids=["thread", "none"])
def test_nothing_is_captured_for_checks_of_this_machine_nor_before_a_view_is_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    if refused:

        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
    folder = repository(tmp_path / "project")
    for sent in (launch_in(folder), launch_in(folder, Where(), STAGED), None):
        one = arriving(sent)
        one.begin()
        assert one.launch() == sent
        assert one._capture is None
    view = replace(launch_in(folder, Where()), staged=None)
    assert one.capture(view).result().source.tree == git(folder, "rev-parse", "HEAD^{tree}").strip()


def test_what_cannot_be_captured_is_said_when_it_is_asked_for(tmp_path: Path) -> None:
    sent = launch_in(tmp_path, Where())
    one = arriving(sent)
    one.begin()
    assert one.launch() == sent
    with pytest.raises(UsageError, match="need a git repository"):
        one.capture(sent)
