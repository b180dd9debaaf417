"""One HTML file that needs nothing else: a list, and a picture of the run."""

from vibeguard.core.formats.base import NOTHING_MORE, Ending, TimelineFormat
from vibeguard.core.model.state import State
from vibeguard.core.pages.places import Setting, places_of
from vibeguard.core.pages.run import run_page


class HtmlFormat(TimelineFormat):
    """A page at the end: the run, what did not pass, when everything ran, all the rest."""

    exact = False

    def finish(self, state: State, ending: Ending = NOTHING_MORE) -> str:
        """The page."""
        options = self.options
        setting = Setting(
            run_folder=options.run_folder,
            places=places_of(state, options.editor, options.root),
            style=options.asset("page.css"),
            script="".join(map(options.asset, ("list.js", "timeline.js"))),
            former=options.former(state) if options.compare else None,
        )
        return "".join(run_page(state, ending, self.timeline, setting))
