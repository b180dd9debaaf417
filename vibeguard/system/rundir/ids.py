"""Run ids: `20261124T055812.123456Z-4f7a`. They sort by time; the tail keeps twins apart."""

import contextlib
import os
import re
from datetime import UTC, datetime, timedelta
from typing import Final

DYING: Final = ".old-"
_FORMAT: Final = "%Y%m%dT%H%M%S.%fZ"
_STAMP: Final = r"\d{8}T\d{6}\.\d{6}Z"
_RUN_ID: Final = re.compile(rf"{_STAMP}-[0-9a-f]{{4}}", re.ASCII)
_STAMP_LENGTH: Final = len("20261124T055812.123456Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def new_run_id(now_ns: int, *, newest: str = "") -> str:
    """An id for a run that starts at `now_ns` (wall clock, nanoseconds since 1970).

    It sorts after `newest`, the newest id there is, even if the wall clock was set back since.
    """
    moment = _EPOCH + timedelta(microseconds=now_ns // 1000)
    stamp = moment.strftime(_FORMAT)
    if stamp <= newest[:_STAMP_LENGTH]:
        # Not beyond the end of all calendars, where only a made-up folder can be.
        with contextlib.suppress(OverflowError):
            stamp = (_moment_of(newest) + timedelta(microseconds=1)).strftime(_FORMAT)
    return f"{stamp}-{os.urandom(2).hex()}"


def started_ns(run_id: str) -> int:
    """The moment that an id holds (nanoseconds since 1970)."""
    return (_moment_of(run_id) - _EPOCH) // timedelta(microseconds=1) * 1000


def is_run_id(name: str) -> bool:
    """Whether a name in runs/ is that of a run."""
    if _RUN_ID.fullmatch(name) is None:
        return False
    try:
        _moment_of(name)
    except ValueError:
        return False
    return True


def run_ids(state_dir: str) -> list[str]:
    """The ids of all runs of a state folder, oldest first; none if there is no such folder."""
    try:
        names = os.listdir(os.path.join(state_dir, "runs"))
    except FileNotFoundError:
        return []
    return sorted(filter(is_run_id, names))


def run_folder(state_dir: str, run_id: str) -> str:
    """The folder of a run."""
    return os.path.join(state_dir, "runs", run_id)


def dying_folder(state_dir: str, run_id: str) -> str:
    """Where a run is while it is removed: out of sight first, for nobody shall see half a run."""
    return run_folder(state_dir, DYING + run_id)


def place_of(folder: str) -> tuple[str, str]:
    """The state folder that a run's folder is in, and the id of the run."""
    runs, run_id = os.path.split(folder)
    return os.path.dirname(runs), run_id


def _moment_of(run_id: str) -> datetime:
    return datetime.fromisoformat(run_id[:_STAMP_LENGTH])
