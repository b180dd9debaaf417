"""What `hook` takes with each of its kinds: an option that says nothing to a kind is refused."""

import pytest

from vibeguard.commands.hook import HookOptions, hook, stop
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.problems import UsageError


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("git", {"target": "claude"}),
        ("git", {"remove": True}),
        ("agent", {"stage": "pre-push"}),
        ("doctor", {"write": True}),
        ("verdict", {"stage": "pre-push"}),
        ("failures", {"remove": True}),
        ("stop", {"write": True}),
    ],
)
def test_an_option_of_another_kind_of_hook_is_refused(kind, options):
    (name,) = options
    with pytest.raises(UsageError, match=f"hook {kind} has no --{name}"):
        hook(kind, common=GlobalOptions(), options=HookOptions(**options))


@pytest.mark.parametrize("kind", ["stop", "wake"])
@pytest.mark.parametrize("words", [("claude",), ("",), ()])
def test_the_agent_that_asks_is_a_word_or_the_target(kind, words, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(stop, kind, lambda name, _common: asked.append(name))
    hook(kind, *words, common=GlobalOptions(), options=HookOptions(target="claude"))
    assert asked == ["claude"]


def test_without_an_agent_it_is_asked_for():
    with pytest.raises(UsageError, match="which agent asks"):
        hook("stop", common=GlobalOptions(), options=HookOptions())
