"""Texts of the config to values: whole numbers, truth, sizes, closed sets of words, folders, names.

Each function raises `LanguageError` with what is wrong and what to write instead.
"""

import re
from enum import StrEnum
from functools import partial
from typing import TypeVar

from vibeguard.core.lang.errors import LanguageError, quoted
from vibeguard.core.lang.globs import regex_of
from vibeguard.core.names import Mode, ReusePolicy
from vibeguard.core.wording.suggest import did_you_mean

Word = TypeVar("Word", bound=StrEnum)

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
LONGEST_ID = 1_000
TAG = re.compile(r"[a-z][a-z0-9-]*")
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.=/+-]{0,63}\Z")
LABEL_FORM = "use at most 64 letters, digits and _ . = / + -, a letter or digit first"
POOL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
POOL_NAME_FORM = "use at most 64 letters, digits and _ . -, a letter or digit first"
OUR_VARIABLES = frozenset(
    {"VIBEGUARD_RUN", "VIBEGUARD_CHECK", "VIBEGUARD_ATTEMPT", "VIBEGUARD_WORKER"}
)

_TRUE = frozenset({"true", "yes", "on", "y"})  # YAML 1.1's words, as configs have them
_FALSE = frozenset({"false", "no", "off", "n"})
_DAY = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_WHOLE_NUMBER = re.compile(r"([+-]?)0*([0-9]+)")
_SIZE = re.compile(r"0*([0-9]+)(?:\.([0-9]{1,9}))? ?([A-Za-z]*)")
_MOST_DIGITS = 18  # beyond every bound, and read at once
_SIZE_UNITS = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_MAX_SIZE = (1 << 63) - 1
_HOW_ADDRESS = "write one such as https://ci.example.org/hook"
_LARGEST_SIZE = f"the largest is {_MAX_SIZE >> 40}TiB"
_HOW_TAG = "use small letters, digits and -; begin with a small letter"
_HOW_SIZE = "write a size such as 64MiB, 10MB or a number of bytes"


def whole_number(text: str, *, least: int, most: int) -> int:
    """A whole number between two bounds, in decimal digits."""
    match = _WHOLE_NUMBER.fullmatch(text)
    if match is None:
        raise LanguageError(
            f"{quoted(text)} is not a whole number", f"write one from {least} to {most}"
        )
    number = int(match[1] + match[2][:_MOST_DIGITS])  # cut off, it is as far beyond every bound
    shown = number if len(match[2]) <= _MOST_DIGITS else quoted(text)
    if number < least:
        raise LanguageError(f"{shown} is too small", f"the smallest is {least}")
    if number > most:
        raise LanguageError(f"{shown} is too large", f"the largest is {most}")
    return number


def _spelt(pattern: re.Pattern[str], what: str, do: str, text: str) -> str:
    """A text that is spelt by the rules; `what` is the complaint about one that is not."""
    if not pattern.fullmatch(text):
        raise LanguageError(what.format(quoted(text)), do)
    return text


day = partial(_spelt, _DAY, "{} is not a day", "write one such as 2026-12-31")
tag = partial(_spelt, TAG, "invalid tag {}", _HOW_TAG)
label = partial(_spelt, LABEL, "{} cannot be a label of a worker", LABEL_FORM)
pool_name = partial(_spelt, POOL_NAME, "{} cannot name a pool", POOL_NAME_FORM)


def truth(text: str) -> bool:
    """`true` or `false`, or one of the other words that YAML has for them, in any case."""
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise LanguageError(f"{quoted(text)} is neither true nor false", "write true or false")


