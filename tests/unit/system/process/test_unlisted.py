"""What asking for each number costs where /proc lists no children."""

from pathlib import Path

import pytest

from vibeguard.system.process import unlisted


def test_numbers_that_began_anew_are_asked_for_as_far_as_the_system_gives_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not up to the most that any system gives: that is seconds of waitid(2) at each beginning."""
    asked: list[int] = []
    monkeypatch.setattr(unlisted, "_newest_number", lambda _: 5)
    monkeypatch.setattr(unlisted, "_ended", asked.append)
    monkeypatch.setattr(unlisted, "is_in_use", lambda _: False)
    assert unlisted.AskedChildren().read() == []
    assert max(asked) < int(Path("/proc/sys/kernel/pid_max").read_text())
    assert asked[-4:] == [1, 2, 3, 4]
