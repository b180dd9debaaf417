"""argv -> command, and the border where every failure becomes an exit code (DESIGN section 8).

Only what the interpreter has loaded by itself is imported up here: `--version` must answer in about
the time of a bare interpreter, and `run` must have started its supervisor before anything slow is
imported (docs/adr/0060).
"""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of
import os
import sys

from vibeguard.version import __version__

# The global options that take a value; all that is needed to find the verb.
VALUE_OPTIONS = frozenset(
    {
        "--config",
        "--parallel",
        "--log-dir",
        "--error-exit-code",
        "--tags",
        "--exclude-tags",
        "--state-dir",
    }
)
VALUE_LETTERS = "cp"
# What msgspec binds for schemas and `subprocess` for text: 2 % of `status`, 1 % of `run`.
LATE_MODULES = ("msgspec.inspect", "locale")


def verb_of(arguments: list[str]) -> str:
    """The first word that is no option and no option's value; "--version" where that is asked."""
    words = iter(arguments)
    for word in words:
        if word == "--version":
            return word
        if not word.startswith("-") or word in ("-", "--"):
            return word
        if word in VALUE_OPTIONS or _ends_in_value_letter(word):
            next(words, None)
    return ""


def _ends_in_value_letter(word: str) -> bool:
    """Whether `-vp` and the like still wait for a value (`-p2` and `-p=2` hold it themselves)."""
    if word.startswith("--"):
        return False
    first = min((word.find(letter) for letter in VALUE_LETTERS if letter in word), default=-1)
    return first == len(word) - 1


def asks_for_help(arguments: list[str]) -> bool:
    """Whether `--help` or `-h` stands among the options."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--help" in options or "-h" in options


def command() -> None:
    """The process: one command line, then out. Never returns.

    What Python does at its end (modules torn down, memory given back piece by piece) takes longer
    than many a run, and gives signals their default action back before the exit code is delivered.
    """
    try:
        _be_in_utf8()
        leave_foreign_modules_out(sys.path)
        try:
            _open_closed_streams()
        except OSError as error:  # neither we nor a check can do without
            said = f"vibeguard: {os.devnull}: {error.strerror}: make one (mount /dev)"
            print(said, file=sys.stderr, flush=True)  # noqa: T201
            os._exit(3)
        code = main()
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                continue  # nobody reads it any more; the exit code stands
        os._exit(code)
    except KeyboardInterrupt as stop:  # what is not written yet stays so: its reader may be stuck
        from vibeguard.core.names import SIGNAL_EXIT_CODES  # noqa: PLC0415 - not for --version

        os._exit(SIGNAL_EXIT_CODES[stop.args[0] if stop.args else "SIGINT"])
    except BaseException as error:  # noqa: BLE001 - Python's own 1 means failed
        os._exit(_tell_plainly(error))


def _tell_plainly(error: BaseException) -> int:
    """What is told where nothing of ours can be imported to say it better: no memory, a sandbox."""
    from traceback import extract_tb  # noqa: PLC0415 - only on failure

    if isinstance(error, OSError) and error.filename is None:
        refused = f"{error.strerror} ({extract_tb(error.__traceback__)[-1].line})"
        said = "the system refuses what VibeGuard cannot do without"
        print(f"vibeguard: {said}: {refused}: let the sandbox allow it", file=sys.stderr)  # noqa: T201
    else:
        sys.excepthook(type(error), error, error.__traceback__)
    return 3


def _be_in_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale has another encoding.

    A config is UTF-8. In other bytes, what it says to the shell is another command.
    """
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606


