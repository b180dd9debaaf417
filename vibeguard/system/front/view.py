"""Following a log into a format: fold each event, show it, remember how it stands."""

import os

from msgspec.structs import replace

from vibeguard.core.formats.base import Ending, Format, FormatOptions, Stream
from vibeguard.core.formats.registry import make_format
from vibeguard.core.model.events import Event, RunStarted
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogCorrupt
from vibeguard.core.report.heartbeat import heartbeat
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.terminal import wants_live
from vibeguard.system.clock import monotonic_ns
from vibeguard.system.front.following import Shown
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import is_terminal, terminal_size
from vibeguard.system.journal.follow import Follower
from vibeguard.system.process.proc import boot_id

HEARTBEAT_S = 30.0
FRAME_S = 0.1


class View(Shown):
    """One follower of one log, folded and shown."""

    def __init__(self, form: Format, output: Output) -> None:
        super().__init__()
        self._form = form
        self._output = output
        self._offset_ns: int | None = None
        self._quiet_since = monotonic_ns()

    def read(self, follower: Follower) -> bool:
        """Take in and show what is new in the log, while the readers keep up; whether there was."""
        found = False
        while self.problem is None and not self._output.is_full():
            try:
                events = follower.read()
                if not events:
                    return found
                found = True
                self._keep_time(events)
                self._take(events, follower)
            except LogCorrupt as problem:
                self.problem = problem
        return found

    def tick(self) -> None:
        """Give a sign of life after a long silence."""
        if self.is_under_way and self._form.stream is Stream.HUMAN:
            silent_s = (monotonic_ns() - self._quiet_since) / 1e9
            if silent_s >= HEARTBEAT_S:
                self._show(heartbeat(self.state, self._now_t()))
                self._quiet_since = monotonic_ns()

    def tick_period_s(self) -> float:
        """How often `tick` is worth calling."""
        return HEARTBEAT_S / 4

    @property
    def is_under_way(self) -> bool:
        """Whether the run is planned and has no verdict yet."""
        return self.state.planned is not None and self.state.finished is None

    def finish(self, ending: Ending) -> None:
        """Show the end; where a format is for machines, people are told beside it what is wrong."""
        if ending.log_status is LogStatus.LIVE:
            ending = replace(ending, elapsed_ns=max(self._now_t(), self.state.last_t))
        self._show(self._form.finish(self.state, ending))
        if ending.problem and self._form.stream is Stream.MACHINE:
            self._output.write(Stream.HUMAN, f"vibeguard: {sanitise(ending.problem)}\n")

    def _take(self, events: list[Event], follower: Follower) -> None:
        """Fold and show each. Beside checks that do nothing this loop is what a front costs."""
        fold, feed, state = follower.fold, self._form.feed, self.state
        for index, event in enumerate(events):
            fold(index, event, state)
            text = feed(state, event)
            if text:
                self._show(text)

    def _keep_time(self, events: list[Event]) -> None:
        """Learn when the run started: the last event of what was read is the youngest."""
        offset = _start_ns(events[0]) or monotonic_ns() - events[-1].t
        if self._offset_ns is None or offset < self._offset_ns:
            self._offset_ns = offset

    def _now_t(self) -> int:
        """Nanoseconds since the run's start, as well as a follower can know it."""
        return monotonic_ns() - (self._offset_ns or 0)

    def _show(self, text: str) -> None:
        if text:
            self._quiet_since = monotonic_ns()
            self._output.write(self._form.stream, text, exact=self._form.exact)


def _start_ns(event: Event) -> int:
    """The monotonic clock at `t` 0, where the event tells and it was this boot's; else 0."""
    if isinstance(event, RunStarted) and event.boot_id == boot_id():
        return event.monotonic_ns
    return 0


class LiveView(View):
    """What is under way is drawn on a terminal, again and again, below what has been written."""

    def __init__(self, options: FormatOptions, output: Output) -> None:
        from vibeguard.core.formats.live import LiveFormat  # noqa: PLC0415 - on terminals alone
        from vibeguard.system.front.live_details import LiveDetails  # noqa: PLC0415 - the same

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


def make_view(name: str, options: FormatOptions, output: Output, *, live: bool) -> View:
    """A view in the named format; `live` draws progress where text goes to a terminal."""
    if name == "text" and live and wants_live(os.environ, is_terminal=is_terminal()):
        return LiveView(options, output)
    return View(make_format(name, options), output)
