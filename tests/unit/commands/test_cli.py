"""The first milliseconds of a command line: the verb, the version, and the border of all errors."""

import errno
import sys
from typing import get_type_hints

import pytest

from vibeguard import cli
from vibeguard.commands.failures import explain, wants_json
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.names import ExitCode
from vibeguard.core.problems import (
    ConfigError,
    LogCorrupt,
    LogWriteError,
    Problem,
    RunIncomplete,
    UsageError,
)


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ("run a", "run"),
        ("-v run", "run"),
        ("-c run check", "check"),
        ("-c=run check", "check"),
        ("-crun check", "check"),
        ("--config run list", "list"),
        ("--config=x list", "list"),
        ("-vp 2 run", "run"),
        ("-vp2 run", "run"),
        ("-pv run", "run"),
        ("-p=2 run", "run"),
        (
            "--tags a,b --exclude-tags c --log-dir d --state-dir e --error-exit-code 2 -p 1 run",
            "run",
        ),
        ("--fail-fast --json run", "run"),
        ("-v --version", "--version"),
        ("--help", ""),
        ("", ""),
        ("-- run", "--"),
        ("-c", ""),
    ],
)
def test_the_verb_is_the_first_word_that_is_no_option_and_no_value(words, verb):
    """Nothing but the global options that take a value has to be known for that."""
    assert cli.verb_of(words.split()) == verb


def test_the_scanner_knows_every_global_option_that_takes_a_value():
    """The two lists are one."""
    hints = get_type_hints(GlobalOptions)
    switches = {name for name, hint in hints.items() if hint in (bool, bool | None)}
    valued = {f"--{name.replace('_', '-')}" for name in hints.keys() - switches}
    assert valued == cli.VALUE_OPTIONS


@pytest.mark.parametrize(
    ("words", "asks"),
    [("run --help", True), ("run -h", True), ("run", False), ("run -- --help", False)],
)
def test_a_run_that_only_asks_for_help_starts_nothing(words, asks):
    """The supervisor is started early, but not for a help screen."""
    assert cli.asks_for_help(words.split()) is asks


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), ExitCode.USAGE),
        (ConfigError([Problem("a", "b")]), ExitCode.USAGE),
        (LogCorrupt("damaged"), ExitCode.CORRUPT),
        (LogWriteError("disk full"), ExitCode.CORRUPT),
        (RunIncomplete("killed"), ExitCode.INCOMPLETE),
        (OSError(28, "No space left on device"), ExitCode.INCOMPLETE),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(error, code):
    """DESIGN section 8, for failures that end a command early."""
    assert explain(error, "run")[1] is code


def test_a_system_without_a_null_device_is_told(tmp_path, monkeypatch, capsys):
    """A container without /dev: neither a traceback nor the code of a failed run."""
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr("os.devnull", str(tmp_path / "null"))
    monkeypatch.setattr("os._exit", sys.exit)
    with pytest.raises(SystemExit, match="3"):
        cli.command()
    assert capsys.readouterr().err.count("null: No such file") == 1


@pytest.mark.parametrize(
    ("error", "lack"),
    [
        (MemoryError(), "no memory"),
        (OSError(errno.EMFILE, ""), "no file descriptor"),
        (OSError(errno.ENFILE, "", "a file"), "no file descriptor"),
        (BlockingIOError(errno.EAGAIN, ""), "no process or thread"),
        (RuntimeError("can't start new thread"), "no process or thread"),
        (ExceptionGroup("", [ExceptionGroup("", [OSError(errno.ENOMEM, "")])]), "no memory"),
    ],
)
def test_what_the_system_does_not_give_is_no_defect_and_no_full_disk(error, lack):
    (problem,), code = explain(error, "run")
    assert code is ExitCode.INCOMPLETE
    assert problem.what.startswith(lack)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EPERM, "Operation not permitted"),
        OSError(errno.ENOSYS, "Function not implemented"),
        PermissionError(errno.EACCES, "Permission denied", "/of/a/worker"),
        ExceptionGroup("", [OSError(errno.ENOPROTOOPT, "Protocol not available")]),
    ],
)
def test_what_the_system_refuses_is_no_defect_and_no_full_disk_either(error):
    (problem,), code = explain(error, "run")
    assert code is ExitCode.INCOMPLETE
    assert problem.what.startswith("the system refuses what VibeGuard cannot do without: ")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error", "/state/runs"),
        OSError(errno.ENOSPC, "No space left on device", "/tmp/vibeguard-x"),
        ExceptionGroup("", [OSError(errno.ENOTCONN, "Not connected", "/fuse")]),
    ],
)
def test_a_disk_in_trouble_is_no_defect(error):
    (problem,), code = explain(error, "run")
    assert code is ExitCode.INCOMPLETE
    assert problem.what.startswith("a disk does not do what VibeGuard needs: ")


def test_every_problem_of_a_config_is_told():
    """Not only the first one."""
    problems = (Problem("a", "b", "f", 1, 1), Problem("c", "d", "f", 2, 1))
    assert explain(ConfigError(problems), "run")[0] == problems


def test_a_defect_of_ours_keeps_its_traceback_in_a_file(tmp_path, monkeypatch):
    """The user gets a sentence and a path, not forty lines."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(ZeroDivisionError) as caught:
        divmod(1, 0)
    (problem,), code = explain(caught.value, "run")
    (kept,) = tmp_path.iterdir()
    assert code is ExitCode.INCOMPLETE
    assert str(kept) in problem.do
    assert "ZeroDivisionError: " in kept.read_text()


@pytest.mark.parametrize(
    ("words", "wants"),
    [
        ("run --json", True),
        ("--json=true run", True),
        ("run --format json", True),
        ("run --format=json", True),
        ("run --json --nope", True),
        ("run", False),
        ("run --json=false", False),
        ("run --format jsonl", False),
        ("run -- --json", False),
    ],
)
def test_a_document_is_given_even_when_the_command_line_is_wrong(words, wants):
    """A machine that asked for JSON gets JSON, whatever else it asked for."""
    assert wants_json(words.split()) is wants
