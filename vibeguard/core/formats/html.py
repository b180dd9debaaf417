"""One HTML file that needs nothing else: a list, and a picture of the run."""

from vibeguard.core.formats.base import Ending, FormatOptions, Stream
from vibeguard.core.model.events import Event
from vibeguard.core.model.state import State
from vibeguard.core.pages.places import places_of
from vibeguard.core.pages.run import run_page
from vibeguard.core.pages.setting import Setting
from vibeguard.core.report.timeline import Timeline


class HtmlFormat:
    """A page at the end: the run, what did not pass, when everything ran, all the rest."""

    stream = Stream.MACHINE
    exact = False

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._timeline = Timeline()

    def feed(self, state: State, event: Event) -> str:
        """Nothing yet, but the timeline grows."""
        del state
        self._timeline.feed(event)
        return ""

    def finish(self, state: State, ending: Ending | None = None) -> str:
        """The page."""
        options = self._options
        setting = Setting(
            run_folder=options.run_folder,
            program=options.program,
            places=places_of(state, options.editor, options.root),
            style=options.asset("page.css"),
            script="".join(map(options.asset, ("list.js", "timeline.js"))),
            former=options.former(state) if options.compare else None,
        )
        return "".join(run_page(state, ending or Ending(), self._timeline, setting))
