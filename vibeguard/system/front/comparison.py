"""The log that was followed beside what its supervisor says it wrote: they must be the same."""

from vibeguard.core.problems import LogCorrupt
from vibeguard.system.channel import Sealed
from vibeguard.system.front.following import Shown
from vibeguard.system.journal.follow import Follower


def differences_from(sealed: Sealed | None, view: Shown, follower: Follower) -> str:
    """Where log, seal and the supervisor's word (None: none yet) are not the same; else empty."""
    differences = () if sealed is None else sealed.differences
    if view.problem is not None:
        return "; ".join((_located(view.problem), *differences))
    if sealed is None:
        return ""
    if differences:
        return "; ".join(differences)
    seal, finished = follower.seal, view.state.finished
    if seal is None or finished is None:
        return "the log has no seal, but its supervisor wrote one"
    followed = (seal.sha256, seal.events, finished.exit_code)
    if followed != (sealed.sha256, sealed.events, sealed.exit_code):
        return "the log that was followed is not the one that the supervisor wrote"
    return ""


def _located(problem: LogCorrupt) -> str:
    if not problem.line:
        return problem.what
    return f"line {problem.line}, byte {problem.byte} of the log: {problem.what}"
