"""`wait --notify`: 0 and not one byte, or 2 and the report."""

from vibeguard.commands import wait as waiting
from vibeguard.commands.log_options import WaitOptions
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.formats.base import Ending
from vibeguard.core.names import ExitCode, LogStatus
from vibeguard.system.vouching.endings import UNVOUCHED


def test_a_seal_that_nobody_vouches_for_yet_is_no_news(monkeypatch, capfd):
    def follow(_folder, shown, output, _until):
        shown.finish(Ending(ExitCode.PENDING, LogStatus.LIVE, problem=UNVOUCHED))
        assert not output.waiting()
        return ExitCode.PENDING

    monkeypatch.setattr(waiting, "open_run", lambda *_, **__: "/nowhere/runs/a")
    monkeypatch.setattr(waiting, "follow_run", follow)
    options = WaitOptions(notify=True, max_wait=1)
    assert waiting.wait(common=GlobalOptions(), options=options) == 0
    assert capfd.readouterr() == ("", "")
