"""Which files `watch` follows beside the tree: those that the config is read from."""

import os
from types import SimpleNamespace

from vibeguard.commands import watch
from vibeguard.commands.options import GlobalOptions


def test_what_is_saved_while_the_config_is_read_is_read_again(tmp_path, monkeypatch):
    """An editor saves, its hook saves again: a file that the second one names was not followed."""
    config, named = tmp_path / "vibeguard.yaml", [str(tmp_path / "matchers.json")]
    config.write_text("first")

    def load(_):
        files = (str(config), *(named if config.read_text() == "second" else ()))
        config.write_text("second")
        return SimpleNamespace(files=files)

    monkeypatch.setattr(watch, "load", load)
    files = watch.ConfigFiles(GlobalOptions(), str(config))
    assert list(files()) == [os.fsencode(config)]
    assert list(files()) == sorted(map(os.fsencode, (str(config), *named)))
