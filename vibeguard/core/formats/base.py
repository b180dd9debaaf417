"""What a format is: events go in, text comes out. The caller alone writes, and knows the time.

`feed` is called once for each event, with a State that already includes it; `finish` once, after
the last. Both return the text to write at that moment, "" when there is nothing to say. A format
looks at no clock, no terminal and no environment: all that it needs to know stands in its options,
so that two replays of a log give the same bytes (ADR 0050).
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.report.conclusion import NOTHING_MORE, Ending
from vibeguard.core.report.timeline import Timeline

__all__ = ["NOTHING_MORE", "Ending", "Format", "FormatOptions", "Stream"]


class Stream(StrEnum):
    """Where a format's text belongs: people read stderr, programs read stdout."""

    HUMAN = "stderr"
    MACHINE = "stdout"


class FormatOptions(Struct, frozen=True, kw_only=True):
    """Everything that a format may depend on beside the events.

    `columns` 0 means no limit; `rows` bounds live progress. `ci`: a service reads along, which
    concerns exact formats. `unicode`: the terminal shows more than ASCII. `since` is the number of
    the last event that is already known, -1 for none. `budget` is about how many tokens the text
    may take. `run_folder` is put before output paths. `quiet`: a pass is no news.

    `former` gives the run that this one is held against, None where there is none; it may read a
    whole log, and is asked only once there is something to say. With `news_only`, what failed there
    in the same way is named and not told again; `compare` asks a document for all differences.
    `whole`: the events are those of a log that is read at once, so that a bounded text may be
    divided when all of them are known.

    `asset` gives the text of a file that goes into a page, by its name, and is asked only when a
    page is written; without it the page is plain. `editor` is the template by which a page links
    places in files, before what the config says; `root` is the absolute path of the repository
    whose files those links open.
    """

    colour: bool = False
    columns: int = 0
    rows: int = 24
    verbose: bool = False
    ci: bool = False
    unicode: bool = False
    since: int = -1
    budget: int | None = None
    run_folder: str = ""
    quiet: bool = False
    asset: Callable[[str], str] = lambda _: ""
    former: Callable[[State], State | None] = lambda _: None
    news_only: bool = False
    compare: bool = False
    whole: bool = False
    editor: str = ""
    root: str = ""


class Format:
    """One form of output; by itself it says nothing.

    `stream` is where the text belongs. Of an `exact` one a program needs every byte as it is, and
    it sees to it itself that nothing untrusted is a command; else the writer breaks a service's
    commands.
    """

    stream = Stream.MACHINE
    exact = True

    def __init__(self, options: FormatOptions) -> None:
        self.options = options

    def feed(self, state: State, event: Event) -> str:  # noqa: ARG002 - for those who say something
        """The text to write after `event`, which `state` already includes."""
        return ""

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:  # noqa: ARG002
        """The text to write at the end; `ending` is what the events do not tell."""
        return ""


class ProseFormat(Format):
    """What formats share that speak to people."""

    stream = Stream.HUMAN
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        from vibeguard.core.report.prose import Prose  # noqa: PLC0415 - programs need none
        from vibeguard.core.wording.style import Style  # noqa: PLC0415 - the same

        super().__init__(options)
        self.prose = Prose(
            style=Style(colour=options.colour),
            columns=options.columns,
            verbose=options.verbose,
            run_folder=options.run_folder,
        )

    def say(self, state: State, event: Event) -> str:
        """What there is to say of an event that is not known yet."""
        return self.prose.event(state, event) if event.seq > self.options.since else ""


class TimelineFormat(Format):
    """What formats share that show at the end when every attempt ran."""

    def __init__(self, options: FormatOptions) -> None:
        super().__init__(options)
        self.timeline = Timeline()

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet, but the timeline grows."""
        del state
        self.timeline.feed(event)
        return ""
