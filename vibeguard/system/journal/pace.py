"""How often a follower looks: at once while changes are few, at intervals while they are many.

Whoever sleeps on a log is woken by the very write that changes it, at the writer's expense. Fifty
followers that are woken by each of hundreds of events a second make a write thirty times as long.
"""

from typing import Final

from vibeguard.system.clock import monotonic_s

# So many looks may follow each other without a pause; each is regained by so much quiet.
AT_ONCE: Final = 30
QUIET_S: Final = 0.0035
# The pause after each look when none is left. Changes within it wake nobody, and are no quiet.
PAUSE_S: Final = 0.02
# How fast the pause grows with each look that finds something right after a pause.
GROWTH: Final = 1.1


class Pace:
    """Decides when to look: a token bucket of looks at once, which only quiet fills.

    When it is empty the pause between looks grows, up to `longest_s`, while changes go on.
    """

    def __init__(self, at_once: int = AT_ONCE, longest_s: float = PAUSE_S) -> None:
        self._at_once = at_once
        self._longest_s = longest_s
        self._pause_s = PAUSE_S
        self._budget = float(at_once)
        self._looked_at = monotonic_s()

    def looked(self) -> None:
        """A look has found something new."""
        now = monotonic_s()
        quiet_s = max(now - self.next_look(), 0.0)
        regained = quiet_s / QUIET_S
        rested = quiet_s > PAUSE_S
        self._pause_s = PAUSE_S if rested else min(self._pause_s * GROWTH, self._longest_s)
        self._budget = max(min(self._budget + regained, self._at_once) - 1.0, 0.0)
        self._looked_at = now

    def next_look(self) -> float:
        """The moment (monotonic seconds) of the next look at the earliest."""
        return self._looked_at if self._budget >= 1.0 else self._looked_at + self._pause_s
