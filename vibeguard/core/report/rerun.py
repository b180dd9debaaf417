"""The exact command that runs a check again with the same config and state folder."""

from collections.abc import Iterator, Sequence
from shlex import quote

from vibeguard.core.model.state import State
from vibeguard.core.planning.plan import confirmed_by
from vibeguard.core.wording.sanitise import sanitise

_KEPT = ("--config", "--state-dir")


def rerun_command(state: State, ids: Sequence[str]) -> str:
    """A shell command that runs these checks (and what they require), to paste as it is."""
    argv = state.started.argv if state.started else ()
    configured = (confirmed_by(check) or check for check in ids)
    words = ["vibeguard", "run", *_kept(argv), *configured]
    return sanitise(" ".join(quote(word) for word in words))


def _kept(argv: Sequence[str]) -> Iterator[str]:
    """`--config` and `--state-dir` as they were given, in any of their spellings."""
    arguments = iter(argv[1:])
    for word in arguments:
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if name in _KEPT:
            yield name
            yield value if equals else next(arguments, "")
        elif word.startswith("-") and not word.startswith("--"):
            yield from _short(word, arguments)


def _short(word: str, arguments: Iterator[str]) -> Iterator[str]:
    """Short flags may be combined and carry a value: `-vc FILE`, `-cFILE`, `-p2`."""
    for at, letter in enumerate(word[1:], start=2):
        if letter not in "cp":
            continue
        value = word[at:].removeprefix("=") or next(arguments, "")
        if letter == "c":
            yield "--config"
            yield value
        return