def leave_foreign_modules_out(path: list[str]) -> None:
    """Take the working folder (or the script's) and PYTHONPATH out of the module path.

    A project's own `json.py` must not be ours. Where VibeGuard itself was loaded from stays, last;
    checks get PYTHONPATH as it was, from the environment. Before the first import (DESIGN 5).
    """
    home = os.path.dirname(os.path.dirname(_absolute(__file__)))
    foreign = {_absolute(one) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    if path and not sys.flags.safe_path:
        foreign.add(_absolute(path[0]))
    kept = [one for one in path if one and _absolute(one) not in foreign]
    path[:] = kept if any(_absolute(one) == home for one in kept) else [*kept, home]


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the working folder is gone, or not told: nothing is imported from it
        return path


def _open_closed_streams() -> None:
    """Put /dev/null where the caller closed standard input, output or error.

    A pipe or a log would get that number otherwise, and be taken for a stream.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code; raises nothing but KeyboardInterrupt."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    verb = verb_of(arguments)
    if verb == "--version":
        return _tell_version()
    if sys.platform == "win32":
        print(  # noqa: T201
            "vibeguard: Windows is not supported (process groups and signals are POSIX): use WSL.",
            file=sys.stderr,
        )
        return 2
    import gc  # noqa: PLC0415 - not for --version

    from vibeguard import late_modules, late_patterns  # noqa: PLC0415 - not for --version

    late_patterns.put_off()
    for name in LATE_MODULES:
        late_modules.put_off(name)
    gc.disable()  # nothing that is imported is garbage: looking for some is a tenth of the time
    supervisor = None
    try:
        _hear_of_children()
        if verb in ("run", "check") and not asks_for_help(arguments):
            from vibeguard.system.front import early  # noqa: PLC0415 - before all else, only here

            _import_msgspec()
            supervisor = early.prepare(arguments)
        _import_msgspec()
        return _call(arguments, verb, has_supervisor=supervisor is not None)
    except OSError as error:
        return _tell_refused(error, arguments, verb)
    finally:
        gc.enable()
        late_patterns.compile_again()
        if supervisor is not None:
            supervisor.discard()


def _hear_of_children() -> None:
    """See how processes of ours end, also where the caller ignores that (SIGCHLD).

    The kernel would throw every exit code away, and Python would take each for 0.
    """
    import signal  # noqa: PLC0415 - not for --version

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _import_msgspec() -> None:
    """Import it without `typing_extensions`, which it takes where it is there and does not need.

    That brings `inspect`, `ast` and `dis` along: 12 of the 161 ms of CPU that `report` takes where
    it is installed beside us (mypy, pydantic and others bring it).
    """
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    # None: an import of it fails (the language's reference, "The import system").
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401, PLC0415 - not for --version
    finally:
        del sys.modules["typing_extensions"]


def _tell_version() -> int:
    """Print the version; a reader that has gone is no failure, a full disk is one."""
    try:
        if sys.platform != "win32":
            _signal.pthread_sigmask(_signal.SIG_SETMASK, ())  # its reader may be stuck
        print(f"vibeguard {__version__}", flush=True)  # noqa: T201 - this is what was asked for
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"vibeguard: cannot write the output: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 3
    return 0


def _tell_refused(error: OSError, arguments: list[str], verb: str) -> int:
    """The system gives this command no second process, or less than it needs for that: no run."""
    from vibeguard.commands import failures, whole_streams  # noqa: PLC0415 - only on failure
    from vibeguard.core.problems import RunIncomplete  # noqa: PLC0415
    from vibeguard.system.unexpected import REFUSALS  # noqa: PLC0415

    whole_streams.make_streams_safe()
    if error.errno in REFUSALS:
        return failures.tell(error, arguments, verb)
    what = f"the supervisor cannot be started: {error.strerror}"
    do = "raise the limits (ulimit -u, pids.max of the control group), or end other processes"
    return failures.tell(RunIncomplete(what, do), arguments, verb)


def _call(arguments: list[str], verb: str, *, has_supervisor: bool) -> int:
    """Parse and call; what goes wrong is told on the channel that the caller reads.

    Signals end all that may take long; a supervisor's command says itself when they do.
    """
    import gc  # noqa: PLC0415 - as in `main`
    from contextlib import nullcontext  # noqa: PLC0415 - the same

    from vibeguard import late_patterns  # noqa: PLC0415 - as in `main`
    from vibeguard.commands import failures, whole_streams  # noqa: PLC0415 - after `early`
    from vibeguard.system.ending_signals import ended_by_signals  # noqa: PLC0415 - the same

    whole_streams.make_streams_safe()
    try:
        from vibeguard.commands.plain import parse  # noqa: PLC0415 - after `early`

        with nullcontext() if has_supervisor else ended_by_signals():
            call = parse(arguments)
            gc.freeze()  # modules stay to the end: no collection need look at them
            gc.enable()
            late_patterns.compile_again()
            code = call()
        with ended_by_signals():
            return failures.finish_output(code)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - this is the border
        # No Cancelled is swallowed here (ASYNC103, ASYNC104): whatever loop a command had is over.
        # A help screen is no run: without a reader it is 0, whichever the command.
        with ended_by_signals():
            return failures.tell(error, arguments, "" if asks_for_help(arguments) else verb)
