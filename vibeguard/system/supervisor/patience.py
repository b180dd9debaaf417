"""How long a start that was refused is tried again."""

from typing import Final

import trio

from vibeguard.core.model.state import State
from vibeguard.system.process.start_refused import StartRefused

PATIENCE_S: Final = 30.0
OWN_PATIENCE_S: Final = 3.0


class Patience:
    """How long a run tries again when the system is short of something (EAGAIN, ENOMEM): 30 s.

    The time counts only while no check of the run is running: one that runs may hold what is
    missing, and will give it back. Of what nobody else can give back (EMFILE), it is 3 s. It is
    one patience for all starts of the run: what one has waited for in vain, no other waits for.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._since: float | None = None

    def bear(self, refusal: StartRefused) -> None:
        """Raise the refusal if it is final, or if the time to try again is over."""
        now = trio.current_time()
        anything_runs = any(self._state.used.values())
        if self._since is None or anything_runs:
            self._since = now
        patience_s = OWN_PATIENCE_S if refusal.ours else PATIENCE_S
        if not refusal.transient or now >= self._since + patience_s:
            raise refusal

    def renew(self) -> None:
        """There was enough for a start."""
        self._since = None
