"""A log followed into live progress on a terminal."""

from vibeguard.core.formats.base import FormatOptions
from vibeguard.core.formats.live import LiveFormat
from vibeguard.system.front.live_details import LiveDetails
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import terminal_size
from vibeguard.system.front.view import View

FRAME_S = 0.1


class LiveView(View):
    """What is under way is drawn again and again, below what has been written."""

    def __init__(self, options: FormatOptions, output: Output) -> None:
        self._live = LiveFormat(options)
        self._seen = LiveDetails(options.run_folder)
        super().__init__(self._live, output)

    def tick(self) -> None:
        """Redraw."""
        if self.is_under_way and not self._output.is_full():
            now_t = self._now_t()
            seen = self._seen.look(self.state, now_t, lines=self._live.is_wide)
            self._show(self._live.frame(self.state, now_t, seen))

    def tick_period_s(self) -> float:
        """How often that is."""
        return FRAME_S

    def resize(self) -> None:
        """The terminal has another size."""
        self._live.resize(*terminal_size())

    def clear(self) -> None:
        """Take live progress away."""
        self._show(self._live.clear())