def size_bytes(text: str) -> int:
    """Bytes of a size such as `1GiB`, `10MB`, `1.5 MiB` or `4096`; at least one."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise LanguageError(f"{quoted(text)} is not a size", _HOW_SIZE)
    unit = _SIZE_UNITS.get(match[3].lower())
    if unit is None:
        letter = match[3][:1].upper()
        known = (
            f"say {match[1]}{letter}iB or {match[1]}{letter}B" if letter in "KMGT" else _HOW_SIZE
        )
        raise LanguageError(f"{quoted(text)} has no known unit: {quoted(match[3])}", known)
    fraction = match[2] or ""
    if len(match[1]) > _MOST_DIGITS:
        raise LanguageError(f"{quoted(text)} is too large", _LARGEST_SIZE)
    size: int = int(match[1]) * unit + int(fraction or "0") * unit // 10 ** len(fraction)
    if size < 1:
        raise LanguageError(f"{quoted(text)} is too small", "the smallest is one byte")
    if size > _MAX_SIZE:
        raise LanguageError(f"{quoted(text)} is too large", _LARGEST_SIZE)
    return size


def member_of(members: type[Word], what: str, text: str) -> Word:
    """One of a closed set of words, exactly as they are written."""
    found = members.__members__.get(text.upper())
    if found is not None and found == text:
        return found
    words = tuple(members)
    choice = f"{', '.join(words[:-1])} or {words[-1]}"

    def meant() -> str:
        found = did_you_mean(text, words)
        return f"{found} It is one of {choice}" if found else ""

    raise LanguageError(f"unknown {what} {quoted(text)}", f"write {choice}", meant=meant)


def placement(text: str) -> Mode:
    """Where a check runs, in the words of `async`: `auto`, or one of those for truth."""
    if text.lower() == "auto":
        return "auto"
    try:
        return "async" if truth(text) else "sync"
    except LanguageError:
        what = f"unknown value of async {quoted(text)}"
        raise LanguageError(what, "write auto, true or false") from None


def reuse(text: str) -> ReusePolicy:
    """Whether earlier passes count: `confirm`, or one of the words for truth."""
    if text.lower() == ReusePolicy.CONFIRM:
        return ReusePolicy.CONFIRM
    try:
        return ReusePolicy.ON if truth(text) else ReusePolicy.OFF
    except LanguageError:
        what = f"unknown value of reuse {quoted(text)}"
        raise LanguageError(what, "write true, false or confirm") from None


def without_nul(what: str, text: str) -> str:
    """A text that goes to the system, as a word, a name or a value: it ends at a NUL character."""
    if "\0" in text:
        raise LanguageError(
            f"{what} cannot hold a NUL character", "remove it", offset=text.index("\0")
        )
    return text


command_line = partial(without_nul, "a command line")
file_name = partial(without_nul, "the name of a file")
variable_value = partial(without_nul, "an environment variable")


def shell(text: str) -> str:
    """The name of a shell that is known, or a command line, whose quotes are closed."""
    command_line(text)
    if "'" in text or '"' in text or "\\" in text:
        import shlex  # noqa: PLC0415 - rarely needed

        try:
            shlex.split(text)
        except ValueError as error:
            what = f"{quoted(text)} is no command line: {error}"
            raise LanguageError(what, "close the quotes") from None
    return text


def web_address(text: str) -> str:
    """An address that a report can be sent to without everybody on the way reading it."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - rarely needed

    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")  # what it refuses cannot be looked up either
    except ValueError as error:
        raise LanguageError(f"{quoted(text)} is no address: {error}", _HOW_ADDRESS) from None
    spelt = text.isascii() and text.isprintable() and " " not in text  # else some is passed over
    if parts.scheme not in ("http", "https") or not host or not spelt:
        raise LanguageError(f"{quoted(text)} is no address", _HOW_ADDRESS)
    if parts.port == 0:
        raise LanguageError(f"the port of {host} is 0", "use one from 1 to 65535")
    if "#" in text:
        what = f"the address of {host} has a fragment (#), which is sent to nobody"
        raise LanguageError(what, "leave it out, or write %23 for the character")
    if parts.username is not None:
        what = f"the address of {host} holds a user, and nothing but the signature is sent"
        raise LanguageError(what, "leave it out: whoever listens checks the signature")
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        what = f"http to {host} sends the report in the clear"
        raise LanguageError(what, "use https")
    return text


def identifier(text: str) -> str:
    """The id of a check or prompt; every text of a run holds some."""
    if len(text) > LONGEST_ID:
        raise LanguageError(
            f"an id of {len(text):,} characters", f"use at most {LONGEST_ID:,} characters"
        )
    do = "use letters, digits, _ and -; begin with a letter or _"
    return _spelt(ID, "invalid id {}", do, text)


def glob(text: str) -> str:
    """A pattern of file names."""
    without_nul("a pattern", text)
    regex_of(text.removeprefix("!"))
    return text


def file_below(text: str) -> str:
    """A relative name or glob of files that does not leave where it starts."""
    if not text or text.startswith("/") or "\0" in text or ".." in text.split("/"):
        raise LanguageError(
            f"{quoted(text)} is not below where the check runs", "name files below it: out/*.xml"
        )
    return text


def variable_name(text: str) -> str:
    """The name of an environment variable that a check may set: one, for no pattern names any."""
    if not text or "=" in text or "\0" in text:
        raise LanguageError(
            f"{quoted(text)} cannot name an environment variable", "use another name"
        )
    if set("$*?[{") & set(text) or text != text.strip():
        what = f"{quoted(text)} is no name of an environment variable"
        raise LanguageError(what, "write each name as it is: no pattern, no $, no space")
    if text in OUR_VARIABLES:
        raise LanguageError(f"{text} is set by VibeGuard itself", "use another name")
    return text


def folder_below(text: str) -> str:
    """A relative folder that stays below where it starts, without `..`; `.` is where it starts.

    Nothing stays nothing: the check runs where the run does.
    """
    if text.startswith("/"):
        raise LanguageError(f"{quoted(text)} is absolute", "write it relative to the config file")
    without_nul("a folder's name", text)
    parts: list[str] = []
    for part in text.split("/"):
        if part == ".." and not parts:
            raise LanguageError(
                f"{quoted(text)} leaves the folder of the config", "name a folder below it"
            )
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or ("." if text else "")
