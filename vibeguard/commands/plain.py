"""argv in, a call that is ready to be made out: usual command lines without cyclopts (ADR 0170).

Flags spelt in full, each once, with a value that can only mean one thing. Whatever else there is (a
help screen, combined letters, `--`, a mistake of any kind) is not for here: the answer is None, and
cyclopts reads the same words by the same parameters. A test holds the two against each other.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct

from vibeguard import late_patterns
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.parameter import Options, Word, members, names_of, split
from vibeguard.commands.table import ALIASES, COMMANDS, function_of
from vibeguard.commands.words import attach_values, complete, join_until_check

TAKES_ANY_NUMBER = 0x04  # inspect.CO_VARARGS: that module takes longer to load than all of ours
MOST_DIGITS = 9


class NotPlain(Exception):
    """These words are for the parser."""


class Flag(Struct, frozen=True):
    """A flag of a command: the argument that it belongs to, its field there, and how it is read."""

    argument: str
    field: str
    kind: Any
    said: dict[str, Any]


Given = dict[str, dict[str, Any]]  # argument -> field -> value


def parse(arguments: list[str], environ: Mapping[str, str] = os.environ) -> Callable[[], int]:
    """The call that these arguments ask for. Raises UsageError or a CycloptsError."""
    call = plain_call(arguments, environ)
    if call is None:
        late_patterns.compile_again()  # what rich does with its own is not ours to know
        from vibeguard.commands import application  # noqa: PLC0415 - cyclopts is 80 ms

        call = application.parse(arguments, environ)
    return call


def plain_call(arguments: Sequence[str], environ: Mapping[str, str]) -> Callable[[], int] | None:
    """The call that plain words ask for, None for others. Raises UsageError as `complete` does."""
    try:
        call, common = _call(arguments)
    except NotPlain:
        return None
    return partial(call, common=complete(common, environ))


def _call(arguments: Sequence[str]) -> tuple[Callable[..., int], GlobalOptions]:
    """A command with its own words and flags, and the global flags. Raises NotPlain."""
    given: Given = {}
    words = _take(arguments, _flags("common", GlobalOptions), given)
    if not words or (words[0] not in COMMANDS and words[0] not in ALIASES):
        raise NotPlain
    common = GlobalOptions(**given.pop("common", {}))
    function = function_of(words[0])
    options = _own_options(function)
    flags = {name: flag for each in options.items() for name, flag in _flags(*each).items()}
    own = attach_values(join_until_check(tuple(words)))[1:]
    positional = _positional(function, _take(own, flags, given))
    keywords = {argument: kind(**given.get(argument, {})) for argument, kind in options.items()}
    return partial(function, *positional, **keywords), common


def _take(words: Sequence[str], flags: Mapping[str, Flag], given: Given) -> list[str]:
    """Move flags with their values into `given`; the words that are left. Raises NotPlain."""
    left: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = _parts(word, flags)
        flag = flags.get(name)
        if flag is None:
            left.append(word)
            continue
        switch = bool in members(flag.kind)
        if switch and (equals or value):
            raise NotPlain
        if not (switch or equals or value):
            value = next(rest, "-")
        read = switch or _value(flag.kind, flag.said, value, empty=bool(equals))
        fields = given.setdefault(flag.argument, {})
        if flag.field in fields:
            raise NotPlain  # given twice
        fields[flag.field] = read
    return left


def _parts(word: str, flags: Mapping[str, Flag]) -> tuple[str, str, str]:
    """A flag, the equals sign and the value behind it; `-p3` is a letter with its value."""
    if word[1:2] != "-" and word[:2] in flags and "=" not in word:
        return word[:2], "", word[2:]
    return word.partition("=")


def _value(kind: Any, said: Mapping[str, Any], text: str, *, empty: bool = False) -> object:
    """A value as its type or its converter reads it; `empty`: it may be. Raises NotPlain."""
    if text.startswith("-") or not (text or empty):
        raise NotPlain
    if "converter" in said:
        try:
            return said["converter"](kind, [Word(text)])
        except ValueError:
            raise NotPlain from None
    (member,) = members(kind)
    if member is str:
        return text
    if member is int and text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS:
        return int(text)
    if get_origin(member) is Literal and text in get_args(member):
        return text
    raise NotPlain


def _flags(argument: str, options: type[Options]) -> dict[str, Flag]:
    """The flags of some options, by every spelling."""
    flags: dict[str, Flag] = {}
    for field, annotation in options.annotations().items():
        kind, said = split(annotation)
        flags |= {name: Flag(argument, field, kind, said) for name in names_of(field, said)}
    return flags


def _own_options(function: Callable[..., int]) -> dict[str, type[Options]]:
    """The options that a command takes beside the global ones, by the argument that they are for.

    Raises NotPlain for a flag that is no part of any.
    """
    code = function.__code__
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    kinds = {name: function.__annotations__[name] for name in names}
    if not all(isinstance(kind, type) and issubclass(kind, Options) for kind in kinds.values()):
        raise NotPlain
    return {name: kind for name, kind in kinds.items() if kind is not GlobalOptions}


def _positional(function: Callable[..., int], words: Sequence[str]) -> list[object]:
    """The words that are no flags, read as the command's own. Raises NotPlain."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    if code.co_flags & TAKES_ANY_NUMBER:
        many = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        names += (many,) * (len(words) - len(names))
    if not len(names) - len(function.__defaults__ or ()) <= len(words) <= len(names):
        raise NotPlain
    annotations = (split(function.__annotations__[name]) for name in names)
    return [_value(*each, word) for each, word in zip(annotations, words, strict=False)]
