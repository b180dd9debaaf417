"""The parsers of PyYAML, of which only events are taken: that of libyaml, else its own."""

from typing import Protocol, cast

import yaml

from vibeguard.core.problems import ConfigError, Problem

MOST_WITHOUT_LIBYAML = 128 << 10  # characters: half a second


class Mark(Protocol):
    """A place in the text, counted from 0."""

    index: int
    line: int
    column: int


class ParserEvent(Protocol):
    """What events of both parsers have, each kind what it needs of it."""

    start_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None


class EventParser(Protocol):
    """What both of PyYAML's parsers offer."""

    def get_event(self) -> ParserEvent:
        """The next event; raises `yaml.YAMLError`."""


def open_parser(text: str) -> EventParser:
    """The parser of libyaml where PyYAML has it, else PyYAML's own, which is thirty times slower.

    Raises ConfigError for a text that would take the slow one seconds.
    """
    if yaml.__with_libyaml__:
        return cast("EventParser", yaml.CSafeLoader(text))
    if len(text) > MOST_WITHOUT_LIBYAML:
        what = (
            f"PyYAML has no libyaml here: a config may be {MOST_WITHOUT_LIBYAML >> 10} KB at most"
        )
        raise ConfigError([Problem(what, "install PyYAML with libyaml (its wheels have it)")])
    return cast("EventParser", yaml.SafeLoader(text))
